// Which destinations are on other nodes: Calico felix/calc/l3_route_resolver.go and the bugs it has learned from.

import t from 'tap'
import { prefix } from '../../src/inet/prefix.ts'
import { affinity, block, node, pool, workload } from '../kit/documents.ts'
import { Cluster } from '../kit/plan.ts'

type Fields = Record<string, unknown>

function tunnelled(address: string): Fields {
  return { ipv4IPIPTunnelAddr: address, spec: { ipv4VXLANTunnelAddr: address } }
}

/** Node `self` of a, b and c, with a block each, in a VXLAN pool unless told otherwise. */
function cluster(self = 'a', modes: Fields = { vxlanMode: 'Always' }): Cluster {
  const own = { a: 0, b: 1, c: 2 }[self]
  return new Cluster(self)
    .link('eth0', `10.0.0.${own! + 1}/24`)
    .set(pool('p', '10.65.0.0/16', modes))
    .set(node('a', '10.0.0.1/24', tunnelled('10.65.0.0')))
    .set(node('b', '10.0.0.2/24', tunnelled('10.65.1.0')))
    .set(node('c', '10.0.0.3/24', tunnelled('10.65.2.0')))
    .set(block('10.65.0.0/26', 'a', { 0: 'a' }), block('10.65.1.0/26', 'b', { 0: 'b' }))
    .set(block('10.65.2.0/26', 'c', { 0: 'c' }), affinity(self, `10.65.${own}.0/26`))
}

function routeTo(given: Cluster, destination: string): string | undefined {
  return given.routes().find((text) => text.includes(`${destination} `) || text.endsWith(destination))
}

function declined(given: Cluster, destination: string): string {
  given.settle()
  return JSON.stringify(given.plan.explain(prefix(destination)))
}

t.test(
  'a borrowed address has its own route on every other node, the owner of the block included',
  async (t) => {
    const lent = block('10.65.1.0/26', 'b', { 0: 'b', 8: 'c' })
    const to = '10.65.1.8/32 via 10.65.2.0 dev vxlan.calico proto 80 onlink mtu 1450'
    t.equal(routeTo(cluster('a').set(lent), '10.65.1.8/32'), to)
    t.equal(
      routeTo(cluster('b').set(lent), '10.65.1.8/32'),
      to,
      'or the blackhole of the block would have it',
    )
    const given = cluster('a').set(lent)
    given.settle()
    t.match(given.plan.route(prefix('10.65.1.8/32')), { because: /^borrowed by node c, pool p/ })
    t.equal(
      routeTo(given.set(block('10.65.1.0/26', 'b', { 0: 'b' })), '10.65.1.8/32'),
      undefined,
      'given back',
    )
  },
)

t.test('an address that this node borrowed never leads to this node', async (t) => {
  const borrower = cluster('a').set(block('10.65.1.0/26', 'b', { 0: 'b', 8: 'a' }))
  t.equal(routeTo(borrower, '10.65.1.8/32'), undefined)
  t.match(declined(borrower, '10.65.1.8/32'), /borrowed by node a: which is this node/)
  borrower.set(workload('a', 'w', 'cali1', '10.65.1.8/32')).link('cali1')
  t.equal(routeTo(borrower, '10.65.1.8/32'), '10.65.1.8/32 dev cali1 scope link')
})

t.test(
  'of a local and a remote pod with one address the local one has the route, while it is there',
  async (t) => {
    const web = workload('a', 'w', 'cali1', '10.65.1.8/32')
    const given = cluster('a')
      .set(block('10.65.1.0/26', 'b', { 8: 'c' }), web)
      .link('cali1')
    t.equal(routeTo(given, '10.65.1.8/32'), '10.65.1.8/32 dev cali1 scope link')
    t.same(
      given.plan.explain(prefix('10.65.1.8/32')).map(({ source }) => source),
      ['local workload', 'other node'],
    )
    t.match(routeTo(given.unlink('cali1'), '10.65.1.8/32'), /dev vxlan.calico/)
  },
)

t.test('the address of a node never goes into the tunnel that it carries', async (t) => {
  const inPool = node('b', '10.65.9.9/24', tunnelled('10.65.1.0'))
  const given = cluster('a').set(block('10.65.9.9/32', 'b', { 0: 'b' }))
  t.ok(routeTo(given, '10.65.9.9/32'))
  t.equal(routeTo(given.set(inPool), '10.65.9.9/32'), undefined)
  t.match(declined(given, '10.65.9.9/32'), /is the address of node b/)
  const addresses = [{ address: '10.65.9.9', type: 'InternalIP' }]
  const other = node('c', '10.0.0.3/24', { spec: { addresses } })
  const elsewhere = cluster('a').set(block('10.65.9.9/32', 'b', { 0: 'b' }))
  elsewhere.settle()
  t.equal(routeTo(elsewhere.set(other), '10.65.9.9/32'), undefined, 'nor one that stands in spec.addresses')
  t.match(given.plan.warnings.join(), /10.65.9.9 of node b is inside pool p: give the pool another range/)
})

t.test('a tunnel address goes the way of its block, unless it is borrowed or a block itself', async (t) => {
  const given = cluster('a')
  t.equal(routeTo(given, '10.65.1.0/32'), undefined)
  given.set(node('b', '10.0.0.2/24', tunnelled('10.65.2.9')))
  t.equal(
    routeTo(given, '10.65.2.9/32'),
    '10.65.2.9/32 dev vxlan.calico proto 80 scope link mtu 1450',
    'the VTEP is on the link',
  )
  t.match(given.plan.route(prefix('10.65.2.9/32')), { because: /^tunnel address of node b/ })
  given.set(node('b', '10.0.0.2/24', tunnelled('10.65.7.7')), block('10.65.7.7/32', 'b', { 0: 'b' }))
  t.equal(routeTo(given, '10.65.7.7/32'), '10.65.7.7/32 dev vxlan.calico proto 80 scope link mtu 1450')
  t.equal(routeTo(given, '10.65.2.9/32'), undefined)
  given.set(pool('p', '10.65.0.0/16', { ipipMode: 'Always' }))
  t.equal(routeTo(given, '10.65.7.7/32'), '10.65.7.7/32 via 10.0.0.2 dev tunl0 proto 80 onlink mtu 1480')
  given.set(pool('p', '10.65.0.0/16', { ipipMode: 'CrossSubnet' }))
  t.equal(routeTo(given, '10.65.7.7/32'), '10.65.7.7/32 via 10.0.0.2 dev eth0 proto 80 onlink')
})

t.test('a block of nobody gives the routes of its addresses, one of half a node none', async (t) => {
  const given = cluster('a').set(block('10.65.8.0/26', null, { 3: 'b', 4: 'a', 5: 'gone' }))
  t.ok(routeTo(given, '10.65.8.3/32'))
  for (const none of ['10.65.8.0/26', '10.65.8.4/32', '10.65.8.5/32'])
    t.equal(routeTo(given, none), undefined)
  t.match(declined(given, '10.65.8.5/32'), /borrowed by node gone: it is not in the datastore/)
})

t.test('a node with our own address gets no routes', async (t) => {
  const given = cluster('a', { ipipMode: 'Always' }).set(node('b', '10.0.0.1/24', tunnelled('10.65.1.0')))
  t.equal(routeTo(given, '10.65.1.0/26'), undefined)
  t.match(declined(given, '10.65.1.0/26'), /which has our address 10.0.0.1/)
})

t.test('a block that changes hands is one replace, from route to blackhole and back', async (t) => {
  const given = cluster('a')
  given.settle()
  const ours = given.set(block('10.65.1.0/26', 'a'), affinity('a', '10.65.1.0/26')).settle()
  t.match(ours.routes.get(prefix('10.65.1.0/26')), { type: 'blackhole' })
  const theirs = given.set(block('10.65.1.0/26', 'b')).settle()
  t.match(theirs.routes.get(prefix('10.65.1.0/26')), { type: 'unicast', device: 'vxlan.calico' })
})

t.test('pools side by side, one inside the other, each with its own mode', async (t) => {
  const given = cluster('a', { ipipMode: 'Always' }).set(pool('q', '10.65.2.0/24', { vxlanMode: 'Always' }))
  t.match(routeTo(given, '10.65.1.0/26'), /dev tunl0/)
  t.match(routeTo(given, '10.65.2.0/26'), /dev vxlan.calico/)
  const narrow = given.set(
    block('10.65.2.0/24', 'c', { 130: 'b' }),
    pool('q', '10.65.2.128/25', { vxlanMode: 'Always' }),
  )
  t.match(routeTo(narrow, '10.65.2.130/32'), /dev vxlan.calico/)
  t.match(
    routeTo(narrow.delete(pool('q', '')), '10.65.2.130/32'),
    /dev tunl0/,
    'also for a pool inside a block',
  )
})

t.test('deviceRouteSourceAddress stands on these routes too', async (t) => {
  const given = cluster('a', { ipipMode: 'Always' }).source('10.0.0.1')
  t.match(routeTo(given, '10.65.1.0/26'), /src 10.0.0.1/)
})

t.test('a node costs its own blocks, our subnet costs all of them', async (t) => {
  const given = cluster('a', { ipipMode: 'CrossSubnet' })
  for (let i = 0; i < 200; i++) given.set(block(`10.65.${i + 20}.0/26`, 'c'))
  given.settle()
  t.same([...given.set(node('b', '10.0.0.20/24')).settle().routes.keys()], ['10.65.1.0/26'])
  t.equal(given.set(node('a', '10.0.0.1/32')).settle().routes.size, 202)
})
