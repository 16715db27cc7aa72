// A Kubernetes Node and its annotations, as the Node that all datastores speak of.

import t from 'tap'
import { annotationChanges, nodeDocument } from '../../../src/cluster/kubernetes/node.ts'
import { parseDocument } from '../../../src/cluster/resources/index.ts'
import { nodeObject } from '../../kit/datastore/kubernetes.ts'

const KEY = `${'A'.repeat(43)}=`

const annotations = {
  'projectcalico.org/IPv4Address': '172.20.0.11/24',
  'projectcalico.org/IPv6Address': 'fd20::11/64',
  'projectcalico.org/IPv4IPIPTunnelAddr': '10.66.12.64',
  'projectcalico.org/ASNumber': '64600',
  'projectcalico.org/RouteReflectorClusterID': '224.0.0.1',
  'projectcalico.org/IPv4VXLANTunnelAddr': '10.67.12.0',
  'projectcalico.org/IPv6VXLANTunnelAddr': 'fd67::12:0',
  'projectcalico.org/VXLANTunnelMACAddr': '66:1b:22:8e:91:0c',
  'projectcalico.org/VXLANTunnelMACAddrV6': '66:aa:22:8e:91:0d',
  'projectcalico.org/IPv4WireguardInterfaceAddr': '10.66.12.65',
  'projectcalico.org/WireguardPublicKey': KEY,
  'projectcalico.org/Interfaces': '[{"name":"eth0","addresses":["172.20.0.11"]}]',
  'projectcalico.org/labels': '{"rack":"r1","kubernetes.io/hostname":"overridden"}',
}

const object = nodeObject('node-a', annotations, {
  spec: { podCIDRs: ['10.244.1.0/24'] },
  status: {
    addresses: [
      { type: 'InternalIP', address: '172.20.0.11' },
      { type: 'Hostname', address: 'node-a' },
    ],
  },
})

t.test('every annotation has its field', async (t) => {
  const { metadata, spec, status } = nodeDocument(object)
  t.same(metadata.labels, { rack: 'r1', 'kubernetes.io/hostname': 'node-a' }, 'labels of Kubernetes win')
  t.same(spec, {
    bgp: {
      ipv4Address: '172.20.0.11/24',
      ipv6Address: 'fd20::11/64',
      ipv4IPIPTunnelAddr: '10.66.12.64',
      asNumber: 64600,
      routeReflectorClusterID: '224.0.0.1',
    },
    ipv4VXLANTunnelAddr: '10.67.12.0',
    ipv6VXLANTunnelAddr: 'fd67::12:0',
    vxlanTunnelMACAddr: '66:1b:22:8e:91:0c',
    vxlanTunnelMACAddrV6: '66:aa:22:8e:91:0d',
    wireguard: { interfaceIPv4Address: '10.66.12.65' },
    interfaces: [{ name: 'eth0', addresses: ['172.20.0.11'] }],
    addresses: [
      { address: '172.20.0.11/24', type: 'CalicoNodeIP' },
      { address: 'fd20::11/64', type: 'CalicoNodeIP' },
      { address: '172.20.0.11', type: 'InternalIP' },
    ],
    orchRefs: [{ nodeName: 'node-a', orchestrator: 'k8s' }],
  })
  t.same(status, { wireguardPublicKey: KEY, podCIDRs: ['10.244.1.0/24'] })
})

t.test('a value that is no good is as good as none, and costs nothing else', async (t) => {
  const bad = Object.fromEntries(Object.keys(annotations).map((name) => [name, 'rubbish']))
  const document = nodeDocument(
    nodeObject('node-a', { ...bad, 'projectcalico.org/IPv4Address': '172.20.0.11' }),
  )
  t.match(parseDocument(document), {
    resource: { name: 'node-a', ipv4: { prefix: '172.20.0.11/32' }, asn: undefined },
  })
})

t.test('what differs is written under our keys, and what goes is null', async (t) => {
  const before = nodeDocument(object)
  const { vxlanTunnelMACAddr: _, ...spec } = before.spec as Record<string, unknown>
  const after = { ...before, spec: { ...spec, ipv4VXLANTunnelAddr: '10.67.12.9' } }
  t.same(annotationChanges(before, before), {})
  t.same(annotationChanges(before, after), {
    'projectcalico.org/IPv4VXLANTunnelAddr': '10.67.12.9',
    'projectcalico.org/VXLANTunnelMACAddr': null,
  })
})

t.test('what people ask of this agent is handed on, and not stored a second time', async (t) => {
  const asked = { 'caracal.io/shutdown': 'ticket 4711' }
  const before = nodeDocument(nodeObject('node-a', { ...annotations, ...asked, 'example.com/x': 'y' }))
  t.equal(before.metadata.annotations?.['caracal.io/shutdown'], 'ticket 4711')
  t.equal(before.metadata.annotations?.['example.com/x'], undefined)
  const metadata = {
    ...before.metadata,
    annotations: { ...before.metadata.annotations, 'projectcalico.org/own': '1' },
  }
  t.same(annotationChanges(before, { ...before, metadata }), {
    'projectcalico.org/annotations': '{"projectcalico.org/own":"1"}',
  })
})

t.test('labels of Kubernetes are not stored as ours', async (t) => {
  const before = nodeDocument(nodeObject('node-a'))
  const labels = { ...before.metadata.labels, rack: 'r2' }
  const after = { ...before, metadata: { ...before.metadata, labels } }
  t.same(annotationChanges(before, after), { 'projectcalico.org/labels': '{"rack":"r2"}' })
  t.same(annotationChanges(after, before), { 'projectcalico.org/labels': null })
})
