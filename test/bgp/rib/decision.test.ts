import fc from 'fast-check'
import t from 'tap'
import { type Circumstances, decide, rank } from '../../../src/bgp/rib/decision.ts'
import type { RibPeer } from '../../../src/bgp/rib/peer.ts'
import type { Path } from '../../../src/bgp/types.ts'
import type { PathAttributes } from '../../../src/bgp/wire/message.ts'
import { address } from '../../../src/inet/address.ts'
import { path, peer, router, sequence } from '../../kit/rib.ts'

const [nodeA, nodeB, tor, otherTor] = [peer(2), peer(3), router(4, { asn: 65001 }), router(5, { asn: 65002 })]
const PEERS = [nodeA, nodeB, tor, otherTor]

const given: Circumstances = {
  peer: (name) => PEERS.find((peer) => peer.name === name)!,
  igpMetric: (nextHop) => (nextHop === '10.0.0.99' ? 20 : 10),
}

function orders<T>(items: readonly T[]): T[][] {
  if (items.length === 0) return [[]]
  return items.flatMap((item, i) => orders(items.toSpliced(i, 1)).map((rest) => [item, ...rest]))
}

/** Of each pair the first wins, though all later steps speak for the second. */
const STEPS: Record<string, readonly [Path, Path]> = {
  'not our own': [path(null, { localPref: 1 }), path(nodeA)],
  'stale for long': [
    path(nodeA, { localPref: 1 }),
    path(nodeB, { localPref: 9, communities: [0xffff_0006] }),
  ],
  'lower LOCAL_PREF': [
    path(nodeA, { localPref: 0x8000_0000, asPath: sequence(1, 2) }),
    path(nodeB, { localPref: 0x7fff_ffff }),
  ],
  'longer AS_PATH': [
    path(nodeA, { asPath: [{ type: 'set', asns: [1, 2, 3] }], origin: 'incomplete' }),
    path(nodeB, { asPath: sequence(1, 2) }),
  ],
  'higher ORIGIN': [path(tor, { origin: 'egp', med: 9 }), path(tor, { origin: 'incomplete' }, 1)],
  'higher MED': [path(nodeB, { asPath: sequence(65001) }), path(tor, { asPath: sequence(65001), med: 1 })],
  'internal peer': [path(tor, { nextHop: address('10.0.0.99') }), path(nodeA)],
  'higher IGP metric': [
    path(nodeB, { originatorId: address('200.0.0.1') }),
    path(nodeA, { nextHop: address('10.0.0.99') }),
  ],
  'higher router ID': [
    path(nodeB, { originatorId: address('9.0.0.1'), clusterList: [address('1.1.1.1')] }),
    path(nodeA, { originatorId: address('100.0.0.1') }),
  ],
  'longer CLUSTER_LIST': [
    path(nodeB, { originatorId: address('9.0.0.1') }),
    path(nodeA, { originatorId: address('9.0.0.1'), clusterList: [address('1.1.1.1')] }),
  ],
  'higher peer address': [
    path(nodeA, { originatorId: address('9.0.0.1') }, 2),
    path(nodeB, { originatorId: address('9.0.0.1') }, 1),
  ],
  'higher path identifier': [path(nodeA, {}, 1), path(nodeA, {}, 2)],
}

t.test('each step is reached when those before it are even, and names itself to the loser', async (t) => {
  for (const [lostBy, [winner, loser]] of Object.entries(STEPS)) {
    for (const paths of orders([winner, loser])) {
      t.equal(decide(paths, given)[0], winner, lostBy)
      t.same(rank(paths, given), [
        { path: winner, eligible: true, lostBy: undefined },
        { path: loser, eligible: true, lostBy },
      ])
    }
  }
})

t.test('MED is compared between paths from one neighbouring AS only', async (t) => {
  const low = path(nodeB, { asPath: sequence(65002), med: 1 })
  const high = path(nodeA, { asPath: sequence(65001), med: 9 })
  t.equal(decide([low, high], given)[0], high)
})

t.test('a winner in a cycle of pairs does not depend on the order of arrival', async (t) => {
  // In pairs: a beats b by router ID, b beats c by router ID, c beats a by MED.
  const a = path(nodeA, { asPath: sequence(65001), med: 10, originatorId: address('1.0.0.1') })
  const b = path(nodeA, { asPath: sequence(65002), originatorId: address('1.0.0.2') }, 1)
  const c = path(nodeB, { asPath: sequence(65001), med: 5, originatorId: address('1.0.0.3') })
  for (const paths of orders([a, b, c])) {
    t.equal(decide(paths, given)[0], b)
    t.same(
      rank(paths, given).map(({ lostBy }) => lostBy),
      [undefined, 'higher router ID', 'higher MED'],
    )
  }
})

t.test('peer addresses and router IDs are compared as unsigned numbers, IPv4 below IPv6', async (t) => {
  const named = (name: string, text: string): RibPeer =>
    peer(2, { name, address: address(text), routerId: address('1.1.1.1') })
  const sorted = ['9.0.0.1', '10.0.0.1', '200.0.0.1', '2001:db8::9', '2001:db8::10', 'fd00::1'].map((a) =>
    named(a, a),
  )
  const all: Circumstances = { ...given, peer: (name) => sorted.find((peer) => peer.name === name)! }
  const ranked = rank(
    sorted.toReversed().map((from) => path(from)),
    all,
  )
  t.same(
    ranked.map(({ path }) => path.peer),
    sorted.map(({ name }) => name),
  )
})

const anyPath: fc.Arbitrary<Path> = fc
  .record({
    from: fc.constantFrom(...PEERS),
    localPref: fc.constantFrom(100, 200),
    communities: fc.constantFrom([], [0xffff_0006]),
    asPath: fc.constantFrom(sequence(65001), sequence(65002), sequence(65001, 1), []),
    origin: fc.constantFrom('igp' as const, 'egp' as const),
    med: fc.nat(2),
    nextHop: fc.constantFrom(address('10.0.0.98'), address('10.0.0.99')),
    originatorId: fc.constantFrom(address('1.0.0.1'), address('200.0.0.1')),
  })
  .map(({ from, asPath = [], ...rest }) => path(from, { ...rest, asPath }))

/** As the tables would hold them: one path of our own at most, and one of each peer and path identifier. */
const destinations = fc
  .tuple(fc.array(anyPath, { maxLength: 4 }), fc.boolean())
  .map(([learned, own]) => [
    ...learned.map((path, pathId) => ({ ...path, pathId })),
    ...(own ? [path(null)] : []),
  ])

t.test(
  'over every order of the candidates the ranking is the same, and leads with the decision',
  async () => {
    fc.assert(
      fc.property(destinations, (paths) => {
        const ranking = rank(paths, given)
        return orders(paths).every((order) => {
          const again = rank(order, given)
          return (
            decide(order, given)[0] === ranking[0]?.path &&
            again.length === paths.length &&
            again.every(({ path, lostBy }, i) => path === ranking[i]!.path && lostBy === ranking[i]!.lostBy)
          )
        })
      }),
      { numRuns: 150 },
    )
  },
)

t.test('exactly the best has no reason to have lost', async () => {
  fc.assert(
    fc.property(destinations, (paths) =>
      rank(paths, given).every(({ lostBy }, i) => (lostBy === undefined) === (i === 0)),
    ),
  )
})

t.test(
  'paths as good as the best share the traffic: up to the IGP metric, AS_PATH by its length alone',
  async (t) => {
    const [a, b] = [address('10.0.0.4'), address('10.0.0.5')]
    const best = path(tor, { asPath: sequence(65001, 1), nextHop: a })
    const equal = path(otherTor, { asPath: sequence(65002, 2), nextHop: b })
    for (const paths of orders([best, equal])) t.same(decide(paths, given), [best, equal])
    const lesser: PathAttributes[] = [
      { localPref: 99 },
      { asPath: sequence(65002, 2, 3) },
      { origin: 'egp' },
      { nextHop: address('10.0.0.99') },
    ]
    for (const over of lesser) {
      const other = path(otherTor, { asPath: sequence(65002, 2), nextHop: b, ...over })
      t.same(decide([other, best], given), [best], JSON.stringify(over))
    }
  },
)

t.test('a next hop is used once, however many reflectors name it, and no more than 16 are', async (t) => {
  t.same(decide([path(nodeB), path(nodeA)], given), [path(nodeA)])
  const many = Array.from({ length: 20 }, (_, i) => path(nodeA, { nextHop: address(`10.0.1.${i}`) }, i))
  t.same(decide(many.toReversed(), given), many.slice(0, 16))
})

t.test('which paths share the traffic, and in what order, does not depend on their arrival', async () => {
  fc.assert(
    fc.property(destinations, (paths) => {
      const used = decide(paths, given)
      return orders(paths).every((order) => {
        const again = decide(order, given)
        return again.length === used.length && again.every((path, i) => path === used[i])
      })
    }),
    { numRuns: 150 },
  )
})
