// The objects of Kubernetes that stand for Nodes and endpoints, as kubelet and the CNI plugin fill them in.

import type { Document } from '../../src/cluster/feed.ts'
import type { Fields } from '../../src/cluster/shape.ts'

type Labels = Readonly<Record<string, string>>

/** A Node as kubelet registers it: nothing of Calico's yet. */
export function kubeNode({ metadata: { name, labels }, spec, status }: Document): Fields {
  const { addresses = [] } = (spec ?? {}) as { addresses?: readonly { type: string; address: string }[] }
  const { podCIDRs } = (status ?? {}) as { podCIDRs?: readonly string[] }
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels },
    spec: podCIDRs ? { podCIDR: podCIDRs[0], podCIDRs } : {},
    status: { addresses: addresses.filter(({ type }) => type === 'InternalIP'), conditions: [READY] },
  }
}

const READY = { type: 'Ready', status: 'True', reason: 'KubeletReady' }

/** What makes the labels of a Node those of a document: null for one that goes. */
export function labelChanges(before: Fields, { metadata }: Document): Record<string, string | null> {
  const { labels: old = {} } = before.metadata as { labels?: Labels }
  const wanted = metadata.labels ?? {}
  const gone = Object.keys(old).filter((label) => !(label in wanted))
  return { ...Object.fromEntries(gone.map((label) => [label, null])), ...wanted }
}

/** A Pod as the scheduler has bound it to its node. */
export function kubePod({ metadata, spec }: Document) {
  const { node, pod } = spec as { node: string; pod: string }
  const { namespace = 'default', labels = {} } = metadata
  const own = Object.entries(labels).filter(([label]) => !label.startsWith('projectcalico.org/'))
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: pod, namespace, labels: Object.fromEntries(own) },
    spec: { nodeName: node, containers: [{ name: 'pod', image: 'none' }] },
    status: { phase: 'Pending' },
  }
}

/** What the CNI plugin notes on a pod that it has set up, and what kubelet then says of it. */
export function podAddresses({ spec }: Document): { annotations: Labels; status: object } {
  const { ipNetworks = [], containerID = '' } = spec as {
    ipNetworks?: readonly string[]
    containerID?: string
  }
  const [first = '', ...others] = ipNetworks
  const ips = [first, ...others].map((network) => network.split('/')[0]!).filter((ip) => ip !== '')
  return {
    annotations: {
      'cni.projectcalico.org/containerID': containerID,
      'cni.projectcalico.org/podIP': first,
      'cni.projectcalico.org/podIPs': ipNetworks.join(),
    },
    status: { phase: 'Running', podIP: ips[0] ?? null, podIPs: ips.map((ip) => ({ ip })) },
  }
}
