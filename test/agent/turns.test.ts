import { setImmediate as nextTick } from 'node:timers/promises'
import t from 'tap'
import { Turns } from '../../src/agent/turns.ts'

t.test('a burst of inputs costs one turn, which finds all of them', async (t) => {
  const noted: number[] = []
  const seen: number[][] = []
  const turns = new Turns(() => seen.push(noted.splice(0)))
  for (const input of [1, 2, 3]) turns.note(() => noted.push(input))
  t.equal(turns.isDue, true)
  t.same(seen, [], 'not before the inputs of this moment are in')
  await nextTick()
  t.same(seen, [[1, 2, 3]])
  t.equal(turns.isDue, false)
})

t.test(
  'a turn that leaves something undone asks for another, and does not hold up others meanwhile',
  async (t) => {
    let left = 3
    const turns = new Turns(() => {
      if (--left > 0) turns.soon()
    })
    turns.now()
    t.same([left, turns.isDue], [2, true])
    await nextTick()
    t.same([left, turns.isDue], [1, true])
    await nextTick()
    t.same([left, turns.isDue], [0, false])
  },
)
