// What a CalicoNodeStatus says of a node, field by field as calico-node does.

import t from 'tap'
import { nodeReport, type Reported } from '../../src/agent/node-report.ts'
import type { RankedPath } from '../../src/bgp/rib/decision.ts'
import type { PeerView } from '../../src/bgp/types.ts'
import { address } from '../../src/inet/address.ts'
import { prefix } from '../../src/inet/prefix.ts'
import type { Route } from '../../src/plan/wanted.ts'

const NOW = Date.UTC(2026, 2, 4, 5, 6, 7)
const HOUR = 3_600_000

function peer(text: string, over: Partial<PeerView> = {}): PeerView {
  return {
    name: text,
    kind: 'mesh',
    address: address(text),
    port: 179,
    asn: 64512,
    families: ['ipv4'],
    state: 'Established',
    since: NOW - HOUR,
    lastError: undefined,
    agreed: [],
    received: 1,
    advertised: 1,
    stale: 0,
    limit: { prefixes: 1_000_000, warnPercent: 75 },
    faults: 0,
    because: 'node-to-node mesh',
    ...over,
  }
}

function route(text: string, over: Partial<Route>): Route {
  return { prefix: prefix(text), type: 'unicast', protocol: 'bird', because: 'a test', ...over }
}

function path(text: string, from: string, lostBy?: string): RankedPath {
  const nextHop = address(from)
  const one = { prefix: prefix(text), peer: from, pathId: 0, attributes: {}, nextHop }
  return { path: one, eligible: true, lostBy }
}

function reported(over: Partial<Reported> & { peers?: readonly PeerView[] } = {}): Reported {
  const { peers = [], ...rest } = over
  const listening = {
    ipv4: { endpoint: '0.0.0.0:179' },
    ipv6: { reason: 'the node has no IPv6 address', intended: true },
  }
  const bgp = { routerId: address('172.20.0.11'), asn: 64512, listening, refused: {}, dropped: {}, peers }
  return {
    status: { version: '1.2.3', startedAt: NOW - 30 * HOUR, bgp },
    reconfiguredAt: NOW - HOUR,
    now: NOW,
    routes: () => [],
    paths: () => [],
    ...rest,
  }
}

t.test('only the classes that are asked for', async (t) => {
  t.same(Object.keys(nodeReport(['Agent'], reported())), ['agent'])
  t.same(Object.keys(nodeReport(['Routes', 'BGP'], reported())).sort(), ['bgp', 'routes'])
})

t.test('a family without listener is not ready', async (t) => {
  const birdV4 = {
    state: 'Ready',
    version: 'caracal 1.2.3',
    routerID: '172.20.0.11',
    lastBootTime: '2026-03-02 23:06:07',
    lastReconfigurationTime: '2026-03-04 04:06:07',
  }
  t.same(nodeReport(['Agent'], reported()), { agent: { birdV4, birdV6: { ...birdV4, state: 'NotReady' } } })
})

t.test('sessions by family, with the type, state and time that calicoctl knows', async (t) => {
  const peers = [
    peer('172.20.0.12'),
    peer('172.20.0.1', { kind: 'global', state: 'Active', since: NOW - 21 * HOUR }),
    peer('172.20.0.2', { kind: 'node', state: 'Passive' }),
    peer('10.65.0.2', { kind: 'workload', state: 'OpenSent' }),
    peer('fd20::12'),
  ]
  t.same(nodeReport(['BGP'], reported({ peers })), {
    bgp: {
      numberEstablishedV4: 1,
      numberNotEstablishedV4: 3,
      numberEstablishedV6: 1,
      numberNotEstablishedV6: 0,
      peersV4: [
        { peerIP: '172.20.0.12', type: 'NodeMesh', state: 'Established', since: '04:06:07' },
        { peerIP: '172.20.0.1', type: 'GlobalPeer', state: 'Active', since: '2026-03-03' },
        { peerIP: '172.20.0.2', type: 'NodePeer', since: '04:06:07' },
        { peerIP: '10.65.0.2', type: 'NodePeer', state: 'OpenSent', since: '04:06:07' },
      ],
      peersV6: [{ peerIP: 'fd20::12', type: 'NodeMesh', state: 'Established', since: '04:06:07' }],
    },
  })
})

t.test('routes in the kernel with who taught them, and paths beside them', async (t) => {
  const eth = { device: 'eth0', gateway: address('172.20.0.12') }
  const routes = [
    route('10.65.1.0/26', eth),
    route('10.65.0.2/32', { protocol: 'boot', device: 'cali1' }),
    route('10.65.0.0/26', { type: 'blackhole', protocol: '80' }),
    route('10.65.2.0/26', { ...eth, protocol: '80' }),
    route('0.0.0.0/0', { nexthops: [eth, { device: 'eth1', gateway: address('172.30.0.1') }] }),
    route('fd65::/64', { device: 'eth0', gateway: address('fd20::12') }),
  ]
  const paths = [
    path('10.65.1.0/26', '172.20.0.12'),
    path('10.65.1.0/26', '172.20.0.1', 'longer AS path'),
    path('0.0.0.0/0', '172.20.0.1'),
    path('fd65::/64', 'fd20::12'),
  ]
  const peers = [peer('172.20.0.12'), peer('172.20.0.1', { kind: 'global' }), peer('fd20::12')]
  const tor = { sourceType: 'BGPPeer', peerIP: '172.20.0.1' }
  const mesh = { sourceType: 'NodeMesh', peerIP: '172.20.0.12' }
  const fib = (destination: string, gateway: string, device: string, learnedFrom: object) => ({
    type: 'FIB',
    destination,
    gateway,
    interface: device,
    learnedFrom,
  })
  t.same(nodeReport(['Routes'], reported({ peers, routes: () => routes, paths: () => paths })), {
    routes: {
      routesV4: [
        fib('10.65.1.0/26', '172.20.0.12', 'eth0', mesh),
        fib('10.65.0.2/32', 'N/A', 'cali1', { sourceType: 'Kernel' }),
        fib('10.65.0.0/26', 'N/A', 'blackhole', { sourceType: 'Static' }),
        fib('10.65.2.0/26', '172.20.0.12', 'eth0', { sourceType: 'Kernel' }),
        fib('0.0.0.0/0', '172.20.0.12', 'eth0', tor),
        fib('0.0.0.0/0', '172.30.0.1', 'eth1', tor),
        { ...fib('10.65.1.0/26', '172.20.0.1', 'N/A', tor), type: 'RIB' },
      ],
      routesV6: [fib('fd65::/64', 'fd20::12', 'eth0', { sourceType: 'NodeMesh', peerIP: 'fd20::12' })],
    },
  })
})

t.test('a full table does not grow beyond what an object can hold', async (t) => {
  const many = Array.from({ length: 5_000 }, (_, n) => `10.${n >> 8}.${n & 255}.0/24`)
  const routes = () => many.map((text) => route(text, { device: 'eth0' }))
  const paths = () => many.map((text) => path(text, '172.20.0.1', 'older'))
  const { routes: said } = nodeReport(['Routes'], reported({ routes, paths })) as {
    routes: { routesV4: unknown[] }
  }
  t.equal(said.routesV4.length, 1_000)
  t.ok(JSON.stringify(said).length < 500_000)
})
