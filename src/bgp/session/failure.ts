// Why a connection ended, and how people are told. The texts are those BIRD shows
// and `calicoctl node status` passes on, which operators search the web for.

import type { Family } from '../../inet/address.ts'
import { AFI, notificationText, SAFI_UNICAST } from '../wire/iana.ts'
import type { Notification } from '../wire/message.ts'
import { shutdownMessage, shutdownText } from './shutdown-message.ts'

export type Failure =
  /** The connection could not be made, or broke. `reason` is the C library's text. */
  | { readonly by: 'socket'; readonly reason: string }
  /** The peer sent a NOTIFICATION, and who sits there `said` why (RFC 9003). */
  | {
      readonly by: 'peer'
      readonly code: number
      readonly subcode: number
      readonly said?: string
      /** The peer does not want anything kept: it came in a Hard Reset (RFC 8538 §3.1). */
      readonly hard?: true
    }
  /** We found fault, or have to stop: a NOTIFICATION is sent. */
  | { readonly by: 'us'; readonly code: number; readonly subcode: number; readonly data?: Uint8Array }
  /** Ended without a word, for another connection to take its place; both keep the routes (RFC 4724 §4.2). */
  | { readonly by: 'restart' }

const CEASE = 6
/** RFC 8538 §3.1. */
const HARD_RESET = 9

/** Subcodes of Cease after which nothing is to be kept: RFC 8538 §5.1, RFC 9384 §3; and 8, since there is no room for it. */
const HARD: readonly number[] = [1, 2, 3, 4, 8, 10]

/** What a NOTIFICATION says. */
type Words = Omit<Notification, 'kind'>

/** Reasons of ours to end a session that is in order. RFC 4486 §4. */
export const PEER_DECONFIGURED: Failure = { by: 'us', code: CEASE, subcode: 3 }
export const CONFIGURATION_CHANGED: Failure = { by: 'us', code: CEASE, subcode: 6 }
export const OUT_OF_RESOURCES: Failure = { by: 'us', code: CEASE, subcode: 8 }
/** RFC 9384 §3. */
export const BFD_DOWN: Failure = { by: 'us', code: CEASE, subcode: 10 }
export const COLLISION: Failure = { by: 'us', code: CEASE, subcode: 7 }

export const RESTART: Failure = { by: 'restart' }

/** With what an operator has to say about it (RFC 9003). */
export function administrativeShutdown(text: string): Failure {
  return { by: 'us', code: CEASE, subcode: 2, data: shutdownMessage(text) }
}

export function administrativeReset(text = 'reset by an operator of the node'): Failure {
  return { by: 'us', code: CEASE, subcode: 4, data: shutdownMessage(text) }
}

export const HOLD_TIMER_EXPIRED: Failure = { by: 'us', code: 4, subcode: 0 }
/** RFC 9687 §6. */
export const SEND_HOLD_TIMER_EXPIRED: Failure = { by: 'us', code: 8, subcode: 0 }

/** The peer announced more of a family than it may: with AFI, SAFI and the limit, RFC 4486 §4. */
export function overLimit(family: Family, limit: number): Failure {
  const data = new Uint8Array(7)
  const fields = new DataView(data.buffer)
  fields.setUint16(0, AFI[family])
  fields.setUint8(2, SAFI_UNICAST)
  fields.setUint32(3, limit)
  return { by: 'us', code: CEASE, subcode: 1, data }
}

export function socketFailure(reason = 'Connection closed'): Failure {
  return { by: 'socket', reason }
}

/** True when one of the two speaks wrongly, so that dialling again at once would only repeat it. */
export function isProtocolError(failure: Failure): boolean {
  return (failure.by === 'us' || failure.by === 'peer') && failure.code !== CEASE
}

/**
 * True when the peer may keep forwarding, and its routes be kept if it said so: RFC 4724 §4.2. Where both do so after a
 * NOTIFICATION too, `despiteNotification`, most of them are no reason to forget anything: RFC 8538 §4.
 */
export function isGraceful(failure: Failure, despiteNotification: boolean): boolean {
  if (failure.by === 'socket' || failure.by === 'restart') return true
  return despiteNotification && !(failure.by === 'us' ? isHard(failure) : failure.hard)
}

/** True when the peer fell silent: nobody knows whether it still forwards. */
export function isSilence(failure: Failure): boolean {
  return failure === HOLD_TIMER_EXPIRED || failure === SEND_HOLD_TIMER_EXPIRED
}

/** A NOTIFICATION as it came. */
export function received({ code, subcode, data }: Words): Failure {
  if (code !== CEASE || subcode !== HARD_RESET) return heard(code, subcode, data)
  const [inner, innerSubcode] = data.length < 2 ? [code, subcode] : data
  return { ...heard(inner!, innerSubcode!, data.subarray(2)), hard: true }
}

/** A NOTIFICATION for a peer which keeps routes in spite of them: in a Hard Reset, where it is not to. RFC 8538 §3.1. */
export function hardened(words: Words): Words {
  if (!isHard(words)) return words
  const { code, subcode, data } = words
  return { code: CEASE, subcode: HARD_RESET, data: Uint8Array.of(code, subcode, ...data) }
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

function isHard({ code, subcode }: Pick<Words, 'code' | 'subcode'>): boolean {
  return code === CEASE && HARD.includes(subcode)
}

function heard(code: number, subcode: number, data: Uint8Array): Extract<Failure, { by: 'peer' }> {
  const said = shutdownText(code, subcode, data)
  return { by: 'peer', code, subcode, ...(said !== undefined && { said }) }
}

function quoted(said: string | undefined): string {
  return said === undefined ? '' : ` (${JSON.stringify(said)})`
}
