import t from 'tap'
import { tunnelAddressIn } from '../../src/cluster/pod-cidr.ts'
import { parsePrefix } from '../../src/inet/prefix.ts'

const of = (...cidrs: string[]) => tunnelAddressIn(cidrs.map((cidr) => parsePrefix(cidr)!))

t.test('the address of a tunnel is the one after the network address of the first IPv4 range', async (t) => {
  t.equal(of('10.244.3.0/24'), '10.244.3.1')
  t.equal(of('fd00:10::/64', '10.244.3.0/24', '10.244.9.0/24'), '10.244.3.1')
})

t.test('a range of one address has no room for it, so the next is asked', async (t) => {
  t.equal(of('10.0.0.1/32', '10.244.3.0/31'), '10.244.3.1')
  t.equal(of('10.0.0.1/32'), undefined)
  t.equal(of('fd00:10::/64'), undefined)
})
