import t from 'tap'
import { node, pool } from '../../kit/documents.ts'
import { Cluster, settings } from '../../kit/plan.ts'

const crossSubnet = pool('p', '10.65.0.0/16', { ipipMode: 'CrossSubnet' })

function warnings(cluster: Cluster): string[] {
  cluster.settle()
  return cluster.plan.warnings
}

t.test('an address without subnet is reported while a pool asks for the subnet', async (t) => {
  const cluster = new Cluster('a').link('eth0', '10.0.0.1/32').set(node('a', '10.0.0.1/32'), crossSubnet)
  t.match(warnings(cluster), [
    /^pool p is CrossSubnet, but 10.0.0.1\/32 of this node has no subnet: all goes through/,
  ])
  t.same(warnings(cluster.set(pool('p', '10.65.0.0/16', { ipipMode: 'Always' }))), [])
})

t.test('a mask that is not that of the interface is reported', async (t) => {
  const cluster = new Cluster('a').link('eth0', '10.0.0.1/24').set(node('a', '10.0.0.1/16'), crossSubnet)
  t.match(warnings(cluster), [/asks the mask of 10.0.0.1\/16 in the Node resource, but eth0 has \/24/])
  t.same(warnings(cluster.link('eth0', '10.0.0.1/16')), [])
})

t.test('the address of any node inside a pool is reported', async (t) => {
  const cluster = new Cluster('a').set(pool('p', '10.65.0.0/16'), node('b', '10.65.1.1/24'))
  t.same(warnings(cluster), ['address 10.65.1.1 of node b is inside pool p: give the pool another range'])
})

t.test('a pool whose device cannot be is not in force, and says why', async (t) => {
  const cluster = new Cluster('a').set(
    node('a', '10.0.0.1/24'),
    pool('p', '10.65.0.0/16', { vxlanMode: 'Always' }),
  )
  t.match(warnings(cluster), [/^pool p \(VXLAN Always\) is not in force: no interface has 10.0.0.1/])
  t.match(warnings(cluster.link('eth0', '10.0.0.1/24')), [/this node has no address for vxlan.calico/])
  t.match(warnings(cluster.tunnels({ vxlanEnabled: false })), [/vxlanEnabled is false/])
})

t.test('a pool whose routes BGP is to bring is not in force without BGP', async (t) => {
  const cluster = new Cluster('a', { ...settings, bgp: { ...settings.bgp, enabled: false } })
  t.match(warnings(cluster.set(pool('p', '10.65.0.0/16'))), [
    /programClusterRoutes Enabled the datastore gives them/,
  ])
  t.same(warnings(cluster.tunnels({ programClusterRoutes: 'Enabled' })), [])
})

t.test('an MTU above that of the host is taken, and reported', async (t) => {
  const cluster = new Cluster('a').link('eth0', '10.0.0.1/24').set(node('a', '10.0.0.1/24'), crossSubnet)
  t.match(warnings(cluster.tunnels({ ipipMtu: 9000 })), [
    /MTU 9000 set for tunl0 is above that of the host, 1500/,
  ])
})
