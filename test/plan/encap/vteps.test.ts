import t from 'tap'
import { node, pool } from '../../kit/documents.ts'
import { Cluster } from '../../kit/plan.ts'

type Fields = Record<string, unknown>

/** A node with VTEPs of both families. */
function vtep(name: string, host: number, spec: Fields = {}) {
  const addresses = { ipv4VXLANTunnelAddr: `10.65.${host}.0`, ipv6VXLANTunnelAddr: `fd10::${host}` }
  const ipv6Address = `fd20::${host}/64`
  return node(name, `10.0.0.${host}/24`, { ipv6Address, spec: { ...addresses, ...spec } })
}

const pools = [
  pool('p', '10.65.0.0/16', { vxlanMode: 'Always' }),
  pool('q', 'fd10::/64', { vxlanMode: 'Always' }),
]

function cluster(): Cluster {
  return new Cluster('a').link('eth0', '10.0.0.1/24', 'fd20::1/64').set(vtep('a', 1), ...pools)
}

/** Neighbours and FDB entries, as ip(8) and bridge(8) print them. */
function entries(given: Cluster): string[] {
  given.settle()
  const { neighbors, fdb } = given.plan
  return [
    ...[...neighbors.values()].map((one) => `${one.address} dev ${one.device} lladdr ${one.mac}`),
    ...[...fdb.values()].map((one) => `${one.mac} dev ${one.device} dst ${one.destination}`),
  ].sort()
}

/** Check vectors of Calico: felix/calc/vxlan_resolver_test.go. */
const vectors: readonly [name: string, v4: string, v6: string][] = [
  ['remotehostname', '66:3e:ca:a4:db:65', '66:a0:68:c9:4c:79'],
  ['remotehostname2', '66:40:18:59:1f:16', '66:74:ea:ba:7e:f7'],
  ['node1', '66:f9:37:c3:7e:94', '66:0f:35:f2:60:df'],
]

t.test('every other node has a neighbour and an FDB entry in each family, ours has none', async (t) => {
  for (const [name, v4, v6] of vectors) {
    const expected = [
      `10.65.2.0 dev vxlan.calico lladdr ${v4}`,
      `${v4} dev vxlan.calico dst 10.0.0.2`,
      `${v6} dev vxlan-v6.calico dst fd20::2`,
      `fd10::2 dev vxlan-v6.calico lladdr ${v6}`,
    ]
    t.same(entries(cluster().set(vtep(name, 2))), expected.sort())
  }
})

t.test('a MAC address in the resource comes before the derived one', async (t) => {
  const given = entries(cluster().set(vtep('b', 2, { vxlanTunnelMACAddr: '02:00:00:00:00:02' })))
  t.ok(given.includes('10.65.2.0 dev vxlan.calico lladdr 02:00:00:00:00:02'))
  t.ok(given.includes('02:00:00:00:00:02 dev vxlan.calico dst 10.0.0.2'))
})

t.test('they come and go with the node and with the device of their family', async (t) => {
  const given = cluster().set(node('a', '10.0.0.1/24', { ipv6Address: 'fd20::1/64' }), vtep('b', 2))
  t.equal(entries(given).length, 4)
  t.equal(entries(given.delete(pools[0]!)).length, 2)
  t.equal(entries(given.set(pools[0]!)).length, 4)
  t.same(entries(given.delete(vtep('b', 2))), [])
})

t.test('a node that moves changes its FDB entry in place', async (t) => {
  const given = cluster().set(vtep('node1', 2))
  given.settle()
  const { fdb, neighbors } = given
    .set(node('node1', '10.0.0.9/24', { spec: { ipv4VXLANTunnelAddr: '10.65.2.0' } }))
    .settle()
  t.match(fdb.get('vxlan.calico 66:f9:37:c3:7e:94'), { destination: '10.0.0.9' })
  t.equal(fdb.get('vxlan-v6.calico 66:0f:35:f2:60:df'), undefined)
  t.same([...neighbors.keys()], ['vxlan-v6.calico fd10::2'])
})

t.test(
  'of two nodes with one tunnel or MAC address the first by name has it, the other takes over',
  async (t) => {
    const spec = { vxlanTunnelMACAddr: '02:00:00:00:00:02', ipv4VXLANTunnelAddr: '10.65.2.0' }
    const given = cluster().set(vtep('c', 3, spec), vtep('b', 2, spec))
    const v4 = (of: Cluster) => entries(of).filter((text) => text.includes('vxlan.calico'))
    const common = '10.65.2.0 dev vxlan.calico lladdr 02:00:00:00:00:02'
    t.same(v4(given), ['02:00:00:00:00:02 dev vxlan.calico dst 10.0.0.2', common])
    t.same(v4(given.delete(vtep('b', 2))), ['02:00:00:00:00:02 dev vxlan.calico dst 10.0.0.3', common])
  },
)
