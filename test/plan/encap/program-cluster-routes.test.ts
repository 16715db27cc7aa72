import t from 'tap'
import type { ProgramClusterRoutes } from '../../../src/cluster/model.ts'
import { bgpConfiguration, block, node, pool } from '../../kit/documents.ts'
import { Cluster } from '../../kit/plan.ts'

const blocks = { vxlan: '10.65.1.0/26', ipip: '10.66.1.0/26', bare: '10.67.1.0/26' }
type Owners = Record<keyof typeof blocks, 'datastore' | 'BGP' | undefined>

/** Who gives the routes when both know them. */
function owners(felix: ProgramClusterRoutes | undefined, bgp: ProgramClusterRoutes | undefined): Owners {
  const spec = { ipv4VXLANTunnelAddr: '10.65.0.0' }
  const cluster = new Cluster('a')
    .link('eth0', '10.0.0.1/24')
    .tunnels({ programClusterRoutes: felix })
    .set(
      pool('vxlan', '10.65.0.0/16', { vxlanMode: 'Always' }),
      pool('ipip', '10.66.0.0/16', { ipipMode: 'Always' }),
    )
    .set(pool('bare', '10.67.0.0/16'), bgpConfiguration('default', { programClusterRoutes: bgp }))
    .set(
      node('a', '10.0.0.1/24', { spec }),
      node('b', '10.0.0.2/24', { spec: { ipv4VXLANTunnelAddr: '10.65.1.0' } }),
    )
  for (const cidr of Object.values(blocks)) cluster.set(block(cidr, 'b')).learn(cidr, '10.0.0.2')
  const routes = cluster.routes()
  const owner = (cidr: string) => {
    const route = routes.find((text) => text.startsWith(cidr))
    return route && (route.includes('proto bird') ? 'BGP' : 'datastore')
  }
  return Object.fromEntries(Object.entries(blocks).map(([name, cidr]) => [name, owner(cidr)])) as Owners
}

const table: readonly [felix: ProgramClusterRoutes, bgp: ProgramClusterRoutes, ipip: string, bare: string][] =
  [
    ['Enabled', 'Disabled', 'datastore', 'datastore'],
    ['Disabled', 'Enabled', 'BGP', 'BGP'],
    ['EnabledIPIPOnly', 'EnabledNoEncapOnly', 'datastore', 'BGP'],
    ['EnabledNoEncapOnly', 'EnabledIPIPOnly', 'BGP', 'datastore'],
  ]

t.test('all four values, said by either side or by both', async (t) => {
  for (const [felix, bgp, ipip, bare] of table) {
    const expected = { vxlan: 'datastore', ipip, bare }
    t.same(owners(felix, bgp), expected, `${felix} and ${bgp}`)
    t.same(owners(felix, undefined), expected, `FelixConfiguration ${felix}`)
    t.same(owners(undefined, bgp), expected, `BGPConfiguration ${bgp}`)
  }
  t.same(owners(undefined, undefined), { vxlan: 'datastore', ipip: 'datastore', bare: 'BGP' })
})

t.test(
  'two that are no pair still give every route one writer, and are reported for the others',
  async (t) => {
    for (const [felix] of table) {
      for (const [, bgp] of table) {
        const found = owners(felix, bgp)
        t.same(found, owners(felix, undefined), `${felix} decides beside ${bgp}`)
      }
    }
    const cluster = new Cluster('a')
      .tunnels({ programClusterRoutes: 'Enabled' })
      .set(bgpConfiguration('default', { programClusterRoutes: 'Enabled' }))
    cluster.settle()
    t.match(cluster.plan.warnings, [
      /Enabled in FelixConfiguration and Enabled in BGPConfiguration.*make the latter Disabled/,
    ])
  },
)

t.test('a change of hands is one replace', async (t) => {
  const cluster = new Cluster('a')
    .link('eth0', '10.0.0.1/24')
    .set(pool('ipip', '10.66.0.0/16', { ipipMode: 'Always' }))
    .set(node('a', '10.0.0.1/24'), node('b', '10.0.0.2/24'), block('10.66.1.0/26', 'b'))
    .learn('10.66.1.0/26', '10.0.0.2')
  t.same(cluster.routes(), ['10.66.1.0/26 via 10.0.0.2 dev tunl0 proto 80 onlink mtu 1480'])
  const { routes } = cluster.tunnels({ programClusterRoutes: 'Disabled' }).settle()
  t.match([...routes.values()], [{ protocol: 'bird', device: 'tunl0' }])
})
