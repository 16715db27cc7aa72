// What start-up knows of the host, and which of its interfaces and addresses may be a node's
// (Calico node/pkg/lifecycle/startup/autodetection: interfaces.go, filtered.go).

import { type Address, type Family, familyOf } from '../inet/address.ts'
import { type Cidr, contains, prefix, prefixLength } from '../inet/prefix.ts'
import type { KubernetesFacts } from './kubernetes.ts'

export interface Interface {
  readonly name: string
  readonly index: number
  /** In the kernel's order, of both families. */
  readonly addresses: readonly Cidr[]
}

export interface Host {
  readonly interfaces: readonly Interface[]
  /** Our end of a path to the destination of `can-reach=`; undefined when there is no path, or none was asked for. */
  readonly towards: Readonly<Record<Family, Address | undefined>>
  /** Whether the kernel has IPv6 at all. */
  readonly ipv6: boolean
  /** Undefined where no Kubernetes is used. */
  readonly kubernetes?: KubernetesFacts | undefined
}

/** Names that are no link to other machines: DEFAULT_INTERFACES_TO_EXCLUDE. `^lo` has no end there either. */
const internal = new RegExp(
  [
    ...['docker', 'cbr', 'dummy', 'podman', 'virbr', 'lxcbr', 'veth', 'lo', 'br-', 'cali', 'tunl', 'flannel'],
    ...['kube-ipvs', 'cni', 'vxlan\\.calico', 'vxlan-v6\\.calico', 'wireguard\\.cali', 'wg-v6\\.cali'],
    'nodelocaldns',
  ]
    .map((beginning) => `^${beginning}`)
    .join('|'),
)

export function isInternal({ name }: Interface): boolean {
  return internal.test(name)
}

const unsuitable = [
  ...['0.0.0.0/32', '127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/4', '255.255.255.255/32'],
  ...['::/127', 'fe80::/10', 'ff00::/8'],
].map(prefix)

/** Global unicast as Go's net.IP has it: private addresses are, link-local ones are not. */
export function isSuitable({ address }: Cidr): boolean {
  return !unsuitable.some((range) => contains(range, address))
}

export function ofFamily(addresses: readonly Cidr[], family: Family): readonly Cidr[] {
  return addresses.filter(({ address }) => familyOf(address) === family)
}

/** The highest index first, as in Calico: another order would move nodes to another address when they change over. */
export function inOrder(interfaces: readonly Interface[]): readonly Interface[] {
  return interfaces.toSorted((a, b) => b.index - a.index)
}

/** The address as the interface that holds it has it, with its subnet. */
export function held(interfaces: readonly Interface[], wanted: Address): Cidr | undefined {
  return inOrder(interfaces)
    .flatMap(({ addresses }) => addresses)
    .find(({ address }) => address === wanted)
}

/** `172.20.0.11/24`, as the Node resource has it. */
export function spelt({ address, prefix }: Cidr): string {
  return `${address}/${prefixLength(prefix)}`
}
