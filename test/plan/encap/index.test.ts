// The decision for one remote destination: Calico felix/dataplane/linux/route_mgr.go, ipip_mgr.go, vxlan_mgr.go, noencap_mgr.go.

import t from 'tap'
import { prefix } from '../../../src/inet/prefix.ts'
import { block, node, pool } from '../../kit/documents.ts'
import { Cluster } from '../../kit/plan.ts'

type Fields = Record<string, unknown>

/** Node a with a near node b and a far node c, a block each, in a pool of the given modes. */
function three(modes: Fields, mask = 24): Cluster {
  return new Cluster('a')
    .link('eth0', `10.0.0.1/${mask}`)
    .set(pool('p', '10.65.0.0/16', modes))
    .set(node('a', `10.0.0.1/${mask}`, tunnelled('10.65.0.0')))
    .set(node('b', '10.0.0.2/24', tunnelled('10.65.1.0')), node('c', '10.1.0.3/24', tunnelled('10.65.2.0')))
    .set(block('10.65.1.0/26', 'b', { 0: 'b' }), block('10.65.2.0/26', 'c', { 0: 'c' }))
}

function tunnelled(address: string): Fields {
  return { ipv4IPIPTunnelAddr: address, spec: { ipv4VXLANTunnelAddr: address } }
}

function because(cluster: Cluster, destination: string): string | undefined {
  cluster.settle()
  return cluster.plan.route(prefix(destination))?.because
}

const viaIpip = [
  '10.65.1.0/26 via 10.0.0.2 dev tunl0 proto 80 onlink mtu 1480',
  '10.65.2.0/26 via 10.1.0.3 dev tunl0 proto 80 onlink mtu 1480',
]
const viaVxlan = [
  '10.65.1.0/26 via 10.65.1.0 dev vxlan.calico proto 80 onlink mtu 1450',
  '10.65.2.0/26 via 10.65.2.0 dev vxlan.calico proto 80 onlink mtu 1450',
]
const direct = [
  '10.65.1.0/26 via 10.0.0.2 dev eth0 proto 80 onlink',
  '10.65.2.0/26 via 10.1.0.3 dev eth0 proto 80 onlink',
]

/** Mode, and the routes to the near and to the far node. */
const table: readonly [modes: Fields, near: string, far: string, because: string][] = [
  [{ vxlanMode: 'Always' }, viaVxlan[0]!, viaVxlan[1]!, 'VXLAN Always'],
  [{ vxlanMode: 'CrossSubnet' }, direct[0]!, viaVxlan[1]!, 'VXLAN CrossSubnet, same subnet'],
  [{ ipipMode: 'Always' }, viaIpip[0]!, viaIpip[1]!, 'IPIP Always'],
  [{ ipipMode: 'CrossSubnet' }, direct[0]!, viaIpip[1]!, 'IPIP CrossSubnet, same subnet'],
  [{ ipipMode: 'Never', vxlanMode: 'Never' }, direct[0]!, direct[1]!, 'no encapsulation'],
]

t.test('the mode of the pool and the subnet of the node decide, each route with its reason', async (t) => {
  for (const [modes, near, far, note] of table) {
    const cluster = three(modes).tunnels({ programClusterRoutes: 'Enabled' })
    t.same(cluster.routes(), [near, far], note)
    t.equal(because(cluster, '10.65.1.0/26'), `block of node b, pool p (${note})`)
  }
})

t.test(
  'a disabled pool decides as any other, one for load balancers gives no routes, nor does one that is gone',
  async (t) => {
    t.same(three({ ipipMode: 'Always', disabled: true }).routes(), viaIpip)
    const cluster = three({ ipipMode: 'Always', allowedUses: ['LoadBalancer'] })
    t.same(cluster.routes(), [])
    t.match(cluster.plan.explain(prefix('10.65.1.0/26')), [
      { offer: { declined: /for load balancers only/ } },
    ])
    t.same(three({ ipipMode: 'Always' }).delete(pool('p', '10.65.0.0/16')).routes(), [])
  },
)

t.test('a mode that changes live replaces each route, and leaves none over', async (t) => {
  const cluster = three({ ipipMode: 'Always' })
  t.same(cluster.routes(), viaIpip)
  for (const [modes, near, far] of table.slice(0, 4)) {
    cluster.set(pool('p', '10.65.0.0/16', modes))
    const { routes } = cluster.settle()
    t.notOk([...routes.values()].includes(undefined), 'no route is away for a moment')
    t.same(cluster.routes(), [near, far])
  }
})

t.test('only the mask of this node counts, and /32 is never a subnet', async (t) => {
  t.same(three({ ipipMode: 'CrossSubnet' }, 8).routes(), direct)
  t.same(three({ ipipMode: 'CrossSubnet' }, 32).routes(), viaIpip)
  const cluster = three({ ipipMode: 'CrossSubnet' })
  t.same(cluster.routes(), [direct[0], viaIpip[1]])
  t.same(cluster.set(node('a', '10.0.0.1/8', tunnelled('10.65.0.0'))).routes(), direct, 'decided again')
})

t.test('the node that moves takes its routes with it', async (t) => {
  const cluster = three({ ipipMode: 'CrossSubnet' })
  cluster.settle()
  const { routes } = cluster.set(node('b', '10.2.0.2/24', tunnelled('10.65.1.0'))).settle()
  t.same([...routes.keys()], ['10.65.1.0/26'], 'and no others')
  t.match(cluster.routes(), ['10.65.1.0/26 via 10.2.0.2 dev tunl0 proto 80 onlink mtu 1480', viaIpip[1]])
})

t.test('while no interface has our address, the tunnel serves the same subnet too', async (t) => {
  const cluster = three({ ipipMode: 'CrossSubnet' }).unlink('eth0')
  t.match(cluster.routes()[0], /^10.65.1.0.26 via 10.0.0.2 dev tunl0/)
  t.match(because(cluster, '10.65.1.0/26'), /same subnet, but no interface has 10.0.0.1/)
  t.same(three({}).tunnels({ programClusterRoutes: 'Enabled' }).unlink('eth0').routes(), [])
})

t.test('the address moves to another interface, and the routes follow', async (t) => {
  const cluster = three({ vxlanMode: 'CrossSubnet' })
  cluster.settle()
  cluster.link('eth0').link('bond0', '10.0.0.1/24')
  const { tunnels, routes } = cluster.settle()
  t.match(routes.get(prefix('10.65.1.0/26')), { device: 'bond0', gateway: '10.0.0.2' })
  t.match(tunnels.get('vxlan.calico'), { vxlan: { parent: 'bond0' } })
})

t.test(
  'an address that is away for a moment costs nothing, one that is withdrawn is forgotten',
  async (t) => {
    const cluster = three({ vxlanMode: 'CrossSubnet' })
    cluster.settle()
    const away = cluster.link('eth0').settle()
    t.equal(away.routes.size + away.tunnels.size + away.fdb.size, 0)
    cluster.set(node('a', '10.0.0.7/24', tunnelled('10.65.0.0')))
    t.same(cluster.routes(), [], 'what was known is known of the old address')
    cluster.set(node('a', '10.0.0.1/24', tunnelled('10.65.0.0'))).unlink('eth0')
    t.same(cluster.routes(), [], 'and of an interface that is there')
  },
)

t.test(
  'until a node has an address or a VTEP there is nothing to write, and the reason is told',
  async (t) => {
    const ipip = three({ ipipMode: 'Always' }).set(node('b', undefined))
    t.same(ipip.routes(), [viaIpip[1]])
    t.match(ipip.plan.explain(prefix('10.65.1.0/26')), [
      { offer: { declined: /the address of node b is not known/ } },
    ])
    const vxlan = three({ vxlanMode: 'Always' }).set(node('b', '10.0.0.2/24'))
    t.same(vxlan.routes(), [viaVxlan[1]])
    t.match(vxlan.plan.explain(prefix('10.65.1.0/26')), [{ offer: { declined: /node b has no VTEP yet/ } }])
  },
)

t.test('IPIP is content with an address of spec.addresses, a VTEP is not', async (t) => {
  const addresses = { addresses: [{ address: '10.0.0.9', type: 'InternalIP' }] }
  const known = node('b', undefined, { spec: { ...addresses, ipv4VXLANTunnelAddr: '10.65.1.0' } })
  t.match(three({ ipipMode: 'Always' }).set(known).routes()[0], /via 10.0.0.9 dev tunl0/)
  t.same(three({ vxlanMode: 'Always' }).set(known).routes(), [viaVxlan[1]])
})

t.test('the MTU of a route is that of its device', async (t) => {
  t.match(three({ ipipMode: 'Always' }).mtu('eth0', 9001).routes()[0], /mtu 8981$/)
  t.match(three({ vxlanMode: 'Always' }).tunnels({ vxlanMtu: 1300 }).routes()[0], /mtu 1300$/)
})

t.test('IPv6 pools use the IPv6 addresses and subnets', async (t) => {
  const at = (host: string, vtep: string) => ({ ipv6Address: host, spec: { ipv6VXLANTunnelAddr: vtep } })
  const cluster = new Cluster('a')
    .link('eth0', 'fd20::1/64')
    .set(node('a', undefined, at('fd20::1/64', 'fd10::')))
    .set(
      node('b', undefined, at('fd20::2/64', 'fd10::100')),
      node('c', undefined, at('fd21::3/64', 'fd10::200')),
    )
    .set(block('fd10::100/122', 'b'), block('fd10::200/122', 'c'))
    .set(pool('p', 'fd10::/64', { vxlanMode: 'CrossSubnet' }))
  t.same(cluster.routes(), [
    'fd10::100/122 via fd20::2 dev eth0 proto 80 onlink',
    'fd10::200/122 via fd10::200 dev vxlan-v6.calico proto 80 onlink mtu 1430',
  ])
})
