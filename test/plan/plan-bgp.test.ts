import t from 'tap'
import { address } from '../../src/inet/address.ts'
import { prefix } from '../../src/inet/prefix.ts'
import { affinity, bgpConfiguration, bgpPeer, block, node, pool, workload } from '../kit/documents.ts'
import { Cluster } from '../kit/plan.ts'

function peers(cluster: Cluster): string[] {
  cluster.settle()
  const of = [...cluster.plan.peers.values()]
  return of.map((p) => `${p.name} as ${p.peerAsn} port ${p.port}${p.passive ? ' passive' : ''}`).sort()
}

const three = [node('a', '10.0.0.9/24'), node('b', '10.0.0.10/24'), node('c', '10.0.0.2/24')]

t.test('every other node is a mesh peer; the greater address, as text, dials', async (t) => {
  t.same(peers(new Cluster('a').set(...three)), [
    'Mesh_10_0_0_10 as 64512 port 179',
    'Mesh_10_0_0_2 as 64512 port 179',
  ])
  t.same(peers(new Cluster('b').set(...three)), [
    'Mesh_10_0_0_2 as 64512 port 179 passive',
    'Mesh_10_0_0_9 as 64512 port 179 passive',
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
  t.same(peers(a), ['Mesh_10_0_0_2 as 64999 port 179 passive'])
  t.equal(a.plan.peers.get(address('10.0.0.2'))?.localAsn, 65001)
  const b = new Cluster('b').set(...nodes, bgpConfiguration('default', { asNumber: 64999 }))
  t.same(peers(b), ['Mesh_10_0_0_1 as 65001 port 179'])
})

t.test('ports: the configuration of the peer, else the default one, else 179', async (t) => {
  const cluster = new Cluster('c').set(...three, bgpConfiguration('default', { listenPort: 1790 }))
  cluster.set(bgpConfiguration('node.a', { listenPort: 1799 }))
  t.same(peers(cluster), ['Mesh_10_0_0_10 as 64512 port 1790', 'Mesh_10_0_0_9 as 64512 port 1799 passive'])
})

t.test('a mesh that is off, a reflector and a node without address have no mesh sessions', async (t) => {
  t.same(
    peers(new Cluster('a').set(...three, bgpConfiguration('default', { nodeToNodeMeshEnabled: false }))),
    [],
  )
  const reflector = node('b', '10.0.0.10/24', { routeReflectorClusterID: '1.0.0.1' })
  t.same(peers(new Cluster('b').set(...three, reflector)), [])
  t.same(peers(new Cluster('a').set(...three, reflector)), ['Mesh_10_0_0_2 as 64512 port 179'])
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
    t.same(peers(cluster), ['Global_10_0_0_254 as 65001 port 1179', 'Node_10_0_0_253 as 65002 port 179'])
  },
)

t.test('one bad peer hurts only itself, and says so', async (t) => {
  const cluster = new Cluster('a').set(...three, bgpPeer('no-as', { peerIP: '10.0.0.254' }))
  cluster.set(
    bgpPeer('secret', {
      peerIP: '10.0.0.253',
      asNumber: 65001,
      password: { secretKeyRef: { name: 's', key: 'k' } },
    }),
  )
  t.equal(peers(cluster).length, 2, 'the mesh')
  t.match(cluster.plan.warnings.sort(), [/no-as: asNumber is missing/, /secret: passwords are not supported/])
})

t.test('a node that comes, moves or goes changes its own session only', async (t) => {
  const cluster = new Cluster('a').set(...three)
  cluster.settle()
  t.same([...cluster.set(node('d', '10.0.0.4/24')).settle().peers.keys()], ['10.0.0.4'])
  t.same([...cluster.set(node('d', '10.0.0.5/24')).settle().peers.keys()].sort(), ['10.0.0.4', '10.0.0.5'])
  t.same([...cluster.delete(node('d', '10.0.0.5/24')).settle().peers.keys()], ['10.0.0.5'])
})

t.test('announced are confirmed blocks of ours, and borrowed addresses of local workloads', async (t) => {
  const cluster = new Cluster('a')
    .set(...three, pool('flat', '10.65.0.0/16'), pool('hidden', '10.66.0.0/16', { disableBGPExport: true }))
    .set(block('10.65.0.0/26', 'a'), affinity('a', '10.65.0.0/26'))
    .set(block('10.65.3.3/32', 'a'), affinity('a', '10.65.3.3/32'))
    .set(block('10.65.0.64/26', 'a'), affinity('a', '10.65.0.64/26', 'pending'))
    .set(block('10.66.0.0/26', 'a'), affinity('a', '10.66.0.0/26'))
    .set(block('10.65.1.0/26', 'b', { 8: 'a' }))
    .set(workload('a', 'own', 'cali1', '10.65.0.2/32'), workload('a', 'borrowed', 'cali2', '10.65.1.8/32'))
    .set(workload('a', 'outside', 'cali3', '192.0.2.1/32'))
  cluster.settle()
  t.same([...cluster.plan.originations.keys()].sort(), ['10.65.0.0/26', '10.65.1.8/32', '10.65.3.3/32'])
  t.equal(cluster.plan.originations.get(prefix('10.65.0.0/26'))?.localPref, 2147482623)
})

t.test('what peers taught us goes on only inside a pool, and not from inside our own blocks', async (t) => {
  const { plan } = new Cluster('a')
    .set(...three, pool('flat', '10.65.0.0/16'), pool('hidden', '10.66.0.0/16', { disableBGPExport: true }))
    .set(block('10.65.0.0/26', 'a'), affinity('a', '10.65.0.0/26'))
  const may = (text: string) => plan.exportable(prefix(text))
  t.same(['10.65.1.0/26', '10.65.0.0/26', '10.65.0.9/32', '10.66.0.0/26', '0.0.0.0/0'].map(may), [
    true,
    true,
    false,
    false,
    false,
  ])
})
