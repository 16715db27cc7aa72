import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import t from 'tap'
import { keeper } from '../../src/edge/idle-heap.ts'

const module = join(import.meta.dirname, '../../src/edge/idle-heap.ts')
const waiting = join(import.meta.dirname, '../kit/until.ts')

/** How often what is free is given back, when each second takes so much processor time, in microseconds. */
function collections(seconds: readonly number[], used = 20_000_000, young = 16_000_000): number {
  let time = 0
  let collected = 0
  const look = keeper({ used: () => time, heap: () => ({ used, young }), collect: () => collected++ })
  for (const second of seconds) {
    time += second
    look()
  }
  return collected
}

t.test('what the start has taken is given back in the first second with nothing to do', async (t) => {
  t.equal(collections([400_000, 200_000]), 0)
  t.equal(collections([400_000, 200_000, 900]), 1)
})

t.test('what could not be given back is not tried again before there has been more to do', async (t) => {
  t.equal(collections([400_000, 900, 900, 900]), 1)
  t.equal(collections([400_000, 900, 900, 30_000, 900]), 2)
})

t.test('nothing is held up for what is not worth it', async (t) => {
  t.equal(collections([0], 20_000_000, 1_000_000), 0, 'little room for new objects')
  t.equal(collections([0], 80_000_000), 0, 'a large heap, which takes long')
})

t.test('V8 lets go of the room for new objects', async (t) => {
  const program = `
    const { keepHeapSmall } = await import(${JSON.stringify(module)})
    const { until } = await import(${JSON.stringify(waiting)})
    const { getHeapSpaceStatistics } = await import('node:v8')
    const young = () => getHeapSpaceStatistics().find((space) => space.space_name === 'new_space').physical_space_size
    let kept = []
    for (let i = 0; i < 400_000; i++) kept.push({ i })
    kept = []
    const before = young()
    keepHeapSmall()
    await until('room is given back', () => young() <= 2_000_000, 20_000)
    console.log(JSON.stringify([before, young()]))`
  const options = ['--expose-gc', '--max-semi-space-size=8', '--input-type=module', '--eval', program]
  const [before, after] = JSON.parse(execFileSync(process.execPath, options, { encoding: 'utf8' }))
  t.ok(before >= 4_000_000, `${before} octets at first`)
  t.ok(after <= 2_000_000, `${after} octets left`)
})

t.test('a process that has nothing else to do ends', async () => {
  const program = `(await import(${JSON.stringify(module)})).keepHeapSmall()`
  execFileSync(process.execPath, ['--expose-gc', '--input-type=module', '--eval', program], {
    timeout: 30_000,
  })
})

t.test('so does the C library of what was freed, once it is loaded', async (t) => {
  const program = `
    const { libc, trimMemory } = await import(${JSON.stringify(join(import.meta.dirname, '../../src/edge/libc.ts'))})
    trimMemory()
    libc()
    trimMemory()
    console.log('trimmed')`
  t.equal(
    execFileSync(process.execPath, ['--input-type=module', '--eval', program], { encoding: 'utf8' }),
    'trimmed\n',
  )
})
