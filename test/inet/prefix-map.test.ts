import fc from 'fast-check'
import t from 'tap'
import { address } from '../../src/inet/address.ts'
import { contains, type Prefix, prefix, prefixLength } from '../../src/inet/prefix.ts'
import { type PrefixEntry, PrefixMap } from '../../src/inet/prefix-map.ts'
import { closeAddress, closePrefix } from '../kit/inet.ts'

t.test('the most specific entry wins, and the chain above it is known', async (t) => {
  const map = new PrefixMap<string>()
    .set(prefix('0.0.0.0/0'), 'default')
    .set(prefix('10.0.0.0/8'), 'eight')
    .set(prefix('10.1.0.0/16'), 'sixteen')
    .set(prefix('fd00::/8'), 'six')
  t.equal(map.longest(address('10.1.2.3'))?.value, 'sixteen')
  t.equal(map.longest(address('10.2.2.3'))?.value, 'eight')
  t.equal(map.longest(prefix('10.0.0.0/7'))?.value, 'default')
  t.equal(map.longest(address('fe00::')), undefined)
  t.same(
    map.covering(prefix('10.1.0.0/16')).map((entry) => entry.value),
    ['default', 'eight', 'sixteen'],
  )
  t.same(
    map.within(prefix('10.0.0.0/7')).map((entry) => entry.prefix),
    ['10.0.0.0/8', '10.1.0.0/16'],
  )
  t.same(
    [...map].map((entry) => entry.value),
    ['default', 'eight', 'sixteen', 'six'],
  )
})

t.test('an undefined value is still an entry', async (t) => {
  const map = new PrefixMap<undefined>().set(prefix('10.0.0.0/8'), undefined)
  t.same(
    [map.size, map.has(prefix('10.0.0.0/8')), map.delete(prefix('10.0.0.0/8')), map.size],
    [1, true, true, 0],
  )
})

type Step = { readonly prefix: Prefix; readonly value: number | undefined }

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({ prefix: closePrefix, value: fc.option(fc.nat(), { nil: undefined }) }),
  { maxLength: 60 },
)

/** Sets where a step has a value, deletes where it has none, in the trie and in a plain Map, which must agree. */
function build(steps: readonly Step[]): { map: PrefixMap<number>; naive: Map<Prefix, number> } {
  const map = new PrefixMap<number>()
  const naive = new Map<Prefix, number>()
  // Prefixes of earlier steps are taken away again, or hardly any delete would hit.
  for (const [i, { prefix, value }] of steps.entries()) {
    const target = value === undefined ? steps[i >> 1]!.prefix : prefix
    if (value !== undefined) map.set(target, value)
    else if (map.delete(target) !== naive.has(target))
      throw new Error(`delete ${target} gave the wrong answer`)
    if (value === undefined) naive.delete(target)
    else naive.set(target, value)
  }
  return { map, naive }
}

const sorted = (entries: Iterable<PrefixEntry<number>>): string[] =>
  Array.from(entries, ({ prefix, value }) => `${prefix} ${value}`).sort()

t.test('after any changes it answers as a scan over all entries would', async (t) => {
  fc.assert(
    fc.property(steps, fc.oneof(closePrefix, closeAddress), closePrefix, (steps, of, outer) => {
      const { map, naive } = build(steps)
      const all = Array.from(naive, ([prefix, value]) => ({ prefix, value }))
      const covering = all
        .filter((entry) => contains(entry.prefix, of))
        .sort((a, b) => prefixLength(a.prefix) - prefixLength(b.prefix))
      const inside = all.filter((entry) => contains(outer, entry.prefix))
      t.same([...map].length, map.size)
      t.equal(map.size, naive.size)
      t.same(sorted(map), sorted(all))
      t.same(map.covering(of), covering)
      t.same(map.longest(of), covering.at(-1))
      t.same(sorted(map.within(outer)), sorted(inside))
      for (const { prefix } of steps) t.equal(map.get(prefix), naive.get(prefix))
    }),
    { numRuns: 200 },
  )
})

t.test('a trie emptied one by one, or at once, is as good as new', async (t) => {
  fc.assert(
    fc.property(fc.uniqueArray(closePrefix), fc.boolean(), (prefixes, atOnce) => {
      const map = new PrefixMap<number>()
      for (const prefix of prefixes) map.set(prefix, 1)
      if (atOnce) map.clear()
      else for (const prefix of prefixes) map.delete(prefix)
      t.same([map.size, [...map]], [0, []])
    }),
    { numRuns: 50 },
  )
})
