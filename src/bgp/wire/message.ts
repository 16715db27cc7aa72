// What BGP messages say, apart from how they travel. Plain values; the bytes are in the files beside this one.

import type { Address, Family } from '../../inet/address.ts'
import type { Prefix } from '../../inet/prefix.ts'

export type Message = Open | Update | Notification | Keepalive | RouteRefresh

/** RFC 4271 §4.2. `asn` is the real one: from capability 65 when the peer sent it, else the two-octet field. */
export interface Open {
  readonly kind: 'open'
  readonly asn: number
  /** Seconds. */
  readonly holdTime: number
  readonly routerId: Address
  readonly capabilities: readonly Capability[]
}

export type Capability =
  | { readonly code: 'multiprotocol'; readonly family: Family }
  | { readonly code: 'route-refresh' }
  | { readonly code: 'extended-next-hop'; readonly tuples: readonly { family: Family; nextHop: Family }[] }
  | { readonly code: 'extended-message' }
  | { readonly code: 'role'; readonly role: number }
  | {
      readonly code: 'graceful-restart'
      readonly restarting: boolean
      /** RFC 8538 N bit. */
      readonly notification: boolean
      /** Seconds, 12 bits. */
      readonly restartTime: number
      readonly families: readonly { family: Family; forwarding: boolean }[]
    }
  | { readonly code: 'as4'; readonly asn: number }
  | {
      readonly code: 'add-path'
      readonly families: readonly { family: Family; mode: 'receive' | 'send' | 'both' }[]
    }
  | { readonly code: 'enhanced-route-refresh' }
  | {
      readonly code: 'long-lived-graceful-restart'
      readonly families: readonly { family: Family; forwarding: boolean; staleTime: number }[]
    }
  | { readonly code: 'fqdn'; readonly host: string; readonly domain: string }
  | { readonly code: 'software-version'; readonly version: string }
  /** Anything else, and families that are not unicast, carried as bytes. */
  | { readonly code: 'unknown'; readonly number: number; readonly value: Uint8Array }

/** One reachable or withdrawn destination. `pathId` is 0 on sessions without ADD-PATH (RFC 7911). */
export interface Nlri {
  readonly prefix: Prefix
  readonly pathId: number
}

/** RFC 4271 §4.3. `withdrawn` and `nlri` are the classic IPv4 fields; MP_REACH and MP_UNREACH stand in `attributes`. */
export interface Update {
  readonly kind: 'update'
  readonly withdrawn: readonly Nlri[]
  readonly attributes: PathAttributes
  readonly nlri: readonly Nlri[]
  /** What RFC 7606 had to excuse: discarded attributes, or 'treat-as-withdraw' for all NLRI of this message. */
  readonly faults: readonly AttributeFault[]
}

/** RFC 7606 §2, mildest first. */
export type Severity = 'attribute-discard' | 'treat-as-withdraw' | 'session-reset'

export interface AttributeFault {
  readonly severity: Severity
  /** Attribute type code; 0 for the list of attributes as a whole. */
  readonly attribute: number
  readonly reason: string
}

export type Origin = 'igp' | 'egp' | 'incomplete'

export interface AsSegment {
  readonly type: 'sequence' | 'set'
  readonly asns: readonly number[]
}

export interface MpReach {
  readonly family: Family
  readonly nextHop: Address
  /** The second half of a 32-octet next hop (RFC 2545 §3). */
  readonly linkLocal?: Address
  readonly nlri: readonly Nlri[]
}

export interface MpUnreach {
  readonly family: Family
  readonly withdrawn: readonly Nlri[]
}

export interface UnknownAttribute {
  readonly code: number
  readonly flags: number
  readonly value: Uint8Array
}

/**
 * The path attributes of one UPDATE. Every number is unsigned 32 bit. Absent means not sent.
 * Two paths with equal attributes may share one object; it is never changed after it was made.
 */
export interface PathAttributes {
  readonly origin?: Origin
  readonly asPath?: readonly AsSegment[]
  readonly nextHop?: Address
  readonly med?: number
  readonly localPref?: number
  readonly atomicAggregate?: true
  readonly aggregator?: { readonly asn: number; readonly address: Address }
  /** Standard communities as `asn << 16 | value`, unsigned. */
  readonly communities?: readonly number[]
  readonly originatorId?: Address
  readonly clusterList?: readonly Address[]
  readonly mpReach?: MpReach
  readonly mpUnreach?: MpUnreach
  /** Eight octets each, as 16 hex digits. */
  readonly extendedCommunities?: readonly string[]
  /** This and `as4Aggregator` are for the codec only: it merges them into the true ones, and makes them from those. */
  readonly as4Path?: readonly AsSegment[]
  readonly as4Aggregator?: { readonly asn: number; readonly address: Address }
  /** Twenty octets each, as 40 hex digits (RFC 5701). */
  readonly ipv6ExtendedCommunities?: readonly string[]
  /** `global:local1:local2` in decimal (RFC 8092 §5). */
  readonly largeCommunities?: readonly string[]
  /** OTC (RFC 9234 §5). */
  readonly onlyToCustomer?: number
  /** Optional attributes we do not know, in the order they came. RFC 4271 §9: transitive ones travel on with Partial set. */
  readonly unknown?: readonly UnknownAttribute[]
}

export interface Notification {
  readonly kind: 'notification'
  readonly code: number
  readonly subcode: number
  readonly data: Uint8Array
}

export interface Keepalive {
  readonly kind: 'keepalive'
}

/** RFC 2918, and with `subtype` 1 or 2 the borders of RFC 7313. */
export interface RouteRefresh {
  readonly kind: 'route-refresh'
  readonly family: Family | 'other'
  readonly subtype: number
}
