// A Kubernetes Node as the Node of Calico, whose fields are annotations there, and the annotations of a Node.
// Calico: libcalico-go/lib/backend/k8s/resources/node.go.

import { parseAddress } from '../../inet/address.ts'
import { parseCidr } from '../../inet/prefix.ts'
import type { Document } from '../feed.ts'
import { type Fields, mapping } from '../shape.ts'

interface Row {
  readonly annotation: string
  /** Where it stands in the Calico Node. */
  readonly path: readonly string[]
  /** A value that is not good is as good as none. */
  isGood(text: string): boolean
  /** Only what is not text. */
  readonly read?: (text: string) => unknown
}

const V4 = (text: string) => parseAddress(text)?.includes('.') ?? false
const V6 = (text: string) => parseAddress(text)?.includes(':') ?? false
const within = (isAddress: (text: string) => boolean) => (text: string) =>
  isAddress(text.split('/')[0]!) && parseCidr(text.includes('/') ? text : `${text}/32`) !== undefined
const isMac = (text: string) => /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(text)
const isAsn = (text: string) => /^\d+(\.\d+)?$/.test(text)
const isKey = (text: string) => /^[A-Za-z0-9+/]{43}=$/.test(text)

const rows: readonly Row[] = [
  { annotation: 'IPv4Address', path: ['spec', 'bgp', 'ipv4Address'], isGood: within(V4) },
  { annotation: 'IPv6Address', path: ['spec', 'bgp', 'ipv6Address'], isGood: within(V6) },
  { annotation: 'IPv4IPIPTunnelAddr', path: ['spec', 'bgp', 'ipv4IPIPTunnelAddr'], isGood: V4 },
  { annotation: 'ASNumber', path: ['spec', 'bgp', 'asNumber'], isGood: isAsn, read: asn },
  { annotation: 'RouteReflectorClusterID', path: ['spec', 'bgp', 'routeReflectorClusterID'], isGood: V4 },
  { annotation: 'IPv4VXLANTunnelAddr', path: ['spec', 'ipv4VXLANTunnelAddr'], isGood: V4 },
  { annotation: 'IPv6VXLANTunnelAddr', path: ['spec', 'ipv6VXLANTunnelAddr'], isGood: V6 },
  { annotation: 'VXLANTunnelMACAddr', path: ['spec', 'vxlanTunnelMACAddr'], isGood: isMac },
  { annotation: 'VXLANTunnelMACAddrV6', path: ['spec', 'vxlanTunnelMACAddrV6'], isGood: isMac },
  {
    annotation: 'IPv4WireguardInterfaceAddr',
    path: ['spec', 'wireguard', 'interfaceIPv4Address'],
    isGood: V4,
  },
  {
    annotation: 'IPv6WireguardInterfaceAddr',
    path: ['spec', 'wireguard', 'interfaceIPv6Address'],
    isGood: V6,
  },
  { annotation: 'WireguardPublicKey', path: ['status', 'wireguardPublicKey'], isGood: isKey },
  { annotation: 'WireguardPublicKeyV6', path: ['status', 'wireguardPublicKeyV6'], isGood: isKey },
  { annotation: 'Interfaces', path: ['spec', 'interfaces'], isGood: isJson, read: JSON.parse },
]

const GROUP = 'projectcalico.org/'

/** In the Calico Node, never in Kubernetes: which of its labels are those of the Kubernetes Node. */
const KUBE_LABELS = `${GROUP}kube-labels`

/** Annotations that the Kubernetes Node hands on as they are: what people ask of this agent with `kubectl annotate`. */
const OURS = 'caracal.io/'

/** In the Calico Node, never in Kubernetes, if there are any: those annotations. */
const KUBE_ANNOTATIONS = `${GROUP}kube-annotations`

const BOOKKEEPING = [KUBE_LABELS, KUBE_ANNOTATIONS]

/** The Calico Node of a Kubernetes one. @throws ShapeError */
export function nodeDocument(raw: Fields): Document {
  const metadata = mapping('metadata', raw.metadata)
  const annotations = textsOf(metadata.annotations)
  const inherited = textsOf(metadata.labels)
  const asked = Object.fromEntries(Object.entries(annotations).filter(([key]) => key.startsWith(OURS)))
  const labels = { ...jsonIn(annotations[`${GROUP}labels`]), ...inherited }
  const calico = rows.reduce<Fields>((node, row) => put(node, row.path, readValue(row, annotations)), {})
  const { podCIDRs } = mapping('spec', raw.spec)
  const spec = mapping('spec', calico.spec)
  const status = { ...mapping('status', calico.status), ...(podCIDRs != null && { podCIDRs }) }
  const name = String(metadata.name)
  return {
    apiVersion: 'projectcalico.org/v3',
    kind: 'Node',
    metadata: {
      name,
      labels,
      annotations: {
        ...jsonIn(annotations[`${GROUP}annotations`]),
        ...asked,
        [KUBE_LABELS]: JSON.stringify(inherited),
        ...(Object.keys(asked).length > 0 && { [KUBE_ANNOTATIONS]: JSON.stringify(asked) }),
      },
      ...stamps(metadata),
    },
    spec: {
      ...spec,
      addresses: addressesOf(mapping('spec.bgp', spec.bgp), mapping('status', raw.status)),
      orchRefs: [{ nodeName: name, orchestrator: 'k8s' }],
    },
    ...(Object.keys(status).length > 0 && { status }),
  }
}

/**
 * The annotations that make one Node of Calico another: those of ours that differ, null for one that goes. Labels that
 * Kubernetes does not have are kept in an annotation of their own.
 */
export function annotationChanges(before: Document, after: Document): Record<string, string | null> {
  const changes = rows.flatMap(({ annotation, path }) => {
    const [old, now] = [before, after].map((document) => printed(at(document, path)))
    return old === now ? [] : [[GROUP + annotation, now ?? null]]
  })
  const sets = (['labels', 'annotations'] as const).flatMap((name) => {
    const [old, now] = [before, after].map((document) => JSON.stringify(ownOnly(document, name)))
    return old === now ? [] : [[`${GROUP}${name}`, now === '{}' ? null : now]]
  })
  return Object.fromEntries([...changes, ...sets])
}

/** Labels or annotations that Kubernetes does not have. */
function ownOnly({ metadata }: Document, name: 'labels' | 'annotations'): Fields {
  const inherited = jsonIn(metadata.annotations?.[name === 'labels' ? KUBE_LABELS : KUBE_ANNOTATIONS])
  const all = Object.entries(metadata[name] ?? {})
  return Object.fromEntries(
    all.filter(([key, value]) => inherited[key] !== value && !BOOKKEEPING.includes(key)),
  )
}

function readValue(
  { annotation, isGood, read = String }: Row,
  annotations: Readonly<Record<string, string>>,
): unknown {
  const text = annotations[GROUP + annotation]
  return text !== undefined && isGood(text) ? read(text) : undefined
}

function asn(text: string): number | string {
  return text.includes('.') ? text : Number(text)
}

function printed(value: unknown): string | undefined {
  if (value === undefined || value === null || value === '') return undefined
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

function addressesOf(bgp: Fields, { addresses }: Fields): object[] {
  const ours = [bgp.ipv4Address, bgp.ipv6Address].filter((address) => address !== undefined)
  const theirs = (Array.isArray(addresses) ? addresses : []) as { type?: string; address?: string }[]
  return [
    ...ours.map((address) => ({ address, type: 'CalicoNodeIP' })),
    ...theirs.filter(({ type }) => type === 'InternalIP' || type === 'ExternalIP'),
  ]
}

function stamps({ uid, creationTimestamp, resourceVersion }: Fields): Partial<Document['metadata']> {
  return { uid, creationTimestamp, resourceVersion } as Partial<Document['metadata']>
}

function isJson(text: string): boolean {
  return jsonIn(text, 'none') !== 'none'
}

/** What is no JSON counts as nothing. */
function jsonIn<T = Record<string, string>>(text: string | undefined, otherwise = {} as T): T {
  try {
    return text ? JSON.parse(text) : otherwise
  } catch {
    return otherwise
  }
}

function textsOf(given: unknown): Readonly<Record<string, string>> {
  return (given ?? {}) as Readonly<Record<string, string>>
}

function at(document: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((part, name) => (part as Fields | undefined)?.[name], document)
}

function put(fields: Fields, [name, ...rest]: readonly string[], value: unknown): Fields {
  if (value === undefined) return fields
  return { ...fields, [name!]: rest.length > 0 ? put((fields[name!] ?? {}) as Fields, rest, value) : value }
}
