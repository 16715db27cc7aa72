// All that can happen to a speaker, and all that it can ask for: the border
// between the protocol and the sockets and clock that carry it out.

import type { Address, Family, ScopedAddress } from '../inet/address.ts'
import type { Prefix } from '../inet/prefix.ts'
import type { BestPathChange, Origination, PeerConfig, Transport } from './types.ts'

/**
 * Names one connection. The speaker names those it dials; whoever accepts one names it, with a name that begins with
 * `in`, and uses no name twice.
 */
export type ConnectionId = string

/** Names one timer: it is armed, disarmed and expires under this name. */
export type TimerId = string

export type SpeakerEvent =
  /**
   * Peers wanted from now on, as far as they changed. A peer that is equal to what it was is left alone. One that is to
   * `part` is as little wanted as one to `remove`, but it still forwards: its routes may stay until others teach them.
   */
  | {
      readonly kind: 'peers'
      readonly set: readonly PeerConfig[]
      readonly remove: readonly ScopedAddress[]
      readonly part?: readonly ScopedAddress[]
    }
  /** What this node announces of its own accord, as far as it changed. */
  | { readonly kind: 'originate'; readonly set: readonly Origination[]; readonly withdraw: readonly Prefix[] }
  /** After our own restart: all that this node announces of its own accord has been originated. */
  | { readonly kind: 'restarted' }
  /** After our own restart: peers that have not said yet what they have are not waited for any longer. */
  | { readonly kind: 'heard-enough' }
  /** `local` is our end of the connection. */
  | { readonly kind: 'connected'; readonly connection: ConnectionId; readonly local: Address }
  /** `error` is the C library's text: `Connection refused`. */
  | { readonly kind: 'dial-failed'; readonly connection: ConnectionId; readonly error: string }
  | {
      readonly kind: 'accepted'
      readonly connection: ConnectionId
      readonly remote: ScopedAddress
      readonly local: Address
    }
  /** The connections of a peer cannot be protected as they should be, so none is taken. */
  | { readonly kind: 'barred'; readonly remote: ScopedAddress; readonly error: string }
  | { readonly kind: 'bytes'; readonly connection: ConnectionId; readonly chunk: Uint8Array }
  /** The peer closed the connection, or it broke with `error`, the C library's text. */
  | { readonly kind: 'closed'; readonly connection: ConnectionId; readonly error?: string }
  /** What was sent waits on our side, since the peer does not read; and: nothing waits any more. */
  | { readonly kind: 'blocked'; readonly connection: ConnectionId }
  | { readonly kind: 'drained'; readonly connection: ConnectionId }
  | { readonly kind: 'timer'; readonly timer: TimerId }
  /** The answer to `flush-soon`. */
  | { readonly kind: 'flush' }
  /** Asks a peer to announce all of a family again (RFC 2918). */
  | { readonly kind: 'refresh-in'; readonly peer: string; readonly family: Family }
  /** Announces all of a family to a peer again. */
  | { readonly kind: 'resend'; readonly peer: string; readonly family: Family }
  /** Ends the session with a peer, for it to begin anew (RFC 4486, Administrative Reset). `text` is told to the other end. */
  | { readonly kind: 'reset'; readonly peer: string; readonly text?: string | undefined }
  /** No packet gets to the peer or back, as BFD sees it: the session and its routes are not to wait for the hold timer. */
  | { readonly kind: 'path-down'; readonly peer: string }
  /** Whether next hops are reached, or how far they are, may have changed. */
  | { readonly kind: 'next-hops' }
  /** What `advertise` says may have changed. */
  | { readonly kind: 'refresh-out' }
  /** The end. Connections are closed without NOTIFICATION, so that peers keep our routes (RFC 4724 §4.2). */
  | { readonly kind: 'stop' }

export type Action =
  | { readonly kind: 'dial'; readonly connection: ConnectionId; readonly to: Transport }
  | { readonly kind: 'send'; readonly connection: ConnectionId; readonly bytes: Uint8Array }
  /** To be closed when what was sent has gone out, or cannot. No event of it is wanted after this. */
  | { readonly kind: 'close'; readonly connection: ConnectionId }
  /**
   * Starts a timer, again if it is running. With `unless`, what that connection has received but nobody has read
   * is read before the timer counts as expired.
   */
  | { readonly kind: 'arm'; readonly timer: TimerId; readonly ms: number; readonly unless?: ConnectionId }
  | { readonly kind: 'disarm'; readonly timer: TimerId }
  /** Asks for a `flush` event when other events at hand have been handled, so that announcements are packed. */
  | { readonly kind: 'flush-soon' }
  | { readonly kind: 'best'; readonly changes: readonly BestPathChange[] }
  /** A session is up, or a peer has sent End-of-RIB: `heardAll` may have become true. */
  | { readonly kind: 'heard' }
  | Note

/** A fact for the log. */
export interface Note {
  readonly kind: 'note'
  readonly level: 'debug' | 'info' | 'warn'
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
}
