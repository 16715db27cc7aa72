import t from 'tap'
import type { Document } from '../../src/cluster/feed.ts'
import { address } from '../../src/inet/address.ts'
import { bgpConfiguration, bgpFilter, bgpPeer, node } from '../kit/documents.ts'
import { Cluster } from '../kit/plan.ts'

function peers(cluster: Cluster): string[] {
  cluster.settle()
  const of = [...cluster.plan.peers.values()]
  return of
    .map((p) => `${p.kind} ${p.name} as ${p.peerAsn} port ${p.port}${p.passive ? ' passive' : ''}`)
    .sort()
}

const three = [node('a', '10.0.0.9/24'), node('b', '10.0.0.10/24'), node('c', '10.0.0.2/24')]

t.test('every other node is a mesh peer; the greater address, as text, dials', async (t) => {
  t.same(peers(new Cluster('a').set(...three)), [
    'mesh 10.0.0.10 as 64512 port 179',
    'mesh 10.0.0.2 as 64512 port 179',
  ])
  t.same(peers(new Cluster('b').set(...three)), [
    'mesh 10.0.0.2 as 64512 port 179 passive',
    'mesh 10.0.0.9 as 64512 port 179 passive',
  ])
})

t.test('of each pair of a mesh exactly one side dials, in both families', async (t) => {
  const nodes = [9, 10, 2, 100, 21].map((n) =>
    node(`n${n}`, `10.0.0.${n}/24`, { ipv6Address: `fd20::${n}/64` }),
  )
  const passive = new Map<string, boolean>()
  for (const { metadata } of nodes) {
    const cluster = new Cluster(metadata.name).set(...nodes)
    cluster.settle()
    for (const peer of cluster.plan.peers.values())
      passive.set(`${peer.localAddress}>${peer.address}`, peer.passive)
  }
  t.equal(passive.size, 5 * 4 * 2)
  for (const [pair, waits] of passive) t.not(waits, passive.get(pair.split('>').reverse().join('>')), pair)
})

t.test('AS numbers: the node, else the default configuration, else 64512, on both ends alike', async (t) => {
  const nodes = [node('a', '10.0.0.1/24', { asNumber: 65001 }), node('b', '10.0.0.2/24')]
  const a = new Cluster('a').set(...nodes, bgpConfiguration('default', { asNumber: 64999 }))
  t.same(peers(a), ['mesh 10.0.0.2 as 64999 port 179 passive'])
  t.equal(a.plan.peers.get(address('10.0.0.2'))?.localAsn, 65001)
  const b = new Cluster('b').set(...nodes, bgpConfiguration('default', { asNumber: 64999 }))
  t.same(peers(b), ['mesh 10.0.0.1 as 65001 port 179'])
})

t.test('ports: the configuration of the peer, else the default one, else 179', async (t) => {
  const cluster = new Cluster('c').set(...three, bgpConfiguration('default', { listenPort: 1790 }))
  cluster.set(bgpConfiguration('node.a', { listenPort: 1799 }))
  t.same(peers(cluster), ['mesh 10.0.0.10 as 64512 port 1790', 'mesh 10.0.0.9 as 64512 port 1799 passive'])
})

t.test('how much mesh peers may announce changes live, and is not for others', async (t) => {
  const limits = (max: string | undefined) => {
    const metadata = { name: 'default', annotations: max ? { 'caracal.io/max-prefixes': max } : {} }
    cluster.set({ ...bgpConfiguration('default', {}), metadata }).settle()
    return [...cluster.plan.peers.values()].map(({ name, prefixLimit }) => `${name} ${prefixLimit?.prefixes}`)
  }
  const tor = bgpPeer('tor', { peerIP: '10.0.0.1', asNumber: 65000 })
  const cluster = new Cluster('a').set(node('a', '10.0.0.9/24'), node('b', '10.0.0.10/24'), tor)
  t.same(limits('500'), ['10.0.0.10 500', '10.0.0.1 undefined'])
  t.same(limits('600'), ['10.0.0.10 600', '10.0.0.1 undefined'])
  t.same(limits(undefined), ['10.0.0.10 undefined', '10.0.0.1 undefined'])
})

t.test('a mesh that is off, a reflector and a node without address have no mesh sessions', async (t) => {
  t.same(
    peers(new Cluster('a').set(...three, bgpConfiguration('default', { nodeToNodeMeshEnabled: false }))),
    [],
  )
  const reflector = node('b', '10.0.0.10/24', { routeReflectorClusterID: '1.0.0.1' })
  t.same(peers(new Cluster('b').set(...three, reflector)), [])
  t.same(peers(new Cluster('a').set(...three, reflector)), ['mesh 10.0.0.2 as 64512 port 179'])
  t.match(new Cluster('x').set(...three).plan.speaker, { unable: /node x is not in the datastore/ })
})

t.test(
  'peers by address: global, for this node, by selector; a global one comes first, then by name',
  async (t) => {
    const cluster = new Cluster('c').set(
      ...three,
      bgpConfiguration('default', { nodeToNodeMeshEnabled: false }),
      bgpPeer('tor', { peerIP: '10.0.0.254:1179', asNumber: 65001 }),
      bgpPeer('mine', { node: 'c', peerIP: '10.0.0.253', asNumber: 65002 }),
      bgpPeer('also-mine', { node: 'c', peerIP: '10.0.0.254', asNumber: 65003 }),
      bgpPeer('of-others', { node: 'a', peerIP: '10.0.0.252', asNumber: 65004 }),
      bgpPeer('not-selected', { nodeSelector: "rack == 'r1'", peerIP: '10.0.0.251', asNumber: 65005 }),
    )
    t.same(peers(cluster), ['global 10.0.0.254 as 65001 port 1179', 'node 10.0.0.253 as 65002 port 179'])
  },
)

t.test('one bad peer hurts only itself, and says so', async (t) => {
  const cluster = new Cluster('a').set(...three, bgpPeer('no-as', { peerIP: '10.0.0.254' }))
  t.equal(peers(cluster).length, 2, 'the mesh')
  t.match(cluster.plan.warnings, [/no-as: asNumber is missing/])
})

t.test('a node that comes, moves or goes changes its own session only', async (t) => {
  const cluster = new Cluster('a').set(...three)
  cluster.settle()
  t.same([...cluster.set(node('d', '10.0.0.4/24')).settle().peers.keys()], ['10.0.0.4'])
  t.same([...cluster.set(node('d', '10.0.0.5/24')).settle().peers.keys()].sort(), ['10.0.0.4', '10.0.0.5'])
  t.same([...cluster.delete(node('d', '10.0.0.5/24')).settle().peers.keys()], ['10.0.0.5'])
})

// ---- peers by selector

const clusterId = '244.0.0.1'
const meshOff = bgpConfiguration('default', { nodeToNodeMeshEnabled: false })
const reflectors = [
  node('r1', '10.0.0.101/24', { routeReflectorClusterID: clusterId, labels: { role: 'reflector' } }),
  node('r2', '10.0.0.102/24', { routeReflectorClusterID: clusterId, labels: { role: 'reflector' } }),
]
const toReflectors = bgpPeer('to-reflectors', { nodeSelector: 'all()', peerSelector: "role == 'reflector'" })

function sessions(self: string, ...documents: Parameters<Cluster['set']>): string[] {
  const cluster = new Cluster(self).set(...documents)
  cluster.settle()
  return [...cluster.plan.peers.values()]
    .map(({ kind, name, passive, reflector }) => {
      const role = reflector && (reflector.client ? 'client' : 'non-client')
      return [kind, name, passive && 'passive', role].filter(Boolean).join(' ')
    })
    .sort()
}

t.test('with reflectors chosen by selector, nodes peer with these, and these with all', async (t) => {
  const all = [...three, ...reflectors, meshOff, toReflectors]
  t.same(sessions('a', ...all), ['node 10.0.0.101', 'node 10.0.0.102'])
  t.same(sessions('r1', ...all), [
    'node 10.0.0.10 client',
    'node 10.0.0.102 non-client',
    'node 10.0.0.2 client',
    'node 10.0.0.9 client',
  ])
})

t.test('a reflector of another cluster is a client too, and so is a router of the same AS', async (t) => {
  const other = node('r3', '10.0.0.103/24', {
    routeReflectorClusterID: '9.9.9.9',
    labels: { role: 'reflector' },
  })
  const router = bgpPeer('router', { peerIP: '10.0.0.254', asNumber: 64512 })
  const tor = bgpPeer('tor', { peerIP: '10.0.0.253', asNumber: 65000 })
  t.same(sessions('r1', ...reflectors, other, meshOff, toReflectors, router, tor), [
    'global 10.0.0.253',
    'global 10.0.0.254 client',
    'node 10.0.0.102 non-client',
    'node 10.0.0.103 client',
  ])
})

t.test(
  'a peering between nodes is made from both ends, unless somebody makes the other by hand',
  async (t) => {
    const one = bgpPeer('one', { node: 'a', peerSelector: "role == 'reflector'" })
    const all = [...three, ...reflectors, meshOff]
    t.same(sessions('r1', ...all, one), ['node 10.0.0.9 client'])
    t.same(sessions('b', ...all, one), [])
    const manual = bgpPeer('one', {
      node: 'a',
      peerSelector: "role == 'reflector'",
      reversePeering: 'Manual',
    })
    t.same(sessions('r1', ...all, manual), [])
    t.same(sessions('a', ...all, manual), ['node 10.0.0.101', 'node 10.0.0.102'])
  },
)

t.test('a global peer that is a node: it is peered back with, if AS and port are its own', async (t) => {
  const named = (spec: object) => bgpPeer('named', { peerIP: '10.0.0.9', asNumber: 64512, ...spec })
  t.same(sessions('b', ...three, meshOff, named({})), ['global 10.0.0.9 passive'])
  t.same(sessions('a', ...three, meshOff, named({})), ['node 10.0.0.10', 'node 10.0.0.2'])
  t.same(sessions('a', ...three, meshOff, named({ asNumber: 65000 })), [], 'another speaker on the host')
  t.same(sessions('a', ...three, meshOff, named({ peerIP: '10.0.0.9:1790' })), [])
})

t.test('the path to a peer is watched as its BGPPeer says, from both ends', async (t) => {
  const annotations = { 'caracal.io/bfd': '300ms x 3' }
  const reflected = bgpPeer('reflected', { node: 'a', peerSelector: "role == 'reflector'" })
  const tor = bgpPeer('tor', { peerIP: '10.0.0.254', asNumber: 65000 })
  const documents = [...three, ...reflectors, meshOff, reflected, tor].map((document) => ({
    ...document,
    metadata: { ...document.metadata, annotations },
  }))
  const pathWatch = { intervalMs: 300, multiplier: 3, multihop: false }
  const watched = (self: string) =>
    [
      ...new Cluster(self)
        .set(...documents)
        .settle()
        .peers.values(),
    ].map((peer) => peer?.pathWatch)
  t.same(watched('a'), [pathWatch, pathWatch, pathWatch])
  t.same(watched('r1'), [pathWatch, pathWatch])
})

t.test(
  'what an operator wants for a while holds for one BGPPeer, or for all sessions of the node',
  async (t) => {
    const asking = (document: Document, name: string) => ({
      ...document,
      metadata: { ...document.metadata, annotations: { [`caracal.io/${name}`]: 'ticket 4711' } },
    })
    const tor = bgpPeer('tor', { peerIP: '10.0.0.254', asNumber: 65000 })
    const [a, b, c] = three as [Document, Document, Document]
    const told = (...documents: Document[]) => {
      const cluster = new Cluster('a').set(...documents)
      cluster.settle()
      const peers = [...cluster.plan.peers.values()]
      const words = peers.map(({ name, gracefulShutdown, shutdown }) => [name, gracefulShutdown ?? shutdown])
      return { peers: Object.fromEntries(words), warnings: cluster.plan.warnings, first: peers[0] }
    }
    const one = told(a, b, asking(tor, 'graceful-shutdown'))
    t.same(one.peers, { '10.0.0.10': undefined, '10.0.0.254': true })
    t.match(one.warnings, [/^BGPPeer tor: its sessions are to be used last .*: ticket 4711$/])
    t.same(told(a, asking(b, 'shutdown'), tor).peers, { '10.0.0.10': undefined, '10.0.0.254': undefined })
    const all = told(asking(a, 'shutdown'), b, c, tor)
    t.same(Object.values(all.peers), ['ticket 4711', 'ticket 4711', 'ticket 4711'])
    t.equal(all.first?.held, 'shut down by an operator: ticket 4711')
    t.match(all.warnings, [/^all sessions of this node are shut down .*: ticket 4711$/])
  },
)

t.test('a session carries the families it was asked to carry, with our addresses as next hops', async (t) => {
  const asking = (families: string) => {
    const tor = bgpPeer('tor', { peerIP: 'fd20::254', asNumber: 65000 })
    const metadata = { ...tor.metadata, annotations: { 'caracal.io/families': families } }
    const own = node('a', '10.0.0.9/24', { ipv6Address: 'fd20::9/64' })
    const cluster = new Cluster('a').set(own, { ...tor, metadata })
    cluster.settle()
    const { families: carried, otherAddresses } = cluster.plan.peers.get(address('fd20::254'))!
    return { carried, otherAddresses }
  }
  t.same(asking('ipv4, ipv6'), { carried: ['ipv4', 'ipv6'], otherAddresses: { ipv4: '10.0.0.9' } })
  t.same(asking('ipv6'), { carried: ['ipv6'], otherAddresses: undefined })
  t.same(asking(''), { carried: ['ipv6'], otherAddresses: undefined })
})

t.test('the peers of selectors are those of the day', async (t) => {
  const cluster = new Cluster('a').set(...three, ...reflectors, meshOff, toReflectors)
  cluster.settle()
  const label = (name: string, address: string, labels: object) =>
    cluster.set(node(name, address, { labels })).settle().peers
  t.same([...label('b', '10.0.0.10/24', { role: 'reflector' }).keys()], ['10.0.0.10'])
  t.equal(label('b', '10.0.0.10/24', {}).get(address('10.0.0.10')), undefined)
  t.equal(cluster.delete(toReflectors).settle().peers.size, 2)
})

t.test('what a BGPPeer says of AS numbers is for peers it names by address', async (t) => {
  const own = { localASNumber: 65100, numAllowedLocalASNumbers: 2 }
  const cluster = new Cluster('a').set(...three, ...reflectors, meshOff)
  cluster.set(
    bgpPeer('tor', { peerIP: '10.0.0.254', asNumber: 65000, ...own }),
    bgpPeer('to-reflectors', { peerSelector: "role == 'reflector'", ...own }),
  )
  cluster.settle()
  const of = (text: string) => {
    const { localAsn, allowedLocalAsns } = cluster.plan.peers.get(address(text))!
    return [localAsn, allowedLocalAsns]
  }
  t.same(
    [of('10.0.0.254'), of('10.0.0.101')],
    [
      [65100, 2],
      [64512, 0],
    ],
  )
})

// ---- policy

t.test('next hop modes; keepOriginalNextHop is the old word, for other AS only', async (t) => {
  const modes = [
    [{ nextHopMode: 'Self' }, 'self', 'self'],
    [{ nextHopMode: 'Keep' }, 'keep', 'keep'],
    [{ nextHopMode: 'Auto' }, undefined, undefined],
    [{ keepOriginalNextHop: true }, undefined, 'keep'],
  ] as const
  for (const [spec, internal, external] of modes) {
    const of = (asNumber: number) => {
      const cluster = new Cluster('a').set(
        ...three,
        bgpPeer('tor', { peerIP: '10.0.0.254', asNumber, ...spec }),
      )
      cluster.settle()
      return cluster.plan.peers.get(address('10.0.0.254'))?.nextHopMode
    }
    t.same([of(64512), of(65000)], [internal, external], JSON.stringify(spec))
  }
})

t.test('filters are those named, in that order; one that is missing keeps the session down', async (t) => {
  const filter = (name: string, cidr: string) =>
    bgpFilter(name, { exportV4: [{ action: 'Reject', cidr, matchOperator: 'In' }] })
  const tor = bgpPeer('tor', { peerIP: '10.0.0.254', asNumber: 65000, filters: ['second', 'first'] })
  const cluster = new Cluster('a').set(...three, tor, filter('first', '10.1.0.0/16'))
  cluster.settle()
  t.match(cluster.plan.peers.get(address('10.0.0.254')), { held: /second does not exist/ })
  t.match(cluster.plan.warnings, [/BGPPeer tor: BGPFilter second does not exist/])
  const { peers } = cluster.set(filter('second', '10.2.0.0/16')).settle()
  t.same(
    peers.get(address('10.0.0.254'))?.filters?.export.ipv4.map(({ because }) => because),
    ['BGPFilter second, exportV4 rule 1', 'BGPFilter first, exportV4 rule 1'],
  )
  t.same(cluster.plan.warnings, [])
})
