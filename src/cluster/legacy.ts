// Resources as calicoctl before 3.0 wrote them, `apiVersion: v1` and a kind in lower case.
// Calico: libcalico-go/lib/upgrade/converters.

import { addressBytes, parseAddress } from '../inet/address.ts'
import { dashed } from './cidr-names.ts'
import type { ResourceKind } from './feed.ts'
import { shown } from './json.ts'
import { type Fields, mapping, required, ShapeError } from './shape.ts'

export interface Converted {
  readonly kind: ResourceKind
  readonly metadata: Fields
  readonly spec: Fields
  readonly status?: unknown
}

/** Kind → how it is read. Undefined: Calico has it and routing has no use for it. */
export const legacyKinds: Readonly<Record<string, ((raw: Fields) => Converted) | undefined>> = {
  ipPool: readPool,
  bgpPeer: readPeer,
  node: readNode,
  hostEndpoint: undefined,
  workloadEndpoint: undefined,
  policy: undefined,
  profile: undefined,
  tier: undefined,
}

function readPool(raw: Fields): Converted {
  const { cidr: given, ...metadata } = mapping('metadata', raw.metadata)
  const cidr = required('metadata.cidr', given)
  const spec = newPoolSpec(mapping('spec', raw.spec))
  return { kind: 'IPPool', metadata: { ...metadata, name: dashed(cidr) }, spec: { ...spec, cidr } }
}

/**
 * The `ipip` and `nat-outgoing` of a pool in today's fields. Calico 2.x and early 3.x left them inside v3 specs as
 * well; there `ipip.enabled` decided over `ipipMode`, and either flag switched NAT on.
 */
export function newPoolSpec({ ipip, 'nat-outgoing': natOutgoing, ...spec }: Fields): Fields {
  const { enabled, mode } = mapping('spec.ipip', ipip)
  return {
    ...spec,
    ...(ipip != null && { ipipMode: ipipMode(enabled, mode) }),
    ...(natOutgoing === true && { natOutgoing: true }),
  }
}

function ipipMode(enabled: unknown, mode: unknown): string {
  if (enabled !== true) return 'Never'
  if (mode === 'cross-subnet') return 'CrossSubnet'
  if (mode === undefined || mode === null || mode === '' || mode === 'always') return 'Always'
  throw new ShapeError('spec.ipip.mode', `${shown(mode)} is not one of always, cross-subnet`)
}

function readPeer(raw: Fields): Converted {
  const { scope, node, peerIP, ...metadata } = mapping('metadata', raw.metadata)
  const address = required('metadata.peerIP', peerIP)
  const ofNode = scope === 'node' ? required('metadata.node', node) : undefined
  const name = ofNode === undefined ? addressName(address) : `${ofNode.toLowerCase()}.${addressName(address)}`
  const spec = {
    ...mapping('spec', raw.spec),
    peerIP: address,
    ...(ofNode !== undefined && { node: ofNode }),
  }
  return { kind: 'BGPPeer', metadata: { ...metadata, name }, spec }
}

/** `172-20-0-1`; IPv6 in full, `fd20-0000-…-0001`. */
function addressName(text: string): string {
  const address = parseAddress(text)
  if (!address?.includes(':')) return dashed(text)
  const digits = Array.from(addressBytes(address), (byte) => byte.toString(16).padStart(2, '0')).join('')
  return digits.match(/.{4}/g)!.join('-')
}

function readNode(raw: Fields): Converted {
  return { kind: 'Node', metadata: mapping('metadata', raw.metadata), spec: mapping('spec', raw.spec) }
}
