// The promise that makes an incremental plan safe: fed change by change, in any
// order, it ends where a plan ends that computes everything once.

import fc from 'fast-check'
import t from 'tap'
import type { AnyKind, Document } from '../../src/cluster/feed.ts'
import { prefix } from '../../src/inet/prefix.ts'
import type { TunnelKind } from '../../src/plan/encap/local.ts'
import type { TunnelSettings } from '../../src/plan/encap/settings.ts'
import {
  affinity,
  bgpConfiguration,
  bgpPeer,
  block,
  node,
  pool,
  service,
  slice,
  workload,
} from '../kit/documents.ts'
import { Cluster, settings } from '../kit/plan.ts'

/** The addresses of a node's tunnel devices. */
function tunnelled(address: string, ipv6VXLANTunnelAddr?: string) {
  return { ipv4IPIPTunnelAddr: address, spec: { ipv4VXLANTunnelAddr: address, ipv6VXLANTunnelAddr } }
}

const slots: readonly (readonly Document<AnyKind>[])[] = [
  [
    node('a', '10.0.0.1/24', tunnelled('10.65.0.2')),
    node('a', '10.0.0.7/16', {
      ipv6Address: 'fd20::1/64',
      asNumber: 65001,
      ...tunnelled('10.65.0.1', 'fd10::1'),
    }),
    node('a', '10.9.0.1/32', {
      labels: { 'node.kubernetes.io/exclude-from-external-load-balancers': 'true' },
      ...tunnelled('10.65.1.8'),
    }),
  ],
  [
    node('b', '10.0.0.2/24'),
    node('b', '10.0.0.3/24', { routeReflectorClusterID: '1.0.0.1', ...tunnelled('10.65.1.0', 'fd10::100') }),
    node('b', '10.65.1.1/24', {
      ...tunnelled('10.65.3.3'),
      status: { podCIDRs: ['10.65.1.0/26', 'fd10::100/120'] },
    }),
  ],
  [
    node('c', '10.0.0.3/24', { ...tunnelled('10.65.1.9'), status: { podCIDRs: ['10.65.2.0/26'] } }),
    node('c', '10.5.0.4/24', { ipv6Address: 'fd20::3/64', ...tunnelled('10.65.1.0', 'fd10::200') }),
    node('c', undefined, {
      spec: {
        addresses: [{ address: '10.65.1.9', type: 'InternalIP' }],
        vxlanTunnelMACAddr: '66:00:00:00:00:01',
      },
    }),
  ],
  [
    pool('p', '10.65.0.0/16'),
    pool('p', '10.65.0.0/16', { ipipMode: 'Always', natOutgoing: true }),
    pool('p', '10.65.0.0/16', { ipipMode: 'CrossSubnet' }),
    pool('p', '10.65.0.0/16', { vxlanMode: 'CrossSubnet' }),
    pool('p', '10.65.0.0/16', { allowedUses: ['LoadBalancer'] }),
    pool('p', '10.64.0.0/15', { disableBGPExport: true }),
  ],
  [pool('q', '10.65.1.0/24', { vxlanMode: 'Always' }), pool('q', '10.65.0.0/16', { disabled: true })],
  [
    pool('n', 'fd10::/64', { natOutgoing: true, vxlanMode: 'Always' }),
    pool('n', '10.65.0.0/16', { natOutgoing: true }),
    pool('n', '10.65.0.0/16', { allowedUses: ['LoadBalancer'] }),
  ],
  [
    block('10.65.0.0/26', 'a', { 1: 'a', 9: 'b' }),
    block('10.65.0.0/26', 'b', { 1: 'a' }),
    block('10.65.0.0/26', null, { 2: 'a' }),
  ],
  [
    block('10.65.1.0/26', 'b', { 8: 'a', 9: 'c' }),
    block('10.65.1.0/26', 'a'),
    block('10.65.1.0/26', 'c', { 0: 'b', 8: 'a' }),
  ],
  [block('10.65.1.8/29', 'c', { 1: 'b' }), block('10.65.0.0/20', 'c', { 265: 'b' })],
  [block('fd10::/120', 'a', { 9: 'b' }), block('fd10::100/120', 'b', { 9: 'a' })],
  [block('10.65.3.3/32', 'a', { 0: 'a' })],
  [
    affinity('a', '10.65.0.0/26'),
    affinity('a', '10.65.0.0/26', 'pending'),
    affinity('a', '10.65.0.0/26', 'pendingDeletion'),
  ],
  [affinity('a', '10.65.1.0/26')],
  [affinity('a', '10.65.3.3/32')],
  [
    workload('a', 'w', 'cali1', '10.65.0.1/32', 'fd10::1/128'),
    workload('a', 'w', 'cali2', '10.65.1.8/32'),
    workload('b', 'w', 'cali1', '10.65.0.1/32'),
  ],
  [workload('a', 'v', 'cali1', '10.65.3.3/32'), workload('a', 'v', 'cali3', '10.65.0.1/32')],
  [
    bgpConfiguration('default', { asNumber: 64999, listenPort: 1790 }),
    bgpConfiguration('default', { nodeToNodeMeshEnabled: false, programClusterRoutes: 'Enabled' }),
    bgpConfiguration('default', { programClusterRoutes: 'Disabled' }),
    bgpConfiguration('default', { serviceClusterIPs: [{ cidr: '10.96.0.0/12' }] }),
    bgpConfiguration('default', {
      serviceExternalIPs: [{ cidr: '10.65.0.0/24' }],
      serviceClusterIPs: [{ cidr: '10.96.0.0/16' }],
      serviceLoadBalancerAggregation: 'Disabled',
    }),
  ],
  [
    service('web/www', { externalTrafficPolicy: 'Local', externalIPs: ['10.65.0.200'] }),
    service('web/www', { externalIPs: ['10.65.1.200'] }),
  ],
  [
    slice('web/www', 'a 10.65.0.1'),
    slice('web/www', 'a 10.65.0.1 terminating', 'b 10.65.1.8'),
    slice('web/www', 'b 10.65.1.8 starting'),
  ],
  [bgpConfiguration('node.b', { listenPort: 1791 })],
  [
    bgpPeer('x', { peerIP: '10.0.0.254', asNumber: 65001 }),
    bgpPeer('x', { node: 'a', peerIP: '10.0.0.2', asNumber: 65001 }),
    bgpPeer('x', { nodeSelector: 'has(rack)', peerIP: '10.0.0.4', asNumber: 1 }),
  ],
]

const poolSlots = [...slots.keys()].filter((slot) => slots[slot]![0]!.kind === 'IPPool')

type Step = (cluster: Cluster, held: Map<number, Document<AnyKind>>) => void

/** Sets a document of a slot, or takes it away: one time in five. */
const setOrDelete: fc.Arbitrary<Step> = fc
  .tuple(fc.nat(slots.length - 1), fc.option(fc.nat(9), { freq: 4 }))
  .map(([slot, choice]) => (cluster, held) => {
    const before = held.get(slot)
    if (choice !== null) put(slot, choice, cluster, held)
    else if (before && held.delete(slot)) cluster.delete(before)
  })

/** A pool becomes another, and what it was counts for a while. */
const turnPool: fc.Arbitrary<Step> = fc
  .tuple(fc.constantFrom(...poolSlots), fc.nat(9))
  .map(([slot, choice]) => (cluster, held) => {
    const document = choose(slot, choice)
    held.set(slot, document)
    cluster.turn(document)
  })

const endTransitions: fc.Arbitrary<Step> = fc.constant((cluster) => void cluster.endTransitions())

/** A cluster to begin with, so that much depends on each change. */
const populated: fc.Arbitrary<Step> = fc
  .array(fc.nat(9), { minLength: slots.length, maxLength: slots.length })
  .map((choices) => (cluster, held) => {
    for (const [slot, choice] of choices.entries()) put(slot, choice, cluster, held)
    cluster.link('eth0', '10.0.0.1/24', 'fd20::1/64').link('eth1', '10.0.0.7/16')
    cluster.learn('10.65.1.0/26', '10.0.0.2').learn('10.65.0.9/32', '10.9.9.9').settle()
  })

function put(slot: number, choice: number, cluster: Cluster, held: Map<number, Document<AnyKind>>): void {
  const document = choose(slot, choice)
  held.set(slot, document)
  cluster.set(document)
}

function choose(slot: number, choice: number): Document<AnyKind> {
  return slots[slot]![choice % slots[slot]!.length]!
}

const links: fc.Arbitrary<Step> = fc
  .tuple(fc.constantFrom('cali1', 'cali2', 'cali3', 'eth0'), fc.boolean())
  .map(([name, present]) => (cluster) => {
    if (present) cluster.link(name, ...(name === 'eth0' ? ['10.0.0.1/24'] : []))
    else cluster.unlink(name)
  })

const paths: fc.Arbitrary<Step> = fc
  .tuple(
    fc.constantFrom(
      '10.65.1.0/26',
      '10.96.0.10/32',
      '10.65.0.9/32',
      '10.65.0.1/32',
      '10.0.0.2/32',
      '0.0.0.0/0',
    ),
    fc.constantFrom('10.0.0.2', '10.9.9.9', ''),
  )
  .map(
    ([to, nextHop]) =>
      (cluster) =>
        void (nextHop ? cluster.learn(to, nextHop) : cluster.unlearn(to)),
  )

const natSettings: fc.Arbitrary<Step> = fc
  .constantFrom(
    {},
    { excludeHosts: true },
    { excludeHosts: true, externalNodes: [prefix('10.0.0.3/32'), prefix('fd99::/64')] },
  )
  .map((changes) => (cluster) => void cluster.nat(changes))

const underlay: fc.Arbitrary<Step> = fc
  .tuple(
    fc.constantFrom('eth0', 'eth1'),
    fc.constantFrom(['10.0.0.7/16'], ['10.9.0.1/32'], ['fd20::1/64', '10.0.0.1/24']),
    fc.constantFrom(1400, 1500),
  )
  .map(
    ([name, addresses, mtu]) =>
      (cluster) =>
        void cluster.link(name, ...addresses).mtu(name, mtu),
  )

const tunnelSettings: fc.Arbitrary<Step> = fc
  .record({
    ipipEnabled: fc.constantFrom(undefined, true, false),
    vxlanEnabled: fc.constantFrom(undefined, false),
    programClusterRoutes: fc.constantFrom(undefined, 'Enabled', 'Disabled', 'EnabledNoEncapOnly'),
    vxlanMtu: fc.constantFrom(0, 1300),
  })
  .map((changes) => (cluster) => void cluster.tunnels(changes as Partial<TunnelSettings>))

const unsupported: fc.Arbitrary<Step> = fc
  .subarray<TunnelKind>(['ipip', 'vxlan'])
  .map((kinds) => (cluster) => void cluster.unsupported(...kinds))

/** All of it, or a piece. */
const settleNow: fc.Arbitrary<Step> = fc
  .constantFrom(undefined, 1, 3)
  .map((most) => (cluster) => void cluster.plan.settle(most))

function everything({ plan }: Cluster): unknown {
  plan.settle()
  const kernel = [
    new Map([...plan.routes()].map((route) => [route.prefix, route])),
    plan.neighbors,
    plan.addresses,
    plan.sysctls,
    plan.sets,
    plan.setMembers,
    plan.chains,
  ]
  const tables = [...kernel, plan.tunnels, plan.fdb, plan.peers, plan.originations]
  const rows = tables.map((table) =>
    [...(table as ReadonlyMap<string, unknown>)].sort(([a], [b]) => (a < b ? -1 : 1)),
  )
  return [...rows, plan.warnings.sort()]
}

t.test('a plan kept up to date equals one computed anew, whatever happened in whatever order', async (t) => {
  const others = [
    links,
    underlay,
    paths,
    natSettings,
    tunnelSettings,
    unsupported,
    turnPool,
    endTransitions,
    settleNow,
  ]
  const steps = fc.array(fc.oneof({ weight: 9, arbitrary: setOrDelete }, ...others), { maxLength: 14 })
  fc.assert(
    fc.property(fc.boolean(), populated, steps, (usePodCidr, begin, taken) => {
      const cluster = new Cluster('a', { ...settings, usePodCidr })
      const held = new Map<number, Document<AnyKind>>()
      begin(cluster, held)
      for (const step of taken) step(cluster, held)
      return JSON.stringify(everything(cluster)) === JSON.stringify(everything(cluster.again()))
    }),
    { seed: 20261121, numRuns: 500 },
  )
  t.pass('500 histories')
})
