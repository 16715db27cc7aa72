// BGPConfiguration: what is set, what counts for one node only, and what is refused.

import t from 'tap'
import { document, refusals, resource, warnings } from '../../kit/resources.ts'

function configuration(spec: unknown, name = 'default') {
  return document('BGPConfiguration', spec, { name })
}

t.test('everything a cluster’s configuration says is read', async (t) => {
  const read = resource(
    configuration({
      logSeverityScreen: 'DEBUG',
      nodeToNodeMeshEnabled: true,
      asNumber: '64513',
      listenPort: 1179,
      bindMode: 'NodeIP',
      ignoredInterfaces: ['docker*'],
      serviceClusterIPs: [{ cidr: '10.96.0.0/12' }],
      serviceExternalIPs: [{ cidr: '203.0.113.0/28' }],
      serviceLoadBalancerIPs: [{ cidr: '198.51.100.7/27' }],
      serviceLoadBalancerAggregation: 'Disabled',
      communities: [{ name: 'blue', value: '64512:77' }],
      prefixAdvertisements: [{ cidr: '10.66.0.0/16', communities: ['blue', '64512:78:4294967295'] }],
      nodeMeshPassword: { secretKeyRef: { name: 'bgp-secrets', key: 'mesh' } },
      nodeMeshMaxRestartTime: '2m0s',
      programClusterRoutes: 'EnabledNoEncapOnly',
      ipv4NormalRoutePriority: 1024,
      localWorkloadPeeringIPV4: '169.254.9.1',
    }),
  )
  t.same(read, {
    kind: 'BGPConfiguration',
    name: 'default',
    asn: 64513,
    meshEnabled: true,
    listenPort: 1179,
    bindMode: 'NodeIP',
    meshMaxRestartTime: 120,
    meshPassword: { name: 'bgp-secrets', key: 'mesh' },
    meshPrefixLimit: undefined,
    ignoredInterfaces: ['docker*'],
    logSeverity: 'Debug',
    programClusterRoutes: 'EnabledNoEncapOnly',
    communities: [{ name: 'blue', value: '64512:77' }],
    prefixAdvertisements: [{ cidr: '10.66.0.0/16', communities: ['blue', '64512:78:4294967295'] }],
    serviceClusterIps: ['10.96.0.0/12'],
    serviceExternalIps: ['203.0.113.0/28'],
    serviceLoadBalancerIps: ['198.51.100.0/27'],
    serviceLoadBalancerAggregation: false,
    localWorkloadPeeringIpv4: '169.254.9.1',
    localWorkloadPeeringIpv6: undefined,
  })
})

t.test('what is not set is undefined, so that defaults stay in one place', async (t) => {
  const read = resource(configuration({}))
  for (const field of [
    'asn',
    'meshEnabled',
    'listenPort',
    'bindMode',
    'meshMaxRestartTime',
    'programClusterRoutes',
  ] as const) {
    t.equal(read[field], undefined, field)
  }
  t.equal(read.serviceLoadBalancerAggregation, true)
  t.equal(resource(configuration({ nodeToNodeMeshEnabled: false })).meshEnabled, false)
})

t.test(
  'one node’s configuration has its port, log and communities; the rest is ignored, and said',
  async (t) => {
    const node = configuration(
      { listenPort: 1790, asNumber: 64999, nodeToNodeMeshEnabled: false, logSeverityScreen: 'Info' },
      'node.node-a',
    )
    t.match(resource(node), {
      name: 'node.node-a',
      listenPort: 1790,
      logSeverity: 'Info',
      asn: undefined,
      meshEnabled: undefined,
    })
    t.match(warnings(node), [/^spec: holds what counts in BGPConfiguration\/default only/])
    t.same(
      warnings(configuration({ listenPort: 1790, serviceLoadBalancerAggregation: 'Enabled' }, 'node.node-a')),
      [],
    )
  },
)

t.test('what Calico’s readers put up with is a warning', async (t) => {
  const secretKeyRef = { name: 's', key: 'k' }
  t.same(warnings(configuration({ nodeToNodeMeshEnabled: false, nodeMeshPassword: { secretKeyRef } })), [
    'spec.nodeMeshPassword: has no use while spec.nodeToNodeMeshEnabled is false',
  ])
  t.match(warnings(configuration({ nodeToNodeMeshEnabled: false, nodeMeshMaxRestartTime: '1m' })), [
    /MaxRestartTime/,
  ])
  t.match(warnings(configuration({ communities: [{ name: 'blue', value: '1:1' }] })), [
    /^spec.communities: has no use/,
  ])
})

t.test('what is wrong is named by field', async (t) => {
  const cases: [object, RegExp][] = [
    [{ listenPort: 0 }, /^spec.listenPort: 0 is not a whole number from 1 to 65535/],
    [{ bindMode: 'All' }, /^spec.bindMode: "All" is not one of None, NodeIP/],
    [
      { nodeMeshMaxRestartTime: '120' },
      /^spec.nodeMeshMaxRestartTime: "120" is not a duration of whole seconds; write it like 2m0s/,
    ],
    [{ nodeMeshMaxRestartTime: '1500ms' }, /^spec.nodeMeshMaxRestartTime: /],
    [
      { nodeMeshPassword: { secretKeyRef: { name: 's' } } },
      /^spec.nodeMeshPassword.secretKeyRef.key: is missing/,
    ],
    [
      { communities: [{ name: 'blue', value: '70000:1' }] },
      /^spec.communities\[0\].value: "70000:1" is not a community/,
    ],
    [
      { prefixAdvertisements: [{ cidr: '10.0.0.0/8', communities: ['red'] }] },
      /^spec.prefixAdvertisements: names a community/,
    ],
    [{ serviceClusterIPs: [{ cidr: 'x' }] }, /^spec.serviceClusterIPs\[0\].cidr: "x" is not a CIDR/],
    [{ ignoredInterfaces: ['*'] }, /^spec.ignoredInterfaces: must not be \* alone/],
    [{ ignoredInterfaces: ['a b'] }, /^spec.ignoredInterfaces\[0\]: "a b" is not an interface name/],
    [{ programClusterRoutes: true }, /^spec.programClusterRoutes: true is not one of Enabled, Disabled/],
  ]
  for (const [spec, expected] of cases) t.match(refusals(configuration(spec)), [expected])
  t.match(refusals(configuration({}, 'mine')), [/^metadata.name: must be default or node.<name of a node>/])
})

t.test('durations are read in hours, minutes and seconds', async (t) => {
  for (const [given, seconds] of [
    ['2m0s', 120],
    ['90s', 90],
    ['1h', 3600],
    ['0s', 0],
    ['0', 0],
    ['1h1m1.0s', 3661],
  ]) {
    t.equal(resource(configuration({ nodeMeshMaxRestartTime: given })).meshMaxRestartTime, seconds)
  }
})
