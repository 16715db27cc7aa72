// What the tables must know of a peer whose session is Established.

import type { Address, Family } from '../../inet/address.ts'
import type { PeerFilters, Reflector, RoleName } from '../types.ts'

export interface RibPeer {
  /** Key of the peer in every table. */
  readonly name: string
  readonly type: 'internal' | 'external'
  readonly address: Address
  /** The peer's BGP Identifier, from its OPEN. */
  readonly routerId: Address
  /** Ours on this session. */
  readonly localRouterId: Address
  readonly asn: number
  /** Our AS on this session. */
  readonly localAsn: number
  /** Our end of the session, and the next hop of what we announce as our own. */
  readonly localAddress: Address
  /** The same for families that are not that of `localAddress`. */
  readonly otherAddresses?: Readonly<Partial<Record<Family, Address>>>
  /** IPv4 with IPv6 next hops is fine with both (RFC 8950). */
  readonly extendedNextHop?: boolean
  /** Those negotiated. Routes of others are neither taken nor sent. */
  readonly families: readonly Family[]
  /** Times our own AS may stand in a received AS_PATH. */
  readonly allowedLocalAsns: number
  /** Whether we are the next hop of what we pass on; undefined: as RFC 4271 §5.1.3 says. */
  readonly nextHopMode?: 'self' | 'keep'
  /** On a route reflector. */
  readonly reflector?: Reflector
  readonly filters?: PeerFilters
  /** The session is about to end. */
  readonly gracefulShutdown?: true
  /** What we are to the peer (RFC 9234). */
  readonly role?: RoleName
  /** It knows long-lived graceful restart, and so what to think of stale paths (RFC 9494). */
  readonly longLived: boolean
  /** Families of which it takes several paths to a destination (RFC 7911). */
  readonly addPathSend: Readonly<Record<Family, boolean>>
  /** Names all that shapes the bytes of an UPDATE on this session: peers with equal ones can be sent the same message. */
  readonly encoding: string
}

/**
 * What peers of one update group have in common, and so all that an export policy may depend on: not who the
 * neighbour is, but what it is to us.
 */
export type GroupTraits = Omit<
  RibPeer,
  'name' | 'address' | 'routerId' | 'localRouterId' | 'allowedLocalAsns'
>

/** Equal for peers that are announced the same routes in the same bytes. */
export function groupKey(traits: GroupTraits): string {
  const { type, asn, localAsn, localAddress, families, encoding } = traits
  const { nextHopMode, reflector, filters, longLived, addPathSend, gracefulShutdown, role } = traits
  return JSON.stringify([
    [type, asn, localAsn, localAddress, families.toSorted(), encoding],
    [nextHopMode, reflector, filters?.export, longLived, addPathSend, gracefulShutdown, role],
    [traits.otherAddresses, traits.extendedNextHop],
  ])
}
