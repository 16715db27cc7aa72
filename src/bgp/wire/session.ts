// What both ends must have agreed on before the octets of an UPDATE mean anything.

import type { Family } from '../../inet/address.ts'
import { MAX_EXTENDED_LENGTH, MAX_LENGTH } from './iana.ts'

export interface SessionCodec {
  /** Of the same AS as we are, or not: some attributes are for internal peers only. */
  readonly peerType: 'internal' | 'external'
  /** AS numbers have four octets in AS_PATH and AGGREGATOR: RFC 6793. */
  readonly as4: boolean
  /** Messages may have up to 65535 octets: RFC 8654. */
  readonly extendedMessages: boolean
  /** Prefixes come, or go, with a path identifier: RFC 7911. */
  readonly addPathReceive: Readonly<Record<Family, boolean>>
  readonly addPathSend: Readonly<Record<Family, boolean>>
}

/** The longest message that may be sent, in octets. */
export function maxLengthOf({ extendedMessages }: SessionCodec): number {
  return extendedMessages ? MAX_EXTENDED_LENGTH : MAX_LENGTH
}

/** Before both OPENs are in: nothing but OPEN, KEEPALIVE and NOTIFICATION can be said, and these are always the same. */
export const initialCodec: SessionCodec = {
  peerType: 'external',
  as4: false,
  extendedMessages: false,
  addPathReceive: { ipv4: false, ipv6: false },
  addPathSend: { ipv4: false, ipv6: false },
}
