import t from 'tap'
import { LocRib } from '../../../src/bgp/rib/loc-rib.ts'
import { address } from '../../../src/inet/address.ts'
import type { Prefix } from '../../../src/inet/prefix.ts'
import { path, peer } from '../../kit/rib.ts'

const [nodeA, nodeB] = [peer(2), peer(3)]
const [best, better, worse] = [path(nodeA), path(nodeB, { localPref: 200 }), path(nodeB, { localPref: 50 })]

function table(): { locRib: LocRib; touched: Prefix[] } {
  const touched: Prefix[] = []
  const given = { peer: (name: string) => (name === nodeA.name ? nodeA : nodeB), igpMetric: () => 0 }
  return { locRib: new LocRib(given, (prefix) => touched.push(prefix)), touched }
}

t.test('a change is told once, however often the best path was another meanwhile', async (t) => {
  const { locRib } = table()
  locRib.replace(undefined, best)
  locRib.replace(undefined, better)
  t.same(locRib.takeChanges(), [{ prefix: best.prefix, best: better, equal: [] }])
  t.same(locRib.takeChanges(), [])
  locRib.replace(better, undefined)
  locRib.replace(best, undefined)
  t.same(locRib.takeChanges(), [{ prefix: best.prefix, best: undefined, equal: [] }])
})

t.test('a best path that went and came back the same is no change', async (t) => {
  const { locRib } = table()
  locRib.replace(undefined, best)
  locRib.takeChanges()
  locRib.replace(best, undefined)
  locRib.replace(undefined, { ...best })
  t.same(locRib.takeChanges(), [])
  locRib.replace(undefined, better)
  locRib.replace(better, undefined)
  t.same(locRib.takeChanges(), [])
})

t.test('a path that is not the best disturbs nobody', async (t) => {
  const { locRib, touched } = table()
  locRib.replace(undefined, best)
  locRib.replace(undefined, worse)
  locRib.replace(worse, undefined)
  t.equal(touched.length, 1)
  t.same([...locRib.prefixes()], [best.prefix])
})

t.test('a path that comes to share the traffic is news, but not for other peers', async (t) => {
  const { locRib, touched } = table()
  const equal = path(nodeB, { nextHop: address('10.0.0.8') })
  for (const one of [best, equal]) locRib.replace(undefined, one)
  t.same(locRib.takeChanges(), [{ prefix: best.prefix, best, equal: [equal] }])
  t.same(
    locRib.ranked(best.prefix).map(({ lostBy }) => lostBy),
    [undefined, undefined],
  )
  locRib.replace(equal, undefined)
  t.same(locRib.takeChanges(), [{ prefix: best.prefix, best, equal: [] }])
  t.equal(touched.length, 1)
})

t.test('every path of a destination is shown with the reason why it is not used', async (t) => {
  const { locRib } = table()
  locRib.replace(undefined, worse)
  locRib.replace(undefined, best)
  t.same(locRib.ranked(best.prefix), [
    { path: best, eligible: true, lostBy: undefined },
    { path: worse, eligible: true, lostBy: 'lower LOCAL_PREF' },
  ])
})
