// Where the Kubernetes API keeps each kind, and how: Calico's own in CRDs of one of two layouts, nodes and endpoints in
// Kubernetes' Nodes and Pods. Calico: libcalico-go/lib/backend/k8s/resources.

import { claimName, readClaimName } from '../cidr-names.ts'
import { toCrd } from '../crd.ts'
import { toDocuments } from '../documents.ts'
import type { Document, ResourceKind } from '../feed.ts'
import { type Fields, mapping, ShapeError } from '../shape.ts'
import { affinityName, hostnameHash } from './names.ts'
import { nodeDocument } from './node.ts'
import { podDocument } from './pod.ts'

/** `crd`: crd.projectcalico.org/v1; `native`: projectcalico.org/v3, since Calico v3.32. */
export type Layout = 'crd' | 'native'

export const groupVersions: Readonly<Record<Layout, string>> = {
  crd: 'crd.projectcalico.org/v1',
  native: 'projectcalico.org/v3',
}

const plurals: Readonly<Record<ResourceKind, string>> = {
  IPPool: 'ippools',
  Node: 'nodes',
  BGPConfiguration: 'bgpconfigurations',
  BGPPeer: 'bgppeers',
  BGPFilter: 'bgpfilters',
  FelixConfiguration: 'felixconfigurations',
  ClusterInformation: 'clusterinformations',
  WorkloadEndpoint: 'pods',
  IPAMBlock: 'ipamblocks',
  BlockAffinity: 'blockaffinities',
  IPAMHandle: 'ipamhandles',
  IPAMConfiguration: 'ipamconfigurations',
  IPReservation: 'ipreservations',
  CalicoNodeStatus: 'caliconodestatuses',
}

const CORE: ReadonlySet<ResourceKind> = new Set(['Node', 'WorkloadEndpoint'])

/** Kinds that the Kubernetes API keeps by itself, not as CRDs. */
export function isCore(kind: ResourceKind): boolean {
  return CORE.has(kind)
}

export function pluralOf(kind: ResourceKind, layout: Layout): string {
  return kind === 'IPAMConfiguration' && layout === 'crd' ? 'ipamconfigs' : plurals[kind]
}

/** The path of all objects of a kind. */
export function collectionPath(kind: ResourceKind, layout: Layout): string {
  return isCore(kind)
    ? `/api/v1/${plurals[kind]}`
    : `/apis/${groupVersions[layout]}/${pluralOf(kind, layout)}`
}

/** The name of the object in which a document of that name is kept. */
export function objectName(kind: ResourceKind, name: string): string {
  if (kind === 'IPAMHandle') return name.toLowerCase()
  const claim = kind === 'BlockAffinity' ? readClaimName(name) : undefined
  return claim ? affinityName(claim) : name
}

/**
 * The document that an object holds; undefined for one that holds none.
 * @throws ShapeError for one that cannot be read
 */
export function documentFromObject(
  kind: ResourceKind,
  raw: Fields,
  interfacePrefix: string,
): Document | undefined {
  if (kind === 'Node') return nodeDocument(raw)
  if (kind === 'WorkloadEndpoint') return podDocument(raw, interfacePrefix)
  const { managedFields: _, ...metadata } = mapping('metadata', raw.metadata)
  const { documents, problems } = toDocuments({ ...raw, metadata }, '')
  const [problem] = problems
  if (problem) throw new ShapeError(problem.field ?? '', problem.message)
  return documents[0] && named(documents[0])
}

/** The names that IPAM knows these by; the object's own cannot hold all of it. */
function named(document: Document): Document {
  const { node, cidr, handleID } = (document.spec ?? {}) as Readonly<Record<string, unknown>>
  const isClaim = document.kind === 'BlockAffinity' && typeof node === 'string' && typeof cidr === 'string'
  const name = isClaim ? claimName({ node, cidr }) : document.kind === 'IPAMHandle' ? handleID : undefined
  return typeof name === 'string' ? { ...document, metadata: { ...document.metadata, name } } : document
}

/** The object to write for a document of a CRD's kind. */
export function objectFromDocument(document: Document, layout: Layout): Fields {
  const { kind, metadata } = document
  const spec = (document.spec ?? {}) as Fields
  const labels = kind === 'BlockAffinity' ? { ...metadata.labels, ...affinityLabels(spec) } : metadata.labels
  const name = objectName(kind, metadata.name)
  const object = { ...document, metadata: { ...metadata, name, ...(labels && { labels }) } }
  return layout === 'crd' ? toCrd(object) : object
}

/** Calico lists affinities by these, and does not see one without. */
function affinityLabels({ node, cidr, type }: Fields): Readonly<Record<string, string>> {
  return {
    'projectcalico.org/hostname-hash': hostnameHash(String(node)),
    'projectcalico.org/affinity-type': String(type ?? 'host'),
    'projectcalico.org/ip-version': String(cidr).includes(':') ? '6' : '4',
  }
}
