// A pool that changes its encapsulation: until the other end is known to take the new kind, packets go as before.

import t from 'tap'
import { address } from '../../src/inet/address.ts'
import { prefix } from '../../src/inet/prefix.ts'
import { affinity, block, node, pool } from '../kit/documents.ts'
import { Cluster } from '../kit/plan.ts'

type Fields = Record<string, unknown>

const p = (modes: Fields = {}) => pool('p', '10.65.0.0/16', modes)
const [bare, ipip, vxlan] = [p(), p({ ipipMode: 'Always' }), p({ vxlanMode: 'Always' })]

/** Nodes with the addresses of their tunnels, as far as they publish them. */
const nodes = {
  a: (tunnels: Tunnels = {}) => node('a', '10.0.0.1/24', published(tunnels)),
  b: (tunnels: Tunnels = {}) => node('b', '10.1.0.2/24', published(tunnels)),
  c: (tunnels: Tunnels = {}) => node('c', '10.0.0.3/24', published(tunnels)),
}

interface Tunnels {
  readonly ipip?: string
  readonly vxlan?: string
}

function published({ ipip, vxlan }: Tunnels): Fields {
  return { ipv4IPIPTunnelAddr: ipip, spec: { ipv4VXLANTunnelAddr: vxlan } }
}

const own: Tunnels = { ipip: '10.65.0.0', vxlan: '10.65.0.1' }

/** Node a, which has both addresses, and one node beyond a router and one in its subnet, which have none. */
function cluster(was = bare): Cluster {
  return new Cluster('a')
    .link('eth0', '10.0.0.1/24')
    .foreign({ prefix: prefix('0.0.0.0/0'), device: 'eth0', gateway: address('10.0.0.254') })
    .set(was, nodes.a(own), nodes.b(), nodes.c())
    .set(block('10.65.0.0/26', 'a'), affinity('a', '10.65.0.0/26'))
    .set(block('10.65.1.0/26', 'b'), block('10.65.2.0/26', 'c'))
}

/** By BGP from both of the others. */
function learned(given: Cluster): Cluster {
  return given.learn('10.65.1.0/26', '10.1.0.2').learn('10.65.2.0/26', '10.0.0.3')
}

function routeTo(given: Cluster, destination: string): string | undefined {
  return given.routes().find((text) => text.startsWith(`${destination} `))
}

const throughIpip = '10.65.1.0/26 via 10.1.0.2 dev tunl0 proto 80 onlink mtu 1480'
const throughVxlan = '10.65.1.0/26 via 10.65.1.1 dev vxlan.calico proto 80 onlink mtu 1450'
const byBgp = '10.65.1.0/26 via 10.0.0.254 dev eth0 proto bird'

t.test('packets go into a tunnel once the node at its end publishes that it is there', async (t) => {
  const given = learned(cluster())
  given.turn(ipip)
  t.equal(routeTo(given, '10.65.1.0/26'), byBgp)
  given.set(nodes.b({ ipip: '10.65.1.0' }))
  t.equal(routeTo(given, '10.65.1.0/26'), throughIpip)
  t.match(routeTo(given, '10.65.2.0/26'), /dev eth0 proto bird/, 'each node for itself')
})

t.test('from one tunnel into another, the old one is used until both ends are ready', async (t) => {
  const given = cluster(ipip).set(nodes.a({ ipip: own.ipip! }), nodes.b({ ipip: '10.65.1.0' }))
  given.turn(vxlan)
  t.equal(routeTo(given, '10.65.1.0/26'), throughIpip)
  given.set(nodes.b({ ipip: '10.65.1.0', vxlan: '10.65.1.1' }))
  t.equal(routeTo(given, '10.65.1.0/26'), throughIpip, 'this node has no address for its own device')
  given.set(nodes.a(own))
  t.equal(routeTo(given, '10.65.1.0/26'), throughVxlan)
})

t.test('without encapsulation a route waits for the path that brings it', async (t) => {
  const given = cluster(vxlan)
    .set(nodes.b({ vxlan: '10.65.1.1' }))
    .turn(bare)
  t.equal(routeTo(given, '10.65.1.0/26'), throughVxlan)
  t.equal(routeTo(learned(given), '10.65.1.0/26'), byBgp)
  t.equal(routeTo(given.unlearn('10.65.1.0/26'), '10.65.1.0/26'), throughVxlan, 'and goes with it')
})

t.test('a direct way asks nobody: it is taken at once', async (t) => {
  const given = cluster(ipip).set(nodes.b({ ipip: '10.65.1.0' }), nodes.c({ ipip: '10.65.2.0' }))
  given.turn(p({ ipipMode: 'CrossSubnet' }))
  t.equal(routeTo(given, '10.65.1.0/26'), throughIpip)
  t.equal(routeTo(given, '10.65.2.0/26'), '10.65.2.0/26 via 10.0.0.3 dev eth0 proto 80 onlink')
})

t.test('of several changes in a row, the latest that the other end is ready for holds', async (t) => {
  const given = learned(cluster()).turn(vxlan).turn(ipip)
  t.equal(routeTo(given, '10.65.1.0/26'), byBgp)
  given.set(nodes.b({ vxlan: '10.65.1.1' }))
  t.equal(routeTo(given, '10.65.1.0/26'), throughVxlan)
  given.set(nodes.b({ vxlan: '10.65.1.1', ipip: '10.65.1.0' }))
  t.equal(routeTo(given, '10.65.1.0/26'), throughIpip)
  t.equal(routeTo(given.turn(vxlan), '10.65.1.0/26'), throughVxlan, 'and back, which is ready already')
})

t.test('the devices of both are there until the transition is ended and the address is gone', async (t) => {
  const given = cluster(ipip).turn(vxlan)
  given.settle()
  t.same([...given.plan.tunnels.keys()], ['tunl0', 'vxlan.calico'])
  t.match(given.plan.tunnels.get('tunl0'), {
    because: 'nodes that have not heard yet may still use IPIP in pool p',
  })
  given.endTransitions().settle()
  t.same(given.plan.formerPools, [])
  t.match(given.plan.tunnels.get('tunl0'), { because: /^node a still publishes 10\.65\.0\.0/ })
  given.set(nodes.a({ vxlan: own.vxlan! })).settle()
  t.same([...given.plan.tunnels.keys()], ['vxlan.calico'])
})

t.test('a transition goes on while a destination is reached in the old way', async (t) => {
  const given = cluster(ipip).set(nodes.b({ ipip: '10.65.1.0' }), nodes.c({ ipip: '10.65.2.0' }))
  const isInTransition = () => {
    given.settle()
    return given.plan.isInTransition
  }
  t.notOk(isInTransition())
  given.turn(vxlan).set(nodes.c({ ipip: '10.65.2.0', vxlan: '10.65.2.1' }))
  t.ok(isInTransition(), 'node b is not ready')
  given.set(nodes.b({ ipip: '10.65.1.0', vxlan: '10.65.1.1' }))
  t.notOk(isInTransition())
  given.set(nodes.a({ ipip: own.ipip! }))
  t.ok(isInTransition(), 'nor are we')
  given.set(nodes.b(), nodes.c())
  t.notOk(isInTransition(), 'nothing goes in the old way either')
})

t.test('a node that is not ready when the transition is ended is not waited for', async (t) => {
  const given = cluster(ipip)
    .set(nodes.b({ ipip: '10.65.1.0' }))
    .turn(vxlan)
  t.equal(routeTo(given, '10.65.1.0/26'), throughIpip)
  t.equal(routeTo(given.endTransitions(), '10.65.1.0/26'), undefined)
  t.equal(routeTo(cluster(vxlan).turn(ipip).endTransitions(), '10.65.1.0/26'), throughIpip)
})

t.test('a kernel that cannot make the new device keeps to the old way as long as it may', async (t) => {
  const given = learned(cluster())
    .set(nodes.b({ ipip: '10.65.1.0' }))
    .unsupported('ipip')
  t.equal(routeTo(given.turn(ipip), '10.65.1.0/26'), byBgp)
  t.equal(routeTo(given.endTransitions(), '10.65.1.0/26'), undefined)
})

t.test('a borrowed address waits for the node that has it, not for the owner of its block', async (t) => {
  const lent = block('10.65.1.0/26', 'b', { 8: 'c' })
  const given = cluster(ipip).set(lent, nodes.b({ ipip: '10.65.1.0' }), nodes.c({ ipip: '10.65.2.0' }))
  given.turn(vxlan).set(nodes.b({ ipip: '10.65.1.0', vxlan: '10.65.1.1' }))
  t.match(routeTo(given, '10.65.1.0/26'), /dev vxlan.calico/)
  t.match(routeTo(given, '10.65.1.8/32'), /dev tunl0/)
  given.set(nodes.c({ ipip: '10.65.2.0', vxlan: '10.65.2.1' }))
  t.match(routeTo(given, '10.65.1.8/32'), /via 10.65.2.1 dev vxlan.calico/)
})

t.test('a route by BGP into the tunnel waits like one from the datastore', async (t) => {
  const given = learned(cluster()).tunnels({ programClusterRoutes: 'Disabled' }).turn(ipip)
  t.equal(routeTo(given, '10.65.1.0/26'), byBgp)
  given.set(nodes.b({ ipip: '10.65.1.0' }))
  t.equal(routeTo(given, '10.65.1.0/26'), '10.65.1.0/26 via 10.1.0.2 dev tunl0 proto bird onlink')
})

t.test('a pool of another name in the same place has nothing to do with the former one', async (t) => {
  const given = learned(cluster()).turn(vxlan)
  t.equal(routeTo(given, '10.65.1.0/26'), byBgp)
  given.delete(vxlan).set(pool('q', '10.65.0.0/16', { ipipMode: 'Always' }))
  t.equal(routeTo(given, '10.65.1.0/26'), throughIpip)
})
