// The Node resource of this node: our fields set, everything else as it was found (Calico
// node/pkg/lifecycle/startup/startup.go: configureIPsAndSubnets, configureASNumber, configureNodeRef).

import type { Document } from '../cluster/feed.ts'
import { parseDocument } from '../cluster/resources/index.ts'
import { same } from '../cluster/same.ts'
import { FAMILIES, type Family } from '../inet/address.ts'
import { type AddressWish, addressFor, variables } from './address.ts'
import { StartupError } from './error.ts'
import { type Host, type Interface, isInternal, ofFamily } from './host.ts'

export interface NodeWish {
  readonly name: string
  /** Undefined with the networking backend `none`: addresses are not our business then. */
  readonly addresses: Readonly<Record<Family, AddressWish>> | undefined
  /** Undefined: as it is. */
  readonly asn: number | undefined
  /** Name of the node in Kubernetes; undefined: as it is. */
  readonly k8sNodeRef: string | undefined
}

export interface NodeAnswer {
  readonly document: Document
  readonly isChanged: boolean
  /** Addresses or interfaces are not what they were: other nodes may have the same address. */
  readonly isMoved: boolean
  readonly warnings: readonly string[]
}

/** What stands in a `spec`, as far as it is ours. */
export interface NodeSpec {
  readonly bgp?: {
    readonly ipv4Address?: string
    readonly ipv6Address?: string
    readonly asNumber?: unknown
  } | null
  readonly interfaces?: unknown
  readonly orchRefs?: readonly { readonly nodeName?: string; readonly orchestrator?: string }[] | null
}

/** `stored` is the resource as it is now. @throws StartupError when the node cannot have the addresses it is to have */
export function nodeDocument(wish: NodeWish, stored: Document | undefined, host: Host): NodeAnswer {
  const before = (stored?.spec ?? {}) as NodeSpec
  const { spec: placed, warnings } = wish.addresses
    ? withAddresses(before, wish.addresses, host)
    : { spec: before, warnings: [] }
  const spec = withReference(withAsn(placed, wish.asn), wish.k8sNodeRef)
  const document: Document = {
    apiVersion: 'projectcalico.org/v3',
    kind: 'Node',
    ...stored,
    metadata: { name: wish.name, ...stored?.metadata },
    spec,
  }
  refuseUnusable(document, wish)
  const isMoved = !same(addressed(before), addressed(placed))
  return { document, isChanged: !same(before, spec), isMoved, warnings }
}

function withAddresses(
  before: NodeSpec,
  wishes: Readonly<Record<Family, AddressWish>>,
  host: Host,
): { spec: NodeSpec; warnings: readonly string[] } {
  const { ipv4Address, ipv6Address, ...rest } = before.bgp ?? {}
  const ipv4 = addressFor('ipv4', wishes.ipv4, ipv4Address, host)
  const ipv6 = addressFor('ipv6', wishes.ipv6, ipv6Address, host)
  if (!ipv4.address && !ipv6.address)
    throw new StartupError('IP', 'neither IP nor IP6 gives this node an address; it needs one of the two')
  const families = FAMILIES.filter((family) => isSet(wishes[family]))
  const interfaces = interfaceList(host.interfaces, families)
  const bgp = {
    ...rest,
    ...(ipv4.address && { ipv4Address: ipv4.address }),
    ...(ipv6.address && { ipv6Address: ipv6.address }),
  }
  const { interfaces: _, ...others } = before
  const spec = { ...others, bgp, ...(interfaces.length > 0 && { interfaces }) }
  return { spec, warnings: [...ipv4.warnings, ...ipv6.warnings] }
}

/** Interfaces are recorded in the families whose variable is set, and in no other. */
function isSet({ given }: AddressWish): boolean {
  return given !== undefined && given !== 'none'
}

function interfaceList(interfaces: readonly Interface[], families: readonly Family[]): object[] {
  if (families.length === 0) return []
  const external = interfaces.filter((one) => !isInternal(one))
  return external
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, addresses }) => {
      const ours = families.flatMap((family) => ofFamily(addresses, family).map(({ address }) => address))
      return { name, ...(ours.length > 0 && { addresses: ours }) }
    })
}

function withAsn(spec: NodeSpec, asNumber: number | undefined): NodeSpec {
  return asNumber === undefined ? spec : { ...spec, bgp: { ...spec.bgp, asNumber } }
}

function withReference(spec: NodeSpec, nodeName: string | undefined): NodeSpec {
  const orchRefs = spec.orchRefs ?? []
  const isThere = orchRefs.some((ref) => ref.nodeName === nodeName && ref.orchestrator === 'k8s')
  if (nodeName === undefined || isThere) return spec
  const others = orchRefs.filter(({ orchestrator }) => orchestrator !== 'k8s')
  return { ...spec, orchRefs: [...others, { nodeName, orchestrator: 'k8s' }] }
}

function addressed({ bgp, interfaces }: NodeSpec): unknown {
  return [bgp?.ipv4Address, bgp?.ipv6Address, interfaces ?? []]
}

/** A reader would pass over a Node whose address is that of no host, such as the first of its subnet. */
function refuseUnusable(document: Document, { addresses }: NodeWish): void {
  const parsed = parseDocument(document)
  const problems = 'problems' in parsed ? parsed.problems : []
  for (const family of FAMILIES) {
    const field = `spec.bgp.${family}Address`
    const problem = problems.find((one) => one.field === field)
    if (!problem) continue
    const isGiven = typeof addresses?.[family].given === 'object'
    throw new StartupError(isGiven ? variables[family] : `${problem.subject} ${field}`, problem.message)
  }
}
