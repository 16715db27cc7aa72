import t from 'tap'
import { affinity, block, node, pool } from '../kit/documents.ts'
import { Cluster, settings } from '../kit/plan.ts'

const podCidrs = (...podCIDRs: string[]) => ({ status: { podCIDRs } })

function cluster(modes: Record<string, unknown> = { ipipMode: 'Always' }): Cluster {
  return new Cluster('a', { ...settings, usePodCidr: true })
    .link('eth0', '10.0.0.1/24')
    .set(pool('p', '10.65.0.0/16', modes))
    .set(node('a', '10.0.0.1/24', podCidrs('10.65.0.0/24', 'fd10::/64')))
    .set(node('b', '10.0.0.2/24', podCidrs('10.65.1.0/24')))
}

t.test('the pod CIDRs of nodes are their blocks, ours are announced', async (t) => {
  const given = cluster()
  t.same(given.routes(), [
    '10.65.1.0/24 via 10.0.0.2 dev tunl0 proto 80 onlink mtu 1480',
    'blackhole 10.65.0.0/24 proto 80',
    'blackhole fd10::/64 proto 80',
  ])
  t.same([...given.plan.originations.keys()].sort(), ['10.65.0.0/24', 'fd10::/64'])
})

t.test('tunl0 has the first address of the IPv4 range', async (t) => {
  const given = cluster()
  given.settle()
  t.equal(given.plan.tunnels.get('tunl0')?.address, '10.65.0.1')
})

t.test("Calico's IPAM is not in use", async (t) => {
  const given = cluster().set(
    block('10.65.9.0/26', 'b'),
    block('10.65.8.0/26', 'a'),
    affinity('a', '10.65.8.0/26'),
  )
  t.equal(given.routes().length, 3)
})

t.test('a range that a node loses, or that comes to another, takes its routes along', async (t) => {
  const given = cluster()
  given.settle()
  given.set(node('b', '10.0.0.2/24', podCidrs('10.65.2.0/24')))
  t.match(given.routes()[0], /^10.65.2.0.24 via 10.0.0.2/)
  given.delete(node('b', '10.0.0.2/24')).set(node('c', '10.0.0.3/24', podCidrs('10.65.2.0/24')))
  t.match(given.routes()[0], /^10.65.2.0.24 via 10.0.0.3/)
  t.equal(given.routes().length, 3)
})
