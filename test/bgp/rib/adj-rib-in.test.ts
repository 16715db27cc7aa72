import t from 'tap'
import { AdjRibIn } from '../../../src/bgp/rib/adj-rib-in.ts'
import { LocRib } from '../../../src/bgp/rib/loc-rib.ts'
import type { Path } from '../../../src/bgp/types.ts'
import type { PathAttributes } from '../../../src/bgp/wire/message.ts'
import { prefix } from '../../../src/inet/prefix.ts'
import { path, peer } from '../../kit/rib.ts'

const node = peer(2)
const [first, second, other] = [path(node), path(node, { med: 1 }), path(node, {}, 7)]

function table(judge: (path: Path) => Path | undefined = (path) => path): {
  adjRibIn: AdjRibIn
  heard: [Path | undefined, Path | undefined][]
} {
  const heard: [Path | undefined, Path | undefined][] = []
  const locRib = candidates()
  const replace = locRib.replace.bind(locRib)
  locRib.replace = (at, before, after) => {
    heard.push([before, after])
    replace(at, before, after)
  }
  return { adjRibIn: new AdjRibIn(locRib, node.name, judge), heard }
}

function candidates(): LocRib {
  return new LocRib({ peer: () => node, reach: () => ({ metric: 0 }) }, () => {})
}

t.test('the key of a path is its prefix and its identifier', async (t) => {
  const { adjRibIn, heard } = table()
  for (const path of [first, other, second]) adjRibIn.announce(path)
  adjRibIn.withdraw(other)
  t.same(heard, [
    [undefined, first],
    [undefined, other],
    [first, second],
    [other, undefined],
  ])
  t.equal(adjRibIn.size, 1)
})

t.test('the same announced again, or the absent withdrawn, is no change', async (t) => {
  const { adjRibIn, heard } = table()
  adjRibIn.announce(first)
  adjRibIn.announce({ ...first })
  adjRibIn.withdraw(other)
  t.same(heard, [[undefined, first]])
})

t.test(
  'a path that may not be used is counted and shown, and takes the place of one that could',
  async (t) => {
    const { adjRibIn, heard } = table((path) => (path.attributes.med ? undefined : path))
    adjRibIn.announce(first)
    adjRibIn.announce(second)
    t.same([adjRibIn.size, adjRibIn.ineligible(first.prefix)], [1, [second]])
    adjRibIn.announce(first)
    t.same([adjRibIn.size, adjRibIn.ineligible(first.prefix)], [1, []])
    t.same(heard, [
      [undefined, first],
      [first, undefined],
      [undefined, first],
    ])
  },
)

t.test('when it is cleared, all candidates go', async (t) => {
  const { adjRibIn, heard } = table((path) => (path.pathId ? undefined : path))
  adjRibIn.announce(first)
  adjRibIn.announce(other)
  adjRibIn.clear()
  t.same(heard.slice(1), [[first, undefined]])
  t.equal(adjRibIn.size, 0)
})

t.test('what policy changes is kept as it came, and judged again when policy changes', async (t) => {
  let pref = 5
  const changed = new Map<number, PathAttributes>()
  const judge = (path: Path): Path | undefined => {
    if (path.attributes.med === pref) return undefined
    const attributes = changed.get(pref) ?? { ...path.attributes, localPref: pref }
    changed.set(pref, attributes)
    return { ...path, attributes }
  }
  const { adjRibIn, heard } = table(judge)
  adjRibIn.announce(first)
  adjRibIn.announce(first)
  t.match(heard, [[undefined, { attributes: { localPref: 5 } }]], 'the same again is no change')
  heard.length = 0
  pref = 6
  adjRibIn.judgeAgain()
  t.match(heard, [[{ attributes: { localPref: 5 } }, { attributes: { localPref: 6 } }]])
  adjRibIn.announce(second)
  heard.length = 0
  pref = 1
  adjRibIn.judgeAgain()
  t.match(heard, [[{ attributes: { localPref: 6 } }, undefined]])
  t.same(adjRibIn.ineligible(first.prefix), [second], 'shown as received')
})

t.test('what is held is counted by family, what was not told again apart', async (t) => {
  const rib = new AdjRibIn(candidates(), node.name, (path) => path)
  const [one, six] = [path(peer(2)), { ...path(peer(2)), prefix: prefix('fd10::/64') }]
  rib.announce(one)
  rib.announce({ ...one, pathId: 7 })
  rib.announce(six)
  t.same([rib.holding('ipv4'), rib.holding('ipv6')], [{ held: 2, fresh: 2 }, { held: 1, fresh: 1 }]) // biome-ignore format: a pair
  rib.markStale('ipv4')
  rib.announce(one)
  t.same(rib.holding('ipv4'), { held: 2, fresh: 1 })
  rib.sweep('ipv4')
  rib.withdraw(six)
  t.same([rib.holding('ipv4'), rib.holding('ipv6')], [{ held: 1, fresh: 1 }, { held: 0, fresh: 0 }]) // biome-ignore format: a pair
})

t.test('attributes weigh once for all paths that have them', async (t) => {
  const rib = new AdjRibIn(candidates(), node.name, (path) => path)
  const one = path(peer(2))
  rib.announce(one)
  const { weight } = rib
  t.ok(weight > 0)
  rib.announce({ ...one, pathId: 7 })
  t.equal(rib.weight, weight)
  rib.announce({ ...path(peer(2), { med: 1 }), pathId: 7 })
  t.ok(rib.weight > 2 * weight)
  for (const pathId of [0, 7]) rib.withdraw({ prefix: one.prefix, pathId })
  t.equal(rib.weight, 0)
})
