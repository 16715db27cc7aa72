// The kinds with few fields: FelixConfiguration, ClusterInformation, WorkloadEndpoint, BlockAffinity, IPAMHandle,
// IPAMConfiguration, IPReservation.

import t from 'tap'
import { defaultIpam } from '../../../src/cluster/resources/ipam-configuration.ts'
import { document, refusals, resource, warnings } from '../../kit/resources.ts'

t.test('Felix settings stay as they are written', async (t) => {
  const spec = {
    ipipEnabled: true,
    vxlanVNI: 4096,
    reportingInterval: '0s',
    routeTableRanges: [{ min: 1, max: 250 }],
  }
  t.same(resource(document('FelixConfiguration', spec)), {
    kind: 'FelixConfiguration',
    name: 'default',
    nodeSelector: undefined,
    values: spec,
  })
  const chosen = resource(
    document('FelixConfiguration', { ...spec, nodeSelector: 'has(gpu)' }, { name: 'gpus' }),
  )
  t.ok(chosen.nodeSelector?.matches({ gpu: '1' }))
  t.same(chosen.values, spec)
  t.match(refusals(document('FelixConfiguration', { nodeSelector: 'gpu' })), [
    /^spec.nodeSelector: selector "gpu": expected/,
  ])
})

t.test('a cluster has one ClusterInformation, and whether it is ready may be unsaid', async (t) => {
  const spec = {
    clusterGUID: '5f0c',
    clusterType: 'k8s,bgp',
    calicoVersion: 'v3.33.0',
    datastoreReady: false,
  }
  t.same(resource(document('ClusterInformation', spec)), {
    kind: 'ClusterInformation',
    name: 'default',
    clusterGuid: '5f0c',
    calicoVersion: 'v3.33.0',
    datastoreReady: false,
  })
  t.equal(resource(document('ClusterInformation', undefined)).datastoreReady, undefined)
  t.match(refusals(document('ClusterInformation', {}, { name: 'x' })), [/^metadata.name: must be default/])
})

const endpoint = { node: 'node-a', pod: 'web-0', interfaceName: 'calia4fc3c48bd8', mac: 'EA:10:9C:4D:00:01' }
const place = { name: 'node--a-k8s-web--0-eth0', namespace: 'shop', labels: { app: 'web' } }

t.test('an endpoint has its networks, also bare addresses, and may have none', async (t) => {
  const ipNetworks = ['10.66.12.70/32', '10.66.12.71', 'FD66::12:6/128', '10.66.13.0/28']
  const spec = { ...endpoint, ipNetworks, allowSpoofedSourcePrefixes: ['192.0.2.0/24'] }
  t.same(resource(document('WorkloadEndpoint', spec, place)), {
    kind: 'WorkloadEndpoint',
    ...place,
    node: 'node-a',
    pod: 'web-0',
    interfaceName: 'calia4fc3c48bd8',
    mac: 'ea:10:9c:4d:00:01',
    networks: ['10.66.12.70/32', '10.66.12.71/32', 'fd66::12:6/128', '10.66.13.0/28'],
    allowSpoofedSources: true,
  })
  const finished = resource(document('WorkloadEndpoint', { node: 'node-a', interfaceName: 'cali1' }, place))
  t.match(finished, { networks: [], mac: undefined, pod: undefined, allowSpoofedSources: false })
})

t.test('an interface name that is more than a name never gets in', async (t) => {
  for (const interfaceName of ['cali1; reboot', 'cali1\nroute del', '../x', 'a'.repeat(16), '', null]) {
    const spec = { ...endpoint, interfaceName }
    t.match(
      refusals(document('WorkloadEndpoint', spec, place)),
      [/^spec.interfaceName: /],
      JSON.stringify(interfaceName),
    )
  }
  t.match(refusals(document('WorkloadEndpoint', { ...endpoint, node: undefined }, place)), [
    /^spec.node: is missing/,
  ])
  t.match(refusals(document('WorkloadEndpoint', { ...endpoint, ipNetworks: ['x'] }, place)), [
    /^spec.ipNetworks\[0\]: "x"/,
  ])
})

t.test('an affinity without type or state is of the first releases', async (t) => {
  const claim = { node: 'node-a', cidr: '10.66.12.64/26' }
  const said = {
    ...claim,
    type: 'host',
    state: 'confirmed',
    deleted: false,
    kind: 'BlockAffinity',
    name: 'default',
  }
  t.same(resource(document('BlockAffinity', claim)), said)
  t.same(resource(document('BlockAffinity', { ...claim, state: '', type: '' })), said)
  t.match(
    resource(
      document('BlockAffinity', { ...claim, state: 'pendingDeletion', type: 'virtual', deleted: true }),
    ),
    {
      state: 'pendingDeletion',
      type: 'virtual',
      deleted: true,
    },
  )
  t.match(refusals(document('BlockAffinity', { ...claim, state: 'maybe' })), [
    /^spec.state: "maybe" is not one of pending/,
  ])
  t.match(refusals(document('BlockAffinity', { cidr: 'x' })), [/^spec.node: is missing/, /^spec.cidr: /])
})

t.test('a handle counts its addresses by block', async (t) => {
  const spec = {
    handleID: 'k8s-pod-network.1E7A',
    block: { '10.66.12.64/30': 1, 'fd66::12:0/122': 2 },
    deleted: false,
  }
  t.same(resource(document('IPAMHandle', spec, { name: 'k8s-pod-network.1e7a' })), {
    kind: 'IPAMHandle',
    name: 'k8s-pod-network.1e7a',
    handleId: 'k8s-pod-network.1E7A',
    blocks: [
      { cidr: '10.66.12.64/30', count: 1 },
      { cidr: 'fd66::12:0/122', count: 2 },
    ],
    deleted: false,
  })
  t.match(resource(document('IPAMHandle', { block: null }, { name: 'h' })), { handleId: 'h', blocks: [] })
  t.match(refusals(document('IPAMHandle', { block: { x: 1 } })), [/^spec.block\[0\].cidr: "x" is not a CIDR/])
})

t.test('IPAM is configured once a cluster, and what is not said has a default', async (t) => {
  t.same(resource(document('IPAMConfiguration', {})), defaultIpam)
  const spec = { strictAffinity: true, autoAllocateBlocks: false, maxBlocksPerHost: 4, ipCooldownSeconds: 30 }
  t.match(resource(document('IPAMConfiguration', spec)), spec)
  t.same(warnings(document('IPAMConfiguration', { autoAllocateBlocks: false, maxBlocksPerHost: 1 })), [
    'spec.autoAllocateBlocks: may be false only with spec.strictAffinity',
    'spec.maxBlocksPerHost: counts only with spec.strictAffinity; without it a node borrows where it may not claim',
  ])
  t.match(refusals(document('IPAMConfiguration', {}, { name: 'x' })), [/^metadata.name: must be default/])
})

t.test('a reservation names ranges and single addresses', async (t) => {
  const reservedCIDRs = ['10.66.12.0/30', '10.66.13.1', 'fd66::5']
  t.same(resource(document('IPReservation', { reservedCIDRs }, { name: 'gateways' })), {
    kind: 'IPReservation',
    name: 'gateways',
    cidrs: ['10.66.12.0/30', '10.66.13.1/32', 'fd66::5/128'],
  })
  t.match(refusals(document('IPReservation', { reservedCIDRs: ['x'] })), [
    /^spec.reservedCIDRs\[0\]: "x" is not/,
  ])
})
