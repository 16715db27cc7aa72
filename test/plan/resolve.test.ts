import t from 'tap'
import { address } from '../../src/inet/address.ts'
import { parseCidr, prefix } from '../../src/inet/prefix.ts'
import { Resolver } from '../../src/plan/resolve.ts'
import type { ForeignRoute, Link } from '../../src/plan/underlay.ts'

function link(name: string, ...cidrs: string[]): Link {
  return { name, index: 1, running: true, mtu: 1500, addresses: cidrs.map((cidr) => parseCidr(cidr)!) }
}

function route(to: string, device: string): ForeignRoute {
  return { prefix: prefix(to), device, gateway: undefined, metric: 0 }
}

t.test('no next hop is behind a tunnel of ours, whatever others put there', async (t) => {
  const resolver = new Resolver()
  resolver.update(
    [link('eth0', '172.18.0.2/16'), link('tunl0', '10.9.9.9/24')],
    [route('192.0.2.0/24', 'vxlan.calico'), route('172.18.0.0/24', 'tunl0')],
  )
  t.same(resolver.resolve(address('10.9.9.1')), { unresolved: 'no route to 10.9.9.1' })
  t.same(resolver.resolve(address('192.0.2.1')), { unresolved: 'no route to 192.0.2.1' })
  t.same(resolver.resolve(address('172.18.0.9')), { device: 'eth0', gateway: '172.18.0.9', metric: 0 })
  t.same(resolver.resolve(address('10.9.9.9')), { unresolved: '10.9.9.9 is an address of this node' })
})

t.test('what is on a link is nearer than what is behind a gateway', async (t) => {
  const resolver = new Resolver()
  const via = { prefix: prefix('0.0.0.0/0'), device: 'eth0', gateway: address('172.18.0.1'), metric: 100 }
  resolver.update([link('eth0', '172.18.0.2/16')], [via])
  t.match(resolver.lookUp(address('172.18.0.9')), { metric: 0 })
  t.match(resolver.lookUp(address('192.0.2.1')), { gateway: '172.18.0.1', metric: 1 })
})
