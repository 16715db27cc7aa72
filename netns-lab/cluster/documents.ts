// What node start-up and the CNI plugin write into the datastore, as documents (Calico node/pkg/lifecycle/startup,
// cni-plugin/pkg/k8s).

import { createHash } from 'node:crypto'
import { claimName, dashed } from '../../src/cluster/cidr-names.ts'
import type { Document } from '../../src/cluster/feed.ts'
import { type Address, familyOf } from '../../src/inet/address.ts'
import { hostPrefix, type Prefix } from '../../src/inet/prefix.ts'
import { interfaceName, podMac } from '../kernel/pods.ts'
import type { StoreType } from '../state.ts'
import { addressOf, type LabNode, type Pod, type Pool, spelt, type Topology } from '../topology/index.ts'
import type { BlockSpec, Owner } from './ipam.ts'

type Fields = Readonly<Record<string, unknown>>

const apiVersion = 'projectcalico.org/v3'

/**
 * What is there before any pod: the documents of the file come last, and may replace others. Where no node is registered
 * nobody has started yet, and the cluster has nothing of what the first start-up leaves; but with Kubernetes there is
 * kubelet, who says that there are nodes.
 */
export function startDocuments({ nodes, pools, documents }: Topology, store: StoreType): Document[] {
  const registered = nodes.filter(({ registered }) => registered)
  const others = store === 'kubernetes' ? nodes.filter(({ registered }) => !registered) : []
  const all = [
    ...others.map(withoutCalico),
    ...(registered.length > 0 ? [clusterInformation, felixConfiguration] : []),
    ...pools.map(poolDocument),
    ...registered.map(nodeDocument),
    ...documents,
  ]
  return [...new Map(all.map((each) => [`${each.kind}/${each.metadata.name}`, each])).values()]
}

const clusterInformation = document('ClusterInformation', 'default', {
  clusterGUID: 'c0ffee00c0ffee00c0ffee00c0ffee00',
  clusterType: 'k8s,bgp',
  calicoVersion: 'v3.33.0',
  datastoreReady: true,
})

const felixConfiguration = document('FelixConfiguration', 'default', {
  logSeverityScreen: 'Info',
  reportingInterval: '0s',
  floatingIPs: 'Disabled',
})

/** A Node that calico-node has not written to yet. */
function withoutCalico(node: LabNode): Document {
  const { spec, ...document } = nodeDocument(node)
  return { ...document, spec: { addresses: (spec as { addresses: object[] }).addresses } }
}

export function nodeDocument(node: LabNode): Document {
  const { routeReflectorClusterID } = node
  const [ipv4, ipv6] = [addressOf(node, 'ipv4'), addressOf(node, 'ipv6')]
  const bgp = {
    ...(node.asn !== undefined && { asNumber: node.asn }),
    ...(ipv4 && { ipv4Address: spelt(ipv4) }),
    ...(ipv6 && { ipv6Address: spelt(ipv6) }),
    ...(routeReflectorClusterID !== undefined && { routeReflectorClusterID }),
  }
  const addresses = [ipv4, ipv6].flatMap((cidr) =>
    cidr
      ? [
          { address: spelt(cidr), type: 'CalicoNodeIP' },
          { address: cidr.address, type: 'InternalIP' },
        ]
      : [],
  )
  const orchRefs = [{ nodeName: node.name, orchestrator: 'k8s' }]
  const labels = { 'kubernetes.io/hostname': node.name, ...node.labels }
  const written = document('Node', node.name, { addresses, bgp, orchRefs }, { labels })
  return node.podCidrs.length > 0 ? { ...written, status: { podCIDRs: node.podCidrs } } : written
}

/** Without encapsulation, unless its file says otherwise. */
export function poolDocument({ name, blockSize, spec }: Pool): Document {
  return document('IPPool', name, {
    ipipMode: 'Never',
    vxlanMode: 'Never',
    blockSize,
    nodeSelector: 'all()',
    allowedUses: ['Workload', 'Tunnel'],
    assignmentMode: 'Automatic',
    ...spec,
  })
}

export function blockDocument(spec: BlockSpec): Document {
  return document('IPAMBlock', blockName(spec.cidr), { ...spec })
}

export function affinityDocument(node: string, cidr: Prefix, state: 'pending' | 'confirmed'): Document {
  const spec = { node, cidr, state, type: 'host', deleted: false }
  return document('BlockAffinity', affinityName(node, cidr), spec)
}

/** A handle with so many addresses in each block. */
export function handleDocument(handleID: string, block: Readonly<Record<string, number>>): Document {
  return document('IPAMHandle', handleID, { handleID, block, deleted: false })
}

export function workloadDocument(pod: Pod, addresses: readonly Address[]): Document {
  const { namespace, node, name } = pod
  const spec = {
    orchestrator: 'k8s',
    node,
    pod: name,
    endpoint: 'eth0',
    containerID: containerId(pod),
    ipNetworks: addresses.map(hostPrefix),
    profiles: [`kns.${namespace}`, `ksa.${namespace}.default`],
    interfaceName: interfaceName(pod),
    mac: podMac(pod),
  }
  const labels = {
    ...pod.labels,
    'projectcalico.org/namespace': namespace,
    'projectcalico.org/orchestrator': 'k8s',
  }
  return document('WorkloadEndpoint', workloadName(pod), spec, { namespace, labels })
}

/** Owner of a pod's addresses, as the CNI plugin names it. */
export function ownerOf(pod: Pod): Owner {
  const { namespace, node, name } = pod
  return { handle_id: `k8s-pod-network.${containerId(pod)}`, secondary: { namespace, node, pod: name } }
}

export function blockName(cidr: Prefix): string {
  return dashed(cidr)
}

export function affinityName(node: string, cidr: Prefix): string {
  return claimName({ node, cidr })
}

/** Calico libcalico-go/lib/names/workloadendpoint.go: dashes inside a part are doubled. */
export function workloadName({ node, name }: Pick<Pod, 'node' | 'name'>): string {
  return [node, 'k8s', name, 'eth0'].map((part) => part.replaceAll('-', '--')).join('-')
}

/** The families of a pod's addresses, in a fixed order. */
export function byFamily(addresses: readonly Address[]): Address[] {
  return addresses.toSorted((a, b) => familyOf(a).localeCompare(familyOf(b)))
}

function containerId({ namespace, name }: Pod): string {
  return createHash('sha256').update(`${namespace}/${name}`).digest('hex')
}

function document(kind: Document['kind'], name: string, spec: Fields, metadata: Fields = {}): Document {
  return { apiVersion, kind, metadata: { name, ...metadata }, spec }
}
