// What Kubernetes knows that start-up makes use of: the addresses of this node, and with what the cluster was made (Calico
// node/pkg/lifecycle/startup/startup.go, extractKubeadmCIDRs and ensureDefaultConfig; .../autodetection).

import { type Address, type Family, familyOf, parseAddress } from '../inet/address.ts'
import { type Prefix, parsePrefix } from '../inet/prefix.ts'

export interface KubernetesFacts {
  /** `InternalIP` of this node. */
  readonly internal: Readonly<Record<Family, Address | undefined>>
  /** `networking.podSubnet` of kubeadm. */
  readonly podSubnet: Readonly<Record<Family, Prefix | undefined>>
  /** What ClusterInformation says for it: `kubeadm`, `rancher`. */
  readonly madeWith: readonly string[]
}

/** As much of each object as counts; undefined for one that is not there, or that we may not read. */
export interface KubernetesObjects {
  readonly node: { readonly status?: { readonly addresses?: readonly NodeAddress[] } } | undefined
  /** ConfigMap `kubeadm-config` in `kube-system`. */
  readonly kubeadm: { readonly data?: Readonly<Record<string, string>> } | undefined
  /** ConfigMap `full-cluster-state` there, of Rancher. */
  readonly rancher: object | undefined
}

interface NodeAddress {
  readonly type?: string
  readonly address?: string
}

export function kubernetesFacts({ node, kubeadm, rancher }: KubernetesObjects): KubernetesFacts {
  const internal = (node?.status?.addresses ?? [])
    .filter(({ type }) => type === 'InternalIP')
    .flatMap(({ address }) => parseAddress(address ?? '') ?? [])
  const subnets = podSubnets(Object.values(kubeadm?.data ?? {}))
  return {
    internal: byFamily(internal),
    podSubnet: byFamily(subnets),
    madeWith: [...(kubeadm ? ['kubeadm'] : []), ...(rancher ? ['rancher'] : [])],
  }
}

/** The configuration is YAML inside a ConfigMap, and may hold one network or, with a comma, two. */
function podSubnets(texts: readonly string[]): Prefix[] {
  const lists = texts.flatMap((text) => [...text.matchAll(/podSubnet: *["']?([^"'\n]*)/g)])
  return lists.flatMap(([, list = '']) => list.split(',')).flatMap((text) => parsePrefix(text.trim()) ?? [])
}

/** The first of each family. */
function byFamily<T extends Address | Prefix>(all: readonly T[]): Readonly<Record<Family, T | undefined>> {
  const first = (family: Family): T | undefined => all.find((one) => familyOf(one) === family)
  return { ipv4: first('ipv4'), ipv6: first('ipv6') }
}
