// Pods that speak BGP with their node.

import t from 'tap'
import { address } from '../../src/inet/address.ts'
import {
  affinity,
  bgpConfiguration,
  bgpFilter,
  bgpPeer,
  block,
  node,
  pool,
  workload,
} from '../kit/documents.ts'
import { Cluster } from '../kit/plan.ts'

const peering = bgpConfiguration('default', {
  localWorkloadPeeringIPV4: '169.254.9.1',
  localWorkloadPeeringIPV6: 'fd09::1',
  nodeToNodeMeshEnabled: false,
})
const vpn = bgpPeer('vpn', { localWorkloadSelector: "app == 'vpn'", asNumber: 65010 })

function pod(name: string, device: string, labels: Record<string, string>, ...networks: string[]) {
  const { metadata, ...rest } = workload('a', name, device, ...networks)
  return { ...rest, metadata: { ...metadata, labels } }
}

/** Node a with a pod that peers, one that does not, and one of another node. */
function cluster(): Cluster {
  return new Cluster('a')
    .link('eth0', '10.0.0.1/24')
    .link('cali1')
    .link('cali2')
    .set(node('a', '10.0.0.1/24'), node('b', '10.0.0.2/24'), pool('p', '10.65.0.0/16'))
    .set(block('a', '10.65.0.0/26'), affinity('a', '10.65.0.0/26'))
    .set(pod('router', 'cali1', { app: 'vpn' }, '10.65.0.1/32', '10.65.0.3/32', 'fd65::1/128'))
    .set(pod('web', 'cali2', { app: 'web' }, '10.65.0.2/32'))
    .set(peering, vpn)
}

function sessions(of: Cluster): string[] {
  of.settle()
  return [...of.plan.peers.values()].map((p) => `${p.name} as ${p.peerAsn} from ${p.localAsn}`).sort()
}

function addresses(of: Cluster): string[] {
  of.settle()
  return [...of.plan.addresses.keys()].sort()
}

t.test('a pod that is selected has a session a family, by its first address, and dials', async (t) => {
  const at = cluster()
  const ipv4 = '10.65.0.1 as 65010 from 64512'
  t.same(sessions(at), [ipv4], 'a family in which the node has no address has none')
  t.match(at.plan.peers.get(address('10.65.0.1')), {
    passive: true,
    localAddress: undefined,
    port: 179,
    kind: 'workload',
  })
  at.set(node('a', '10.0.0.1/24', { ipv6Address: 'fd20::1/64' }))
  t.same(sessions(at), [ipv4, 'fd65::1 as 65010 from 64512'])
})

t.test('it finds us at an address on its interface, as long as it is there and selected', async (t) => {
  const at = cluster()
  t.same(addresses(at), ['cali1 169.254.9.1', 'cali1 fd09::1'])
  t.same(addresses(at.set(bgpConfiguration('default', { localWorkloadPeeringIPV4: '169.254.9.2' }))), [
    'cali1 169.254.9.2',
  ])
  t.same(addresses(at.set(pod('router', 'cali1', {}, '10.65.0.1/32'))), [])
  t.same([sessions(at.set(peering)), addresses(at)], [[], []])
  at.set(pod('web', 'cali2', { app: 'vpn' }, '10.65.0.2/32'))
  t.same(addresses(at), ['cali2 169.254.9.1'])
  t.same(addresses(at.unlink('cali2')), [])
  t.same(addresses(at.link('cali2')), ['cali2 169.254.9.1'])
  t.same([sessions(at.delete(vpn)), addresses(at)], [[], []])
})

t.test(
  'of two BGPPeers the first by name; those of other nodes do not count; a filter that is missing holds',
  async (t) => {
    const at = cluster().set(
      bgpPeer('a-first', {
        localWorkloadSelector: 'all()',
        asNumber: 65020,
        localASNumber: 65099,
        filters: ['f'],
      }),
      bgpPeer('0-other', { node: 'b', localWorkloadSelector: 'all()', asNumber: 65030 }),
    )
    t.same(sessions(at), ['10.65.0.1 as 65020 from 65099', '10.65.0.2 as 65020 from 65099'])
    t.match(at.plan.peers.get(address('10.65.0.1'))?.held, /BGPFilter f does not exist/)
    at.set(bgpFilter('f', {})).settle()
    t.equal(at.plan.peers.get(address('10.65.0.1'))?.held, undefined)
  },
)

t.test('what it announces leads to it, and no further when it is gone', async (t) => {
  const at = cluster().learn('10.99.0.0/24', '10.65.0.1').learn('10.98.0.0/24', '10.65.0.2')
  const route = '10.99.0.0/24 via 10.65.0.1 dev cali1 proto bird'
  t.ok(at.routes().includes(route))
  t.notOk(
    at.routes().some((line) => line.startsWith('10.98.')),
    'a pod that does not peer is no next hop',
  )
  t.match(at.plan.reach(address('10.65.0.1')), { device: 'cali1', gateway: '10.65.0.1' })
  t.notOk(at.unlink('cali1').routes().includes(route))
  t.ok(at.link('cali1').routes().includes(route))
  t.notOk(at.delete(vpn).routes().includes(route))
})

t.test('what keeps it from working is said', async (t) => {
  const said = (spec: object) =>
    cluster().set(bgpConfiguration('default', { nodeToNodeMeshEnabled: false, ...spec })).plan.warnings
  t.match(said({}), [/^BGPPeer vpn: BGPConfiguration default has no localWorkloadPeeringIPV4/])
  t.match(said({ localWorkloadPeeringIPV4: '169.254.9.1', bindMode: 'NodeIP' }), [
    /^BGPPeer vpn: bindMode NodeIP/,
  ])
  t.same(said({ localWorkloadPeeringIPV4: '169.254.9.1' }), [])
})
