// Which addresses of services a node announces, to whom, and when: type × policy × endpoints × peer.

import t from 'tap'
import { Rib } from '../../src/bgp/rib/rib.ts'
import { address } from '../../src/inet/address.ts'
import { hostPrefix, type Prefix, prefix } from '../../src/inet/prefix.ts'
import { Announcements } from '../../src/plan/announcements.ts'
import {
  affinity,
  bgpConfiguration,
  block,
  type EndpointText,
  node,
  pool,
  service,
  slice,
  workload,
} from '../kit/documents.ts'
import { Cluster } from '../kit/plan.ts'
import { announcing, peer, router } from '../kit/rib.ts'

const RANGES = {
  serviceClusterIPs: [{ cidr: '10.96.0.0/12' }],
  serviceExternalIPs: [{ cidr: '203.0.113.0/24' }],
  serviceLoadBalancerIPs: [{ cidr: '198.51.100.0/24' }],
}
const SINGLE = {
  serviceExternalIPs: [{ cidr: '203.0.113.7/32' }],
  serviceLoadBalancerIPs: [{ cidr: '198.51.100.7/32' }],
}
const DISAGGREGATED = { ...RANGES, serviceLoadBalancerAggregation: 'Disabled' }
const ALL = ['10.96.0.0/12', '203.0.113.0/24', '198.51.100.0/24']
const OWN = ['10.96.0.10/32', '203.0.113.7/32', '198.51.100.7/32']

const EXCLUDE = 'node.kubernetes.io/exclude-from-external-load-balancers'

function cluster(configuration: object, label?: string): Cluster {
  const labels = label === undefined ? {} : { labels: { [EXCLUDE]: label } }
  return new Cluster('a')
    .set(node('a', '10.0.0.1/24', labels), node('b', '10.0.0.2/24'), pool('pods', '10.65.0.0/16'))
    .set(block('10.65.0.0/26', 'a'), affinity('a', '10.65.0.0/26'))
    .set(bgpConfiguration('default', { ...configuration }))
}

/** What is announced of services. */
function originated(given: Cluster): string[] {
  given.settle()
  return [...given.plan.originations.keys()].filter((one) => one !== '10.65.0.0/26').sort()
}

interface Row {
  readonly name: string
  readonly configuration: object
  readonly spec?: object
  readonly endpoints?: readonly EndpointText[]
  readonly label?: string
  readonly announced: readonly string[]
}

const here: EndpointText = 'a 10.65.0.2'
const elsewhere: EndpointText = 'b 10.65.1.2'
const LOCAL = { externalTrafficPolicy: 'Local' }

const rows: readonly Row[] = [
  { name: 'nothing is configured', configuration: {}, spec: LOCAL, endpoints: [here], announced: [] },
  { name: 'Cluster: the ranges speak', configuration: RANGES, endpoints: [here], announced: ALL },
  { name: 'Cluster, no endpoint: so they do', configuration: RANGES, announced: ALL },
  {
    name: 'Local, endpoint here',
    configuration: RANGES,
    spec: LOCAL,
    endpoints: [here],
    announced: [...ALL, ...OWN],
  },
  {
    name: 'Local, endpoint elsewhere',
    configuration: RANGES,
    spec: LOCAL,
    endpoints: [elsewhere],
    announced: ALL,
  },
  { name: 'Local, no endpoint', configuration: RANGES, spec: LOCAL, announced: ALL },
  {
    name: 'Local, endpoint here not ready yet',
    configuration: RANGES,
    spec: LOCAL,
    endpoints: [`${here} starting`, elsewhere],
    announced: ALL,
  },
  {
    name: 'Local, endpoint here terminating, though it serves',
    configuration: RANGES,
    spec: LOCAL,
    endpoints: [`${here} terminating`],
    announced: ALL,
  },
  {
    name: 'Local, nothing said of readiness',
    configuration: RANGES,
    spec: LOCAL,
    endpoints: [`${here} unknown`],
    announced: [...ALL, ...OWN],
  },
  {
    name: 'Local, the last of two endpoints here',
    configuration: RANGES,
    spec: LOCAL,
    endpoints: [`${here} terminating`, 'a 10.65.0.3'],
    announced: [...ALL, ...OWN],
  },
  {
    name: 'Local NodePort has cluster and external addresses',
    configuration: RANGES,
    spec: { ...LOCAL, type: 'NodePort' },
    endpoints: [here],
    announced: [...ALL, ...OWN],
  },
  {
    name: 'headless',
    configuration: RANGES,
    spec: { ...LOCAL, clusterIP: 'None', clusterIPs: ['None'] },
    endpoints: [here],
    announced: ALL,
  },
  {
    name: 'ExternalName',
    configuration: RANGES,
    spec: { type: 'ExternalName', clusterIP: '', clusterIPs: null },
    endpoints: [here],
    announced: ALL,
  },
  {
    name: 'aggregation Disabled, Cluster, endpoint elsewhere',
    configuration: DISAGGREGATED,
    endpoints: [elsewhere],
    announced: [...ALL.slice(0, 2), ...OWN],
  },
  {
    name: 'aggregation Disabled, Cluster, no ready endpoint',
    configuration: DISAGGREGATED,
    endpoints: [`${elsewhere} starting`],
    announced: ALL.slice(0, 2),
  },
  {
    name: 'aggregation Disabled, Local, endpoint elsewhere',
    configuration: DISAGGREGATED,
    spec: LOCAL,
    endpoints: [elsewhere],
    announced: ALL.slice(0, 2),
  },
  {
    name: 'aggregation Disabled, the ready endpoint is of a family the service has no more',
    configuration: DISAGGREGATED,
    endpoints: ['a fd65::2'],
    announced: ALL.slice(0, 2),
  },
  { name: 'single addresses, Cluster, no endpoint', configuration: SINGLE, announced: OWN.slice(1) },
  {
    name: 'single addresses, Local, endpoint elsewhere',
    configuration: SINGLE,
    spec: LOCAL,
    endpoints: [elsewhere],
    announced: [],
  },
  {
    name: 'the single address asked of a load balancer that has not given it',
    configuration: {
      serviceLoadBalancerIPs: SINGLE.serviceLoadBalancerIPs,
      serviceClusterIPs: [{ cidr: '10.96.0.0/12' }],
    },
    spec: { loadBalancerIP: '198.51.100.7' },
    announced: ['10.96.0.0/12', ...OWN.filter((one) => one !== '203.0.113.7/32')],
  },
  {
    name: 'the node is excluded',
    configuration: RANGES,
    spec: LOCAL,
    endpoints: [here],
    label: 'true',
    announced: [],
  },
  { name: 'the label says something else', configuration: RANGES, label: 'yes', announced: ALL },
]

for (const { name, configuration, spec = {}, endpoints = [], label, announced } of rows) {
  t.test(name, async (t) => {
    const given = cluster(configuration, label)
      .set(service('web/www', { externalIPs: ['203.0.113.7'], ...spec }, '198.51.100.7'))
      .set(slice('web/www', ...endpoints))
    t.same(originated(given), [...announced].sort())
    t.equal(given.plan.needsServices, Object.keys(configuration).length > 0 && label !== 'true')
    t.same(originated(given.again()), originated(given), 'as computed anew')
  })
}

t.test(
  'every kind of peer hears of services; of those of others an external one, and clients of a reflector',
  async (t) => {
    const REFLECTOR = { clusterId: address('224.0.0.1'), client: true }
    const [mesh, tor, client] = [peer(2), router(5), peer(7, { reflector: REFLECTOR })]
    /** Who is told of a prefix: one of ours, or one that a node of the mesh says it has. */
    function told(given: Cluster, text: string, by: 'us' | 'node'): string[] {
      given.settle()
      const rib = new Rib({ advertise: ({ prefix }) => given.plan.advertise(prefix) })
      for (const one of [mesh, tor, client]) rib.addPeer(one)
      const own = [...given.plan.originations.values()]
      if (by === 'us') rib.originate(own, [])
      else rib.receive(mesh.name, announcing([text], { localPref: 100 }))
      const names = new Map<string, string>([
        [mesh.name, 'mesh'],
        [tor.name, 'tor'],
        [client.name, 'client'],
      ])
      const all = []
      while (rib.pendingOutbound) all.push(...rib.takeOutbound(100))
      const hit = all.filter(({ announce }) => announce?.nlri.some((one) => one.prefix === text))
      return hit.flatMap(({ to }) => to.map((name) => names.get(name)!)).sort()
    }
    const given = cluster(RANGES).set(
      service('web/www', { ...LOCAL, externalIPs: ['203.0.113.7'] }),
      slice('web/www', here),
    )
    const everybody = ['client', 'mesh', 'tor']
    t.same(told(given, '10.96.0.0/12', 'us'), everybody, 'a range')
    t.same(told(given, '203.0.113.7/32', 'us'), everybody, 'an address')
    t.same(
      told(given, '203.0.113.9/32', 'node'),
      ['client', 'tor'],
      'the address of another node inside our range',
    )
    t.same(told(given, '192.0.2.9/32', 'node'), [], 'what is in no range')
    const excluded = cluster(RANGES, 'true')
    t.same(told(excluded, '203.0.113.9/32', 'node'), [], 'an excluded node passes nothing on')
    const labels = { [EXCLUDE]: 'true' }
    excluded.set(node('a', '10.0.0.1/24', { labels, routeReflectorClusterID: '224.0.0.1' }))
    t.same(told(excluded, '203.0.113.9/32', 'node'), ['client', 'tor'], 'but a reflector does')
    t.same(told(excluded, '10.96.0.9/32', 'node'), [], 'save for cluster IPs')
  },
)

t.test('pools come before services', async (t) => {
  const given = cluster({ serviceLoadBalancerIPs: [{ cidr: '10.65.0.0/27' }, { cidr: '10.66.0.0/24' }] }).set(
    pool('hidden', '10.66.0.0/16', { disableBGPExport: true }),
  )
  t.same(originated(given), ['10.66.0.0/24'], 'a part of a block of ours is never announced by itself')
  t.equal(given.plan.advertise(prefix('10.66.0.0/24')), undefined, 'nor what a pool keeps for itself')
})

t.test('CALICO_ADVERTISE_CLUSTER_IPS takes the place of the ranges of cluster IPs', async (t) => {
  const { settings } = await import('../kit/plan.ts')
  const services = { kubernetesNode: 'kube-a', clusterIps: [prefix('10.43.0.0/16')] }
  const given = new Cluster('a', { ...settings, services }).set(node('a', '10.0.0.1/24'))
  t.same(originated(given), ['10.43.0.0/16'])
  given.set(
    bgpConfiguration('default', RANGES),
    service('web/www', LOCAL),
    slice('web/www', 'kube-a 10.65.0.2'),
  )
  t.same(originated(given), ['10.43.0.0/16', '10.96.0.10/32', '198.51.100.0/24', '203.0.113.0/24'])
})

t.test('routes of services are never written, whoever teaches them', async (t) => {
  const given = cluster({ ...DISAGGREGATED, ...SINGLE, serviceClusterIPs: RANGES.serviceClusterIPs }, 'true')
    .link('eth0', '10.0.0.1/24')
    .learn('10.96.0.10/32', '10.0.0.2')
    .learn('198.51.100.7/32', '10.0.0.2')
    .learn('192.0.2.7/32', '10.0.0.2')
  t.same(
    given.routes().filter((line) => !line.includes('blackhole')),
    ['192.0.2.7/32 via 10.0.0.2 dev eth0 proto bird'],
  )
  t.match(given.plan.explain(prefix('198.51.100.7/32')), [
    {
      offer: {
        declined: 'from 10.0.0.2: kube-proxy sees to services (serviceLoadBalancerIPs 198.51.100.7/32)',
      },
    },
  ])
  given.set(bgpConfiguration('default', {}))
  t.equal(
    given.routes().filter((line) => line.includes('10.0.0.2')).length,
    3,
    'until they are services no more',
  )
})

/** The announcements of a plan, as the agent makes them. */
function announcer(given: Cluster) {
  const inForce = new Set<Prefix>()
  const announcements = new Announcements({
    wanted: (prefix) => given.plan.originations.get(prefix),
    leansOn: (prefix) => given.plan.leansOn(prefix),
    inForce: (route) => inForce.has(route),
  })
  const said: string[] = []
  function turn(): string[] {
    const { originations, leanings } = given.settle()
    for (const prefix of [...originations.keys(), ...leanings]) announcements.touch(prefix)
    const { set, withdraw } = announcements.settle()
    said.push(...set.map((one) => `+${one.prefix}`), ...withdraw.map((one) => `-${one}`))
    return said.splice(0)
  }
  return {
    turn,
    /** The kernel has acknowledged a route, or lost it. */
    kernel(text: string, holds: boolean): string[] {
      if (holds) inForce.add(prefix(text))
      else inForce.delete(prefix(text))
      for (const one of given.plan.leaningOn(prefix(text))) announcements.touch(one)
      return turn()
    },
  }
}

t.test(
  'a Local service is announced once a pod of it can be reached, and withdrawn before none can',
  async (t) => {
    const given = cluster({ serviceExternalIPs: [{ cidr: '203.0.113.0/24' }] })
    const bgp = announcer(given)
    bgp.kernel('10.65.0.0/26', true)
    given
      .set(service('web/www', { ...LOCAL, externalIPs: ['203.0.113.7'] }))
      .set(slice('web/www', 'a 10.65.0.2', 'a 10.65.0.3', elsewhere))
    t.same(bgp.turn(), [], 'a pod nobody has told us of has no route')
    given.set(workload('a', 'one', 'cali1', '10.65.0.2/32'), workload('a', 'two', 'cali2', '10.65.0.3/32'))
    t.same(bgp.turn(), [], 'its route is not there yet')
    t.same(bgp.kernel('10.65.0.3/32', true), ['+203.0.113.7/32'], 'one will do')
    t.same(bgp.kernel('10.65.0.2/32', true), [])
    given.set(slice('web/www', 'a 10.65.0.2', 'a 10.65.0.3 terminating', elsewhere))
    t.same(bgp.turn(), [])
    given.set(slice('web/www', 'a 10.65.0.2 terminating', elsewhere))
    t.same(bgp.turn(), ['-203.0.113.7/32'], 'while the last one still serves')
    given.set(slice('web/www', 'a 10.65.0.2', elsewhere))
    t.same(bgp.turn(), ['+203.0.113.7/32'])
    t.same(bgp.kernel('10.65.0.2/32', false), ['-203.0.113.7/32'], 'the way to it is lost')
  },
)

t.test('endpoints in the network of the host need no route of ours', async (t) => {
  const given = cluster({ serviceExternalIPs: [{ cidr: '203.0.113.0/24' }] })
  const bgp = announcer(given)
  bgp.turn()
  given.set(service('web/www', { ...LOCAL, externalIPs: ['203.0.113.7'] }), slice('web/www', 'a 10.0.0.1'))
  t.same(bgp.turn(), ['+203.0.113.7/32'])
})

t.test(
  'an address that several services share is announced while one of them has an endpoint here',
  async (t) => {
    const given = cluster({ serviceExternalIPs: [{ cidr: '203.0.113.0/24' }] })
    const shared = { ...LOCAL, externalIPs: ['203.0.113.7'] }
    given.set(service('web/http', shared), service('web/https', { ...shared, clusterIPs: ['10.96.0.11'] }))
    given.set(slice('web/https', here))
    t.same(originated(given), ['203.0.113.0/24', '203.0.113.7/32'])
    t.match(given.plan.services(hostPrefix(address('203.0.113.7'))), [
      {
        id: 'web/http',
        isAnnounced: false,
        because: 'externalTrafficPolicy Local, no ready endpoint on this node',
      },
      { id: 'web/https', isAnnounced: true },
    ])
    given.delete(slice('web/https', here))
    t.same(originated(given), ['203.0.113.0/24'], 'a slice that is deleted takes it back')
  },
)

t.test('an endpoint that flaps touches its own service alone, among a thousand', async (t) => {
  const given = cluster({ serviceExternalIPs: [{ cidr: '203.0.112.0/20' }] })
  const ids = Array.from({ length: 1_000 }, (_, n) => n)
  const addressOf = (n: number) => `203.0.${112 + (n >> 8)}.${n & 255}`
  for (const n of ids) {
    const addresses = { clusterIPs: [`10.96.${n >> 8}.${n & 255}`], externalIPs: [addressOf(n)] }
    given.set(service(`web/s${n}`, { ...LOCAL, ...addresses }), slice(`web/s${n}`, here))
  }
  t.equal(originated(given).length, 1_001)
  for (const state of ['terminating', 'ready', 'terminating', 'ready']) {
    given.set(slice('web/s500', `${here} ${state}` as EndpointText))
    const { originations, leanings, exports, routes } = given.settle()
    t.same([...originations.keys()], ['203.0.113.244/32'])
    t.same([...leanings].sort(), ['10.96.1.244/32', '203.0.113.244/32'])
    t.same([exports.size, routes.size], [0, 0])
  }
  given.set(slice('web/s500', here))
  t.equal(given.settle().leanings.size, 0, 'what says the same as before touches nothing')
})
