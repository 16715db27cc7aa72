// Where routes that BGP taught us lead inside pools: Calico confd/pkg/backends/calico/bgp_processor.go.

import t from 'tap'
import { address } from '../../src/inet/address.ts'
import { prefix } from '../../src/inet/prefix.ts'
import { node, pool } from '../kit/documents.ts'
import { Cluster } from '../kit/plan.ts'

/** A near next hop, and a far one behind a router, with BGP in charge of all that is not VXLAN. */
function learned(modes: Record<string, unknown>): Cluster {
  return new Cluster('a')
    .link('eth0', '10.0.0.1/24')
    .foreign({ gateway: address('10.0.0.254'), device: 'eth0' })
    .tunnels({ programClusterRoutes: 'Disabled' })
    .set(node('a', '10.0.0.1/24'), pool('p', '10.65.0.0/16', modes))
    .learn('10.65.1.0/26', '10.0.0.2')
    .learn('10.65.2.0/26', '10.1.0.3')
}

const tunnel = (block: string, nextHop: string) => `${block} via ${nextHop} dev tunl0 proto bird onlink`

t.test(
  'IPIP: through tunl0 to the next hop itself, directly when it is in our subnet and the pool allows',
  async (t) => {
    const far = tunnel('10.65.2.0/26', '10.1.0.3')
    t.same(learned({ ipipMode: 'Always' }).routes(), [tunnel('10.65.1.0/26', '10.0.0.2'), far])
    t.same(learned({ ipipMode: 'CrossSubnet' }).routes(), [
      '10.65.1.0/26 via 10.0.0.2 dev eth0 proto bird',
      far,
    ])
  },
)

t.test('no encapsulation: by what the next hop resolves to', async (t) => {
  t.same(learned({}).routes(), [
    '10.65.1.0/26 via 10.0.0.2 dev eth0 proto bird',
    '10.65.2.0/26 via 10.0.0.254 dev eth0 proto bird',
  ])
})

t.test('the subnet is asked of the next hop, whoever owns the block', async (t) => {
  const reflected = learned({ ipipMode: 'CrossSubnet' }).learn('10.65.2.0/26', '10.0.0.9', '10.0.0.9')
  t.match(reflected.routes()[1], '10.65.2.0/26 via 10.0.0.9 dev eth0 proto bird')
})

t.test('a next hop that cannot be reached leads nowhere, through a tunnel neither', async (t) => {
  const cluster = learned({ ipipMode: 'Always' }).foreign()
  t.same(cluster.routes(), [tunnel('10.65.1.0/26', '10.0.0.2')])
  t.match(cluster.plan.explain(prefix('10.65.2.0/26')), [{ offer: { declined: /no route to 10.1.0.3/ } }])
})

t.test('VXLAN pools take nothing from BGP, nor do pools of which the datastore has the routes', async (t) => {
  const vxlan = learned({ vxlanMode: 'Always' })
  t.same(vxlan.routes(), [])
  t.match(vxlan.plan.explain(prefix('10.65.1.0/26')), [
    { source: 'BGP', offer: { declined: /the datastore gives the routes of pool p \(VXLAN\)/ } },
  ])
  t.same(learned({ ipipMode: 'Always' }).tunnels({ programClusterRoutes: undefined }).routes(), [])
  t.same(learned({}).tunnels({ programClusterRoutes: 'Enabled' }).routes(), [])
})

t.test('outside of pools, and around them, BGP is as free as ever', async (t) => {
  const cluster = learned({ vxlanMode: 'Always' })
    .learn('192.0.2.0/24', '10.0.0.2')
    .learn('10.64.0.0/14', '10.0.0.2')
  t.same(cluster.routes(), [
    '10.64.0.0/14 via 10.0.0.2 dev eth0 proto bird',
    '192.0.2.0/24 via 10.0.0.2 dev eth0 proto bird',
  ])
})

t.test('a kernel without IPIP gets no route into tunl0, only a reason', async (t) => {
  const cluster = learned({ ipipMode: 'CrossSubnet' }).unsupported('ipip')
  t.same(
    cluster.routes(),
    ['10.65.1.0/26 via 10.0.0.2 dev eth0 proto bird'],
    'what needs no tunnel is in force',
  )
  t.match(cluster.plan.explain(prefix('10.65.2.0/26')), [
    { offer: { declined: /this kernel has no ipip devices/ } },
  ])
})

t.test('paths in use together become one route, its next hops in the order of their addresses', async (t) => {
  const cluster = learned({}).learnAll('192.0.2.0/24', '10.0.0.12', '10.0.0.3')
  const both = '192.0.2.0/24 proto bird nexthop via 10.0.0.3 dev eth0 nexthop via 10.0.0.12 dev eth0'
  t.same(cluster.routes().at(-1), both)
  t.match(cluster.plan.explain(prefix('192.0.2.0/24')), [
    {
      offer: { because: 'BGP: 10.0.0.12 says next hop 10.0.0.12, 10.0.0.3 says next hop 10.0.0.3' },
    },
  ])
  cluster.learnAll('192.0.2.0/24', '10.0.0.3', '10.0.0.12')
  t.same(cluster.settle().routes.size, 1, 'its reason is another')
  t.same(cluster.routes().at(-1), both, 'whichever is the best')
  t.same(cluster.again().routes(), cluster.routes())
})

t.test('of next hops that share the traffic, those that cannot be reached are left out', async (t) => {
  const cluster = learned({}).learnAll('192.0.2.0/24', '10.1.0.3', '10.0.0.3').foreign()
  t.same(cluster.routes().at(-1), '192.0.2.0/24 via 10.0.0.3 dev eth0 proto bird')
  cluster.link('eth1', '10.1.0.1/24')
  t.same(
    cluster.routes().at(-1),
    '192.0.2.0/24 proto bird nexthop via 10.0.0.3 dev eth0 nexthop via 10.1.0.3 dev eth1',
  )
  cluster.down('eth0').down('eth1')
  t.match(cluster.plan.explain(prefix('192.0.2.0/24')), [
    { offer: { declined: /^from 10.1.0.3: .* no route to 10.1.0.3, from 10.0.0.3: / } },
  ])
})

t.test('two next hops behind one gateway are one way out', async (t) => {
  t.same(
    learned({}).learnAll('192.0.2.0/24', '10.1.0.3', '10.1.0.4').routes().at(-1),
    '192.0.2.0/24 via 10.0.0.254 dev eth0 proto bird',
  )
})

t.test('IPIP: several next hops through tunl0, each to itself', async (t) => {
  const cluster = learned({ ipipMode: 'CrossSubnet' }).learnAll('10.65.2.0/26', '10.1.0.3', '10.0.0.2')
  t.same(
    cluster.routes().at(-1),
    '10.65.2.0/26 proto bird nexthop via 10.0.0.2 dev eth0 nexthop via 10.1.0.3 dev tunl0 onlink',
  )
})

t.test('IPv4 may lead to an IPv6 next hop, but not into a tunnel', async (t) => {
  const to = (modes: Record<string, unknown>) =>
    learned(modes).link('eth0', '10.0.0.1/24', 'fd20::1/64').learn('10.65.3.0/26', 'fd20::2')
  t.ok(to({}).routes().includes('10.65.3.0/26 via fd20::2 dev eth0 proto bird'))
  t.notOk(
    to({ ipipMode: 'Always' })
      .routes()
      .some((line) => line.startsWith('10.65.3.0')),
  )
})

t.test('a link-local next hop is on the link of the session', async (t) => {
  const cluster = learned({})
  cluster.learn('10.65.3.0/26', 'fe80::2', 'fe80::2%eth1').learn('10.65.4.0/26', 'fe80::2', '10.0.0.2')
  t.ok(cluster.routes().includes('10.65.3.0/26 via fe80::2 dev eth1 proto bird'))
  t.notOk(cluster.routes().some((line) => line.startsWith('10.65.4.0')))
  t.same(cluster.plan.reach(address('fe80::2')), { metric: 0 })
})
