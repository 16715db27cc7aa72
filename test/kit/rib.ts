// Peers, paths and UPDATEs for the tests of the tables.

import type { Condition } from '../../src/bgp/rib/filter.ts'
import type { RibPeer } from '../../src/bgp/rib/peer.ts'
import type { Path } from '../../src/bgp/types.ts'
import type { AsSegment, Nlri, PathAttributes, Update } from '../../src/bgp/wire/message.ts'
import { address, type Family, familyBits, familyOf } from '../../src/inet/address.ts'
import { type Prefix, prefix, prefixLength } from '../../src/inet/prefix.ts'

/** Our AS and our end of every session. */
export const LOCAL = { asn: 64512, address: address('10.0.0.1'), routerId: address('10.0.0.1') }

/** A node of the mesh, `10.0.0.<host>`, unless `over` says otherwise. */
export function peer(host: number, over: Partial<RibPeer> = {}): RibPeer {
  const own = address(`10.0.0.${host}`)
  return {
    name: own,
    type: 'internal',
    address: own,
    routerId: own,
    localRouterId: LOCAL.routerId,
    asn: LOCAL.asn,
    localAsn: LOCAL.asn,
    localAddress: LOCAL.address,
    families: ['ipv4'],
    allowedLocalAsns: 0,
    longLived: false,
    addPathSend: { ipv4: false, ipv6: false },
    encoding: 'as4',
    ...over,
  }
}

/** A router of another AS, `10.0.0.<host>`. */
export function router(host: number, over: Partial<RibPeer> = {}): RibPeer {
  return peer(host, { type: 'external', asn: 65000, ...over })
}

export function attributes(over: PathAttributes = {}): PathAttributes {
  return { origin: 'igp', asPath: [], nextHop: address('10.0.0.9'), ...over }
}

export const sequence = (...asns: number[]): AsSegment[] => [{ type: 'sequence', asns }]

export function path(from: RibPeer | null, over: PathAttributes = {}, pathId = 0): Path {
  const all = attributes({ localPref: 100, ...over })
  return {
    prefix: prefix('10.1.0.0/26'),
    peer: from?.name ?? null,
    pathId,
    attributes: all,
    nextHop: all.nextHop!,
  }
}

export const nlri = (...prefixes: string[]): Nlri[] =>
  prefixes.map((text) => ({ prefix: prefix(text), pathId: 0 }))

/** An UPDATE that announces IPv4 prefixes. */
export function announcing(prefixes: string[], over: PathAttributes = {}): Update {
  return { kind: 'update', withdrawn: [], attributes: attributes(over), nlri: nlri(...prefixes), faults: [] }
}

export function withdrawing(...prefixes: string[]): Update {
  return { kind: 'update', withdrawn: nlri(...prefixes), attributes: {}, nlri: [], faults: [] }
}

export const BOTH: readonly Family[] = ['ipv4', 'ipv6']

/** The condition that a prefix lies in `within`; without bounds, of whatever length. */
export function prefixWithin(
  within: Prefix,
  { min, max, negated = false }: { min?: number; max?: number; negated?: boolean } = {},
): Condition {
  return {
    kind: 'prefix',
    within,
    min: Math.max(min ?? 0, prefixLength(within)),
    max: max ?? familyBits(familyOf(within)),
    negated,
  }
}
