// The promise that makes an incremental plan safe: fed change by change, in any
// order, it ends where a plan ends that computes everything once.

import fc from 'fast-check'
import t from 'tap'
import type { Document } from '../../src/cluster/feed.ts'
import { prefix } from '../../src/inet/prefix.ts'
import { affinity, bgpConfiguration, bgpPeer, block, node, pool, workload } from '../kit/documents.ts'
import { Cluster } from '../kit/plan.ts'

const slots: readonly (readonly Document[])[] = [
  [
    node('a', '10.0.0.1/24'),
    node('a', '10.0.0.7/16', { ipv6Address: 'fd20::1/64', asNumber: 65001 }),
    node('a', '10.9.0.1/32'),
  ],
  [
    node('b', '10.0.0.2/24'),
    node('b', '10.0.0.3/24', { routeReflectorClusterID: '1.0.0.1' }),
    node('b', '10.65.1.1/24'),
  ],
  [node('c', '10.0.0.3/24'), node('c', '10.0.0.4/24', { ipv6Address: 'fd20::3/64' })],
  [
    pool('p', '10.65.0.0/16'),
    pool('p', '10.65.0.0/16', { ipipMode: 'Always', natOutgoing: true }),
    pool('p', '10.64.0.0/15', { disableBGPExport: true }),
  ],
  [pool('q', '10.65.1.0/24', { vxlanMode: 'Always' }), pool('q', '10.65.0.0/16', { disabled: true })],
  [
    pool('n', 'fd10::/64', { natOutgoing: true }),
    pool('n', '10.65.0.0/16', { natOutgoing: true }),
    pool('n', '10.65.0.0/16', { allowedUses: ['LoadBalancer'] }),
  ],
  [
    block('10.65.0.0/26', 'a', { 1: 'a', 9: 'b' }),
    block('10.65.0.0/26', 'b', { 1: 'a' }),
    block('10.65.0.0/26', null, { 2: 'a' }),
  ],
  [block('10.65.1.0/26', 'b', { 8: 'a' }), block('10.65.1.0/26', 'a')],
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
    bgpConfiguration('default', { nodeToNodeMeshEnabled: false }),
  ],
  [bgpConfiguration('node.b', { listenPort: 1791 })],
  [
    bgpPeer('x', { peerIP: '10.0.0.254', asNumber: 65001 }),
    bgpPeer('x', { node: 'a', peerIP: '10.0.0.2', asNumber: 65001 }),
    bgpPeer('x', { nodeSelector: 'has(rack)', peerIP: '10.0.0.4', asNumber: 1 }),
  ],
]

type Step = (cluster: Cluster, held: Map<number, Document>) => void

const setOrDelete: fc.Arbitrary<Step> = fc
  .tuple(fc.nat(slots.length - 1), fc.nat(3))
  .map(([slot, choice]) => (cluster, held) => {
    const document = slots[slot]![choice]
    const before = held.get(slot)
    if (document) {
      held.set(slot, document)
      cluster.set(document)
    } else if (before) {
      held.delete(slot)
      cluster.delete(before)
    }
  })

const links: fc.Arbitrary<Step> = fc
  .tuple(fc.constantFrom('cali1', 'cali2', 'cali3', 'eth0'), fc.boolean())
  .map(([name, present]) => (cluster) => {
    if (present) cluster.link(name, ...(name === 'eth0' ? ['10.0.0.1/24'] : []))
    else cluster.unlink(name)
  })

const paths: fc.Arbitrary<Step> = fc
  .tuple(
    fc.constantFrom('10.65.1.0/26', '10.65.0.9/32', '10.65.0.1/32', '10.0.0.2/32', '0.0.0.0/0'),
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

const settleNow: fc.Arbitrary<Step> = fc.constant((cluster) => void cluster.settle())

function everything({ plan }: Cluster): unknown {
  plan.settle()
  const kernel = [plan.routes, plan.neighbors, plan.sysctls, plan.sets, plan.setMembers, plan.chains]
  const tables = [...kernel, plan.peers, plan.originations]
  return tables.map((table) =>
    [...(table as ReadonlyMap<string, unknown>)].sort(([a], [b]) => (a < b ? -1 : 1)),
  )
}

t.test('a plan kept up to date equals one computed anew, whatever happened in whatever order', async (t) => {
  const steps = fc.array(
    fc.oneof({ weight: 5, arbitrary: setOrDelete }, links, paths, natSettings, settleNow),
    {
      maxLength: 60,
    },
  )
  fc.assert(
    fc.property(steps, (taken) => {
      const cluster = new Cluster('a')
      const held = new Map<number, Document>()
      for (const step of taken) step(cluster, held)
      return JSON.stringify(everything(cluster)) === JSON.stringify(everything(cluster.again()))
    }),
    { seed: 20261121, numRuns: 1500 },
  )
  t.pass('1500 histories')
})
