// The words the BGP speaker shares with those around it: what peers are wanted,
// what is originated, what came out of the decision, and how it shows itself.

import type { Address, Family, ScopedAddress } from '../inet/address.ts'
import type { Prefix } from '../inet/prefix.ts'
import type { FilterRule } from './rib/filter.ts'
import type { PathAttributes } from './wire/message.ts'

/** Who asked for a session; printed in the PEER TYPE column. */
export type PeerKind = 'mesh' | 'global' | 'node' | 'workload'

/** All that a connection has to know of the peer it goes to or comes from. */
export interface Transport {
  readonly address: Address
  /** The interface of a link-local address. */
  readonly zone?: string
  readonly port: number
  /** Source of the connection and next hop of what we originate. Absent: what the kernel chooses is both. */
  readonly localAddress?: Address
  /** What every segment is signed with, both ways (RFC 2385). */
  readonly password?: PasswordRef
  /** Hops the peer may be away: what comes with a TTL of less than 256 minus these is dropped (RFC 5082). */
  readonly ttlSecurity?: number
}

/** How BFD watches the path to a peer. RFC 5882. */
export interface PathWatch {
  /** Milliseconds between packets. */
  readonly intervalMs: number
  /** Packets that may go missing in a row. */
  readonly multiplier: number
  /** Whether the peer may be behind routers: RFC 5883 in place of RFC 5881. */
  readonly multihop: boolean
}

/** Where a password is found. The value itself never gets here, so that nothing that is printed or compared holds it. */
export interface PasswordRef {
  /** Name of the Secret. */
  readonly name: string
  readonly key: string
  /** Another one whenever the value is another. */
  readonly version: number
}

/** A peer this node should have. One per peer address; all fields are settled by the plan. */
export interface PeerConfig extends Transport {
  /**
   * Key of the peer in every table: its address, with the zone of a link-local one. Who asks for the session is no part
   * of it, so a mesh session that a BGPPeer takes over goes on.
   */
  readonly name: ScopedAddress
  readonly kind: PeerKind
  /** Families carried. One, that of `address`, unless the peer was asked to carry both. */
  readonly families: readonly Family[]
  readonly localAsn: number
  readonly peerAsn: number
  readonly routerId: Address
  /** True when the peer dials and we only listen: `passive on` in BIRD. */
  readonly passive: boolean
  /** Seconds proposed in OPEN. */
  readonly holdTime: number
  /** Seconds between keepalives; absent: a third of the negotiated hold time. */
  readonly keepaliveTime?: number
  /** Graceful restart time advertised, seconds, at most 4095. */
  readonly restartTime: number
  /** Times our own AS may stand in a received AS_PATH. */
  readonly allowedLocalAsns: number
  /** The gateway behind which the peer is, where an operator has named one. */
  readonly reachableBy?: Address
  /** Whether we are the next hop of what we pass on; absent: to external peers only (RFC 4271 §5.1.3). */
  readonly nextHopMode?: 'self' | 'keep'
  /** On a route reflector. */
  readonly reflector?: Reflector
  readonly filters?: PeerFilters
  /** Several paths to one destination: whether we take them, tell them, or both (RFC 7911). Absent: neither. */
  readonly addPath?: 'receive' | 'send' | 'both'
  /** The speaker does not watch by itself: it is told of failures by `path-down`. */
  readonly pathWatch?: PathWatch
  /** Why there must be no session for now, in words: it would lack the protection that was asked for. */
  readonly held?: string
  /**
   * Our addresses of families that are carried but are not that of the session: next hops of what we originate of them.
   * Without one for IPv4 the session's own serves a peer that knows of such next hops (RFC 8950).
   */
  readonly otherAddresses?: Readonly<Partial<Record<Family, Address>>>
  /** How much it may announce; absent: `DEFAULT_LIMIT`. */
  readonly prefixLimit?: PrefixLimit
  /** Seconds for which the peer may keep our routes as a last resort when we stay away (RFC 9494); absent: not at all. */
  readonly longLivedTime?: number
  /** What we are to the peer; absent: nothing that RFC 9234 knows of. */
  readonly role?: Role
  /** The session is about to end, so that what goes over it is to be used last (RFC 8326). */
  readonly gracefulShutdown?: true
  /** What an operator who shut the session down has to say to those at the other end (RFC 9003). With `held`. */
  readonly shutdown?: string
  /** Why this session exists, for people. */
  readonly because: string
}

/** How many paths of each family a peer may have with us. RFC 4486 §4. */
export interface PrefixLimit {
  readonly prefixes: number
  /** Share of it at which there is a warning. */
  readonly warnPercent: number
  /** Seconds after which a session that ended for this may begin anew; absent: when an operator resets it. */
  readonly restartAfter?: number | undefined
}

/** RFC 9234 §4. */
export interface Role {
  readonly name: RoleName
  /** The peer has to say its own. */
  readonly strict: boolean
}

export type RoleName = 'provider' | 'rs' | 'rs-client' | 'customer' | 'peer'

/** What a session is to a route reflector. RFC 4456. */
export interface Reflector {
  readonly clusterId: Address
  /** True when the peer relies on us to pass on what other internal peers say. */
  readonly client: boolean
}

/** What an operator wants done with single routes; the first rule that fits decides. */
export interface PeerFilters {
  readonly import: Readonly<Record<Family, readonly FilterRule[]>>
  readonly export: Readonly<Record<Family, readonly FilterRule[]>>
}

/** A prefix this node announces of its own accord. */
export interface Origination {
  readonly prefix: Prefix
  readonly localPref: number
  readonly because: string
}

/** One path to a destination, from one peer or of our own making. */
export interface Path {
  readonly prefix: Prefix
  /** Name of the peer it came from, or null for our own. */
  readonly peer: string | null
  readonly pathId: number
  readonly attributes: PathAttributes
  /** The next hop of the family in use: MP_REACH's or NEXT_HOP's. */
  readonly nextHop: Address
}

/** The outcome of the decision for one destination changed. */
export interface BestPathChange {
  readonly prefix: Prefix
  /** The best first, then those used beside it, each to another next hop; empty when nothing is left. */
  readonly used: readonly Path[]
}

/** RFC 4271 §8.2.2, and what BIRD shows for a session that waits for its peer to dial. */
export type SessionState =
  | 'Idle'
  | 'Connect'
  | 'Active'
  | 'OpenSent'
  | 'OpenConfirm'
  | 'Established'
  | 'Passive'

/** What `agent status` shows of one peer. Times are milliseconds since the epoch. */
export interface PeerView {
  readonly name: string
  readonly kind: PeerKind
  readonly address: Address
  readonly port: number
  readonly asn: number
  readonly families: readonly Family[]
  readonly state: SessionState
  /** When `up` (Established) or not-`up` began. */
  readonly since: number
  /** `Socket: Connection refused`, `Received: Hold timer expired`, …; undefined once Established. */
  readonly lastError: string | undefined
  /** What a person may do about it, where we have a guess. */
  readonly advice?: string
  /** Why there must be no session for now. */
  readonly held?: string
  /** What a person should know of a session that is up: `announces 800 of at most 1000 IPv4 prefixes`. */
  readonly warning?: string
  /** What both ends know beyond RFC 4271, in words; empty without a session. */
  readonly agreed: readonly string[]
  readonly received: number
  /** How many of them are kept from a session before, and not told again in this one (RFC 4724 §4.2). */
  readonly stale: number
  /** How many there may be. */
  readonly limit: PrefixLimit
  readonly advertised: number
  /** UPDATEs treated as withdraw or with a discarded attribute, since the start. */
  readonly faults: number
  readonly because: string
}
