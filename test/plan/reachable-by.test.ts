// Peers whose gateway is named: reachableBy of a BGPPeer.

import t from 'tap'
import { address } from '../../src/inet/address.ts'
import { prefix } from '../../src/inet/prefix.ts'
import { bgpConfiguration, bgpPeer, node } from '../kit/documents.ts'
import { Cluster } from '../kit/plan.ts'

const tor = (spec: object = { reachableBy: '10.0.0.254' }) =>
  bgpPeer('tor', { peerIP: '10.9.0.1', asNumber: 65001, ...spec })
const ROUTE = '10.9.0.1/32 via 10.0.0.254 dev eth0 proto bird'

/** A node whose default route leads to somebody else. */
function cluster(): Cluster {
  return new Cluster('a')
    .link('eth0', '10.0.0.1/24')
    .foreign({ gateway: address('10.0.0.99'), device: 'eth0' })
    .set(node('a', '10.0.0.1/24'), bgpConfiguration('default', { nodeToNodeMeshEnabled: false }))
}

t.test('the peer has a route, and what it teaches goes the same way', async (t) => {
  const at = cluster().set(tor()).learn('10.21.0.0/24', '10.9.0.1')
  const learned = '10.21.0.0/24 via 10.0.0.254 dev eth0 proto bird'
  t.same(at.routes(), [learned, ROUTE].sort())
  t.match(at.plan.reach(address('10.9.0.1')), { device: 'eth0', gateway: '10.0.0.254' })
  const without = '10.21.0.0/24 via 10.0.0.99 dev eth0 proto bird'
  t.same(at.set(tor({})).routes(), [without])
  t.same(at.set(tor()).routes(), [learned, ROUTE].sort())
  t.same(at.delete(tor()).routes(), [without])
})

t.test('it moves with the way to the gateway, and is not there without one', async (t) => {
  const at = cluster().set(tor())
  t.same(at.routes(), [ROUTE])
  at.unlink('eth0').link('eth1', '10.0.0.1/24')
  t.same(at.routes(), ['10.9.0.1/32 via 10.0.0.254 dev eth1 proto bird'])
  at.unlink('eth1').foreign()
  t.same(at.routes(), [])
  t.match(at.plan.explain(prefix('10.9.0.1/32')), [
    { offer: { declined: /^reachableBy 10\.0\.0\.254: no route/ } },
  ])
})

t.test('a path by the same next hop that goes does not take the peer with it', async (t) => {
  const at = cluster().set(tor()).learn('10.21.0.0/24', '10.9.0.1')
  at.settle()
  at.unlearn('10.21.0.0/24')
  at.unlink('eth0').link('eth1', '10.0.0.1/24')
  t.same(at.routes(), ['10.9.0.1/32 via 10.0.0.254 dev eth1 proto bird'])
})

t.test('of a peering between nodes the other side has it too', async (t) => {
  const at = cluster()
    .set(node('b', '10.9.0.2/24'))
    .set(bgpPeer('a', { node: 'b', peerIP: '10.0.0.1', asNumber: 64512, reachableBy: '10.0.0.254' }))
  t.same(at.routes(), ['10.9.0.2/32 via 10.0.0.254 dev eth0 proto bird'])
})
