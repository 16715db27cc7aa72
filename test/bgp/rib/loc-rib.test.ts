import t from 'tap'
import { LocRib, type LocRibOptions } from '../../../src/bgp/rib/loc-rib.ts'
import type { Reach } from '../../../src/bgp/rib/next-hops.ts'
import type { Path } from '../../../src/bgp/types.ts'
import { address } from '../../../src/inet/address.ts'
import type { Prefix } from '../../../src/inet/prefix.ts'
import { path, peer } from '../../kit/rib.ts'

const [nodeA, nodeB] = [peer(2), peer(3)]
const [best, better, worse] = [path(nodeA), path(nodeB, { localPref: 200 }), path(nodeB, { localPref: 50 })]

function table(reach: LocRibOptions['reach'] = () => ({ metric: 0 })): { locRib: LocRib; touched: Prefix[] } {
  const touched: Prefix[] = []
  const peer = (name: string) => (name === nodeA.name ? nodeA : nodeB)
  return {
    locRib: new LocRib({ peer, reach }, (prefix, _, isBest) => isBest && touched.push(prefix)),
    touched,
  }
}

function replace(locRib: LocRib, before: Path | undefined, after: Path | undefined): void {
  locRib.replace(locRib.find((after ?? before)!.prefix), before, after)
}

t.test('a change is told once, however often the best path was another meanwhile', async (t) => {
  const { locRib } = table()
  replace(locRib, undefined, best)
  replace(locRib, undefined, better)
  t.same(locRib.takeChanges(), [{ prefix: best.prefix, used: [better] }])
  t.same(locRib.takeChanges(), [])
  replace(locRib, better, undefined)
  replace(locRib, best, undefined)
  t.same(locRib.takeChanges(), [{ prefix: best.prefix, used: [] }])
})

t.test('a best path that went and came back the same is no change', async (t) => {
  const { locRib } = table()
  replace(locRib, undefined, best)
  locRib.takeChanges()
  replace(locRib, best, undefined)
  replace(locRib, undefined, { ...best })
  t.same(locRib.takeChanges(), [])
  replace(locRib, undefined, better)
  replace(locRib, better, undefined)
  t.same(locRib.takeChanges(), [])
})

t.test('a path that is not the best disturbs nobody', async (t) => {
  const { locRib, touched } = table()
  replace(locRib, undefined, best)
  replace(locRib, undefined, worse)
  replace(locRib, worse, undefined)
  t.equal(touched.length, 1)
  t.same([...locRib.prefixes()], [best.prefix])
})

t.test('a path that comes to share the traffic is news, but not for other peers', async (t) => {
  const { locRib, touched } = table()
  const equal = path(nodeB, { nextHop: address('10.0.0.8') })
  for (const one of [best, equal]) replace(locRib, undefined, one)
  t.same(locRib.takeChanges(), [{ prefix: best.prefix, used: [best, equal] }])
  t.same(
    locRib.ranked(best.prefix).map(({ lostBy }) => lostBy),
    [undefined, undefined],
  )
  replace(locRib, equal, undefined)
  t.same(locRib.takeChanges(), [{ prefix: best.prefix, used: [best] }])
  t.equal(touched.length, 1)
})

t.test('every path of a destination is shown with the reason why it is not used', async (t) => {
  const { locRib } = table()
  replace(locRib, undefined, worse)
  replace(locRib, undefined, best)
  t.same(locRib.ranked(best.prefix), [
    { path: best, eligible: true, lostBy: undefined },
    { path: worse, eligible: true, lostBy: 'lower LOCAL_PREF' },
  ])
})

t.test(
  'a path whose next hop is out of reach gives way to the next best, and comes back with it',
  async (t) => {
    const far = address('10.0.0.8')
    const reaches = new Map<string, Reach>([[far, { unresolved: 'no route to 10.0.0.8' }]])
    const { locRib, touched } = table((nextHop) => reaches.get(nextHop) ?? { metric: 0 })
    const preferred = path(nodeB, { localPref: 200, nextHop: far })
    replace(locRib, undefined, preferred)
    t.same([locRib.best(best.prefix), locRib.takeChanges()], [undefined, []])
    replace(locRib, undefined, best)
    t.same(locRib.takeChanges(), [{ prefix: best.prefix, used: [best] }])
    t.same(locRib.ranked(best.prefix), [
      { path: best, eligible: true, lostBy: undefined },
      { path: preferred, eligible: false, lostBy: 'next hop 10.0.0.8: no route to 10.0.0.8' },
    ])
    reaches.delete(far)
    t.equal(locRib.best(best.prefix), best, 'until a review')
    locRib.reviewNextHops()
    t.same(locRib.takeChanges(), [{ prefix: best.prefix, used: [preferred] }])
    reaches.set(far, { unresolved: 'no route to 10.0.0.8' })
    locRib.reviewNextHops()
    t.equal(locRib.best(best.prefix), best)
    t.equal(touched.length, 3)
  },
)

t.test(
  'of equal paths the one with the nearer next hop is used, and both when they come to be equally near',
  async (t) => {
    const [near, far] = [address('10.0.0.8'), address('10.1.0.8')]
    const reaches = new Map<string, Reach>([[far, { metric: 1 }]])
    const { locRib } = table((nextHop) => reaches.get(nextHop) ?? { metric: 0 })
    const [a, b] = [path(nodeA, { nextHop: far }), path(nodeB, { nextHop: near })]
    for (const one of [a, b]) replace(locRib, undefined, one)
    t.same(locRib.takeChanges(), [{ prefix: best.prefix, used: [b] }])
    t.match(locRib.ranked(best.prefix), [{ path: b }, { path: a, lostBy: 'higher IGP metric' }])
    reaches.delete(far)
    locRib.reviewNextHops()
    t.same(locRib.takeChanges(), [{ prefix: best.prefix, used: [a, b] }])
    replace(locRib, a, undefined)
    replace(locRib, b, undefined)
    locRib.reviewNextHops()
    t.same(locRib.takeChanges(), [{ prefix: best.prefix, used: [] }])
  },
)
