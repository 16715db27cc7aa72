import fc from 'fast-check'
import t from 'tap'
import { Line, type Waiting } from '../../src/reconcile/line.ts'

interface Someone extends Waiting {
  readonly name: number
}

function people(count: number): Someone[] {
  return Array.from({ length: count }, (_, name) => ({ name, line: undefined }))
}

function names(some: readonly Someone[]): number[] {
  return some.map(({ name }) => name)
}

t.test('few are taken in the order in which they came, each once', async (t) => {
  const line = new Line<Someone>()
  const all = people(4)
  for (const one of [...all, all[0]!]) line.add(one)
  t.equal(line.size, 4)
  line.delete(all[1]!)
  line.delete(all[1]!)
  t.same(names(line.take(3)), [0, 2, 3])
  t.equal(line.size, 0)
})

t.test('of many, half are the last who came, and half the first', async (t) => {
  const line = new Line<Someone>()
  for (const one of people(10)) line.add(one)
  t.same(names(line.take(4)), [8, 9, 0, 1])
  t.same(names(line.take(4)), [6, 7, 2, 3])
  t.same(names(line.take(4)), [4, 5])
})

t.test('who leaves one line for another is in that one only', async (t) => {
  const [here, there] = [new Line<Someone>(), new Line<Someone>()]
  const [one] = people(1) as [Someone]
  here.add(one)
  here.delete(one)
  there.add(one)
  t.same([names(here.take(1)), names(there.take(1))], [[], [0]])
})

t.test('whoever comes, leaves and comes again is taken once, and nobody is forgotten', async () => {
  const step = fc.record({
    does: fc.constantFrom('add', 'delete', 'take'),
    who: fc.nat(2_999),
    most: fc.integer({ min: 1, max: 5 }),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 4_000, size: 'max' }), (steps) => {
      const all = people(3_000)
      const line = new Line<Someone>()
      const there = new Set<number>()
      const leave = (one: Someone): void => {
        if (!there.delete(one.name)) throw new Error(`${one.name} was not there`)
      }
      for (const { does, who, most } of steps) {
        if (does === 'take') for (const one of line.take(most)) leave(one)
        else line[does as 'add' | 'delete'](all[who]!)
        if (does === 'add') there.add(who)
        if (does === 'delete') there.delete(who)
        if (line.size !== there.size) throw new Error(`${line.size} in the line, not ${there.size}`)
      }
      for (const one of line.take(3_000)) leave(one)
      return there.size === 0
    }),
    { numRuns: 30 },
  )
})
