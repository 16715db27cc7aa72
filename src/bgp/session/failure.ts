// Why a connection ended, and how people are told. The texts are those BIRD shows
// and `calicoctl node status` passes on, which operators search the web for.

import { notificationText } from '../wire/iana.ts'
import { shutdownMessage } from './shutdown-message.ts'

export type Failure =
  /** The connection could not be made, or broke. `reason` is the C library's text. */
  | { readonly by: 'socket'; readonly reason: string }
  /** The peer sent a NOTIFICATION, and who sits there `said` why (RFC 9003). */
  | { readonly by: 'peer'; readonly code: number; readonly subcode: number; readonly said?: string }
  /** We found fault, or have to stop: a NOTIFICATION is sent. */
  | { readonly by: 'us'; readonly code: number; readonly subcode: number; readonly data?: Uint8Array }
  /** Ended without a word, for another connection to take its place; both keep the routes (RFC 4724 §4.2). */
  | { readonly by: 'restart' }

const CEASE = 6

/** Reasons of ours to end a session that is in order. RFC 4486 §4. */
export const PEER_DECONFIGURED: Failure = { by: 'us', code: CEASE, subcode: 3 }
export const ADMINISTRATIVE_RESET: Failure = {
  by: 'us',
  code: CEASE,
  subcode: 4,
  data: shutdownMessage('reset by an operator of the node'),
}
export const CONFIGURATION_CHANGED: Failure = { by: 'us', code: CEASE, subcode: 6 }
/** RFC 9384 §3. */
export const BFD_DOWN: Failure = { by: 'us', code: CEASE, subcode: 10 }
export const COLLISION: Failure = { by: 'us', code: CEASE, subcode: 7 }

export const RESTART: Failure = { by: 'restart' }

export const HOLD_TIMER_EXPIRED: Failure = { by: 'us', code: 4, subcode: 0 }
/** RFC 9687 §6. */
export const SEND_HOLD_TIMER_EXPIRED: Failure = { by: 'us', code: 8, subcode: 0 }

export function socketFailure(reason = 'Connection closed'): Failure {
  return { by: 'socket', reason }
}

/** True when one of the two speaks wrongly, so that dialling again at once would only repeat it. */
export function isProtocolError(failure: Failure): boolean {
  return (failure.by === 'us' || failure.by === 'peer') && failure.code !== CEASE
}

/** True when the peer may keep forwarding, and its routes be kept if it said so: RFC 4724 §4.2. */
export function isGraceful(failure: Failure): boolean {
  return failure.by === 'socket' || failure.by === 'restart'
}

/** `Socket: Connection refused`, `Received: Hold timer expired`, `BGP Error: Bad peer AS`. */
export function failureText(failure: Failure): string {
  switch (failure.by) {
    case 'socket':
      return `Socket: ${failure.reason}`
    case 'restart':
      return 'Error: Graceful restart'
    case 'peer':
      return `Received: ${notificationText(failure.code, failure.subcode)}${quoted(failure.said)}`
    case 'us':
      return `BGP Error: ${notificationText(failure.code, failure.subcode)}`
  }
}

function quoted(said: string | undefined): string {
  return said === undefined ? '' : ` (${JSON.stringify(said)})`
}
