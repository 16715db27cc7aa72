import t from 'tap'
import type { RibPeer } from '../../../src/bgp/rib/peer.ts'
import {
  exportAttributes,
  importAttributes,
  mayExport,
  ownAttributes,
  whyIneligible,
} from '../../../src/bgp/rib/policy.ts'
import type { Path } from '../../../src/bgp/types.ts'
import type { AsSegment, PathAttributes } from '../../../src/bgp/wire/message.ts'
import { address } from '../../../src/inet/address.ts'
import { prefix } from '../../../src/inet/prefix.ts'
import { attributes, BOTH, LOCAL, path, peer, router, sequence } from '../../kit/rib.ts'

const node = peer(2)
const tor = router(3)
const own: Path = { ...path(null), attributes: ownAttributes(2147482623) }

t.test('LOCAL_PREF is the peer’s inside our AS, 100 when missing or from outside', async (t) => {
  const nextHop = address('10.0.0.9')
  t.equal(importAttributes({ localPref: 2147482623 }, nextHop, node).localPref, 2147482623)
  t.equal(importAttributes({}, nextHop, node).localPref, 100)
  t.equal(importAttributes({ localPref: 5 }, nextHop, tor).localPref, 100)
})

t.test('what concerns the message and not the path is not kept', async (t) => {
  const nextHop = address('fd00::9')
  const mpReach = { family: 'ipv6' as const, nextHop, nlri: [] }
  const received = {
    ...attributes(),
    mpReach,
    mpUnreach: { family: 'ipv6' as const, withdrawn: [] },
    as4Path: [],
  }
  t.same(importAttributes(received, nextHop, node), { origin: 'igp', asPath: [], nextHop, localPref: 100 })
})

t.test('a path that cannot be used says why', async (t) => {
  const why = (over: PathAttributes, from: RibPeer): string | undefined =>
    whyIneligible(path(from, over), from, 'ipv4')
  const twice = { asPath: [...sequence(65000, LOCAL.asn), { type: 'set' as const, asns: [LOCAL.asn] }] }
  t.equal(why({}, node), undefined)
  t.equal(why({ asPath: sequence(65000, LOCAL.asn) }, tor), 'own AS in AS_PATH')
  t.equal(why(twice, { ...tor, allowedLocalAsns: 1 }), 'own AS in AS_PATH')
  t.equal(why(twice, { ...tor, allowedLocalAsns: 2 }), undefined)
  t.equal(why({ originatorId: LOCAL.routerId }, node), 'ORIGINATOR_ID is ours')
  t.equal(why({ nextHop: LOCAL.address }, node), 'next hop is our own address')
  for (const nextHop of ['0.0.0.0', '0.1.2.3', '224.0.0.5', '255.255.255.255']) {
    t.equal(why({ nextHop: address(nextHop) }, node), 'next hop is not a host address', nextHop)
  }
  t.equal(why({ nextHop: address('fd00::1') }, node), 'next hop of another family')
  for (const nextHop of ['::', 'ff02::1']) {
    const bad = path(node, { nextHop: address(nextHop) })
    t.equal(whyIneligible(bad, node, 'ipv6'), 'next hop is not a host address', nextHop)
  }
  t.equal(whyIneligible(path(node, { nextHop: address('ff::1') }), node, 'ipv6'), undefined)
})

t.test('who may be told of a path', async (t) => {
  const [noExport, noAdvertise, noSubconfed] = [0xffffff01, 0xffffff02, 0xffffff03].map((c) => ({
    communities: [c],
  }))
  const cases: [string, Path, RibPeer | undefined, RibPeer, boolean][] = [
    ['our own to a node', own, undefined, node, true],
    ['our own to a router', own, undefined, tor, true],
    [
      'our own, tagged NO_EXPORT, to a router',
      { ...own, attributes: { ...own.attributes, ...noExport } },
      undefined,
      tor,
      true,
    ],
    ['of a node to a node', path(node), node, peer(4), false],
    ['of a node to a router', path(node), node, tor, true],
    ['of a router to a node', path(tor), tor, node, true],
    ['of a router to a router', path(tor), tor, router(4), true],
    ['NO_EXPORT to a node', path(tor, noExport), tor, node, true],
    ['NO_EXPORT to a router', path(node, noExport), node, tor, false],
    ['NO_EXPORT_SUBCONFED to a router', path(node, noSubconfed), node, tor, false],
    ['NO_ADVERTISE to a node', path(tor, noAdvertise), tor, node, false],
    ['a family the session has not', { ...own, prefix: prefix('fd00::/64') }, undefined, node, false],
    [
      'our own where we have no address of that family',
      { ...own, prefix: prefix('fd00::/64') },
      undefined,
      { ...node, families: BOTH },
      false,
    ],
  ]
  for (const [name, what, from, to, may] of cases) t.equal(mayExport(what, from, to), may, name)
})

t.test('IPv4 has IPv6 next hops only where both ends know of them (RFC 8950)', async (t) => {
  const at = { address: address('fd07::2'), localAddress: address('fd07::1'), families: BOTH } as const
  const [plain, knowing] = [router(3, at), router(3, { ...at, extendedNextHop: true })]
  const received = path(plain, { nextHop: address('fd07::9') })
  t.equal(whyIneligible(received, plain, 'ipv4'), 'next hop of another family')
  t.equal(whyIneligible(received, knowing, 'ipv4'), undefined)
  t.same([mayExport(own, undefined, plain), mayExport(own, undefined, knowing)], [false, true])
  t.equal(exportAttributes(own.attributes, undefined, knowing, 'ipv4').nextHop, 'fd07::1')
  const six = { ...knowing, localAddress: address('10.0.0.1') }
  t.notOk(mayExport({ ...own, prefix: prefix('fd10::/64') }, undefined, six), 'and never the other way round')
})

t.test('a next hop of the right family comes first, if we have one', async (t) => {
  const to = router(3, {
    localAddress: address('fd07::1'),
    families: BOTH,
    otherAddresses: { ipv4: address('10.0.0.1') },
    extendedNextHop: true,
  })
  t.equal(exportAttributes(own.attributes, undefined, to, 'ipv4').nextHop, '10.0.0.1')
  t.equal(exportAttributes(own.attributes, undefined, to, 'ipv6').nextHop, 'fd07::1')
  t.ok(mayExport(own, undefined, { ...to, extendedNextHop: false }))
})

t.test('what a node passes on unchanged needs a peer that knows such next hops', async (t) => {
  const from = router(3, { extendedNextHop: true })
  const six = path(from, { nextHop: address('fd07::9') })
  t.same([mayExport(six, from, node), mayExport(six, from, router(4))], [false, true])
})

t.test('a reflector passes on what it hears from clients, and to them all it hears (RFC 4456)', async (t) => {
  const clusterId = address('1.1.1.1')
  const [client, other] = [4, 5].map((host) => peer(host, { reflector: { clusterId, client: true } }))
  const plain = peer(6, { reflector: { clusterId, client: false } })
  const loop = { clusterList: [address('2.2.2.2'), clusterId] }
  const cases: [string, Path, RibPeer, RibPeer, boolean][] = [
    ['client to client', path(client!), client!, other!, true],
    ['client to non-client', path(client!), client!, plain, true],
    ['non-client to client', path(plain), plain, client!, true],
    ['non-client to non-client', path(plain), plain, peer(7, { reflector: plain.reflector! }), false],
    ['where it has been', path(client!, loop), client!, other!, false],
    ['what has been elsewhere', path(client!, { clusterList: [address('2.2.2.2')] }), client!, other!, true],
  ]
  for (const [name, what, from, to, may] of cases) t.equal(mayExport(what, from, to), may, name)
  t.equal(whyIneligible(path(client!, loop), client!, 'ipv4'), 'CLUSTER_LIST has our cluster ID')

  const sent = exportAttributes(path(client!).attributes, client!, other!, 'ipv4')
  t.match(sent, { originatorId: client!.routerId, clusterList: [clusterId], nextHop: address('10.0.0.9') })
  const passed = path(client!, { originatorId: address('9.9.9.9'), clusterList: [address('2.2.2.2')] })
  t.match(exportAttributes(passed.attributes, client!, other!, 'ipv4'), {
    originatorId: address('9.9.9.9'),
    clusterList: [clusterId, address('2.2.2.2')],
  })
  t.notOk(
    'clusterList' in exportAttributes(path(tor).attributes, tor, client!, 'ipv4'),
    'of another AS: not reflected',
  )
})

t.test('whose next hop a path has when it is passed on', async (t) => {
  const theirs = address('10.0.0.9')
  const hop = (from: RibPeer | undefined, to: RibPeer, mode?: 'self' | 'keep') =>
    exportAttributes(
      path(from ?? null).attributes,
      from,
      { ...to, ...(mode && { nextHopMode: mode }) },
      'ipv4',
    ).nextHop
  t.same(
    [hop(undefined, node, 'keep'), hop(undefined, tor, 'keep')],
    [LOCAL.address, LOCAL.address],
    'our own',
  )
  t.same([hop(tor, node), hop(tor, node, 'self')], [theirs, LOCAL.address])
  t.same([hop(node, tor), hop(node, tor, 'keep')], [LOCAL.address, theirs])
})

const learned = path(tor, {
  asPath: sequence(65000),
  med: 7,
  atomicAggregate: true,
  aggregator: { asn: 65000, address: address('10.9.9.9') },
  communities: [1],
  originatorId: address('9.9.9.9'),
  clusterList: [address('8.8.8.8')],
  extendedCommunities: ['0002fde800000001', '4004fde800000001'],
  ipv6ExtendedCommunities: ['4002'.padEnd(40, '0')],
  largeCommunities: ['1:2:3'],
  onlyToCustomer: 65000,
  unknown: [
    { code: 99, flags: 0xc0, value: Uint8Array.of(1) },
    { code: 98, flags: 0x80, value: Uint8Array.of(2) },
  ],
})

t.test('our own routes are announced as a calico-node announces its own', async (t) => {
  t.same(exportAttributes(own.attributes, undefined, node, 'ipv4'), {
    origin: 'igp',
    asPath: [],
    nextHop: LOCAL.address,
    localPref: 2147482623,
  })
  t.same(exportAttributes(own.attributes, undefined, tor, 'ipv4'), {
    origin: 'igp',
    asPath: sequence(LOCAL.asn),
    nextHop: LOCAL.address,
  })
})

t.test('inside our AS a learned path travels unchanged, but for the Partial bit', async (t) => {
  const { originatorId, clusterList, ...kept } = learned.attributes
  t.same(exportAttributes(learned.attributes, tor, node, 'ipv4'), {
    ...kept,
    unknown: [{ code: 99, flags: 0xe0, value: Uint8Array.of(1) }],
  })
})

t.test('to another AS it is ours: next hop, AS, and nothing that stays inside', async (t) => {
  const { localPref, originatorId, clusterList, ipv6ExtendedCommunities, ...kept } = learned.attributes
  t.same(exportAttributes(learned.attributes, node, tor, 'ipv4'), {
    ...kept,
    asPath: sequence(LOCAL.asn, 65000),
    nextHop: LOCAL.address,
    med: 0,
    extendedCommunities: ['0002fde800000001'],
    unknown: [{ code: 99, flags: 0xe0, value: Uint8Array.of(1) }],
  })
  t.notOk('med' in exportAttributes(path(node).attributes, node, tor, 'ipv4'), 'no MED is invented')
})

t.test('an AS is prepended to a sequence with room, else as a segment of its own', async (t) => {
  const sent = (asPath: AsSegment[]): unknown =>
    exportAttributes(path(tor, { asPath }).attributes, tor, router(4), 'ipv4').asPath
  const full = { type: 'sequence' as const, asns: new Array<number>(255).fill(1) }
  const set = { type: 'set' as const, asns: [1] }
  t.same(sent([set]), [{ type: 'sequence', asns: [LOCAL.asn] }, set])
  t.same(sent([full]), [{ type: 'sequence', asns: [LOCAL.asn] }, full])
})

t.test('what is stale for long goes to those only who know what that means (RFC 9494)', async (t) => {
  const stale = path(node, { communities: [0xffff0006] })
  t.notOk(mayExport(stale, node, tor))
  t.ok(mayExport(stale, node, { ...tor, longLived: true }))
})
