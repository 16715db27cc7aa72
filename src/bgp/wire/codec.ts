// Octets to messages and back: the whole of the codec, as others see it. RFC 4271 §4.

import { BgpError } from './errors.ts'
import { HEADER_LENGTH, readHeader, writeMessage } from './header.ts'
import { ERROR, HEADER_ERROR } from './iana.ts'
import { keepalive } from './keepalive.ts'
import type { Message } from './message.ts'
import type { MessageCodec } from './message-codec.ts'
import { notification } from './notification.ts'
import { open } from './open.ts'
import { Reader } from './reader.ts'
import { routeRefresh } from './route-refresh.ts'
import { maxLengthOf, type SessionCodec } from './session.ts'
import { update } from './update.ts'

export { endOfRib, packAnnouncements, packWithdrawals } from './pack.ts'
export { initialCodec, maxLengthOf, type SessionCodec } from './session.ts'

/** Does not compile while a kind of message has no row. */
const TABLE: { readonly [Kind in Message['kind']]: MessageCodec<Extract<Message, { kind: Kind }>> } = {
  open,
  update,
  notification,
  keepalive,
  'route-refresh': routeRefresh,
}

const BY_KIND: Readonly<Record<string, MessageCodec<Message>>> = TABLE
const BY_TYPE = new Map(Object.values(BY_KIND).map((row) => [row.type, row]))

/**
 * Reads one whole message, as Framer hands it on. What it returns holds no part of `message`. Throws a BgpError to
 * answer the peer with, and nothing else.
 */
export function decode(message: Uint8Array, session: SessionCodec): Message {
  if (message.length < HEADER_LENGTH) throw new BgpError(ERROR.header, HEADER_ERROR.badLength)
  const { length, type } = readHeader(message, 0, maxLengthOf(session))
  if (length !== message.length)
    throw new BgpError(ERROR.header, HEADER_ERROR.badLength, new Uint8Array(message.subarray(16, 18)), 16)
  return BY_TYPE.get(type)!.decode(new Reader(message, HEADER_LENGTH), session)
}

/** Throws a RangeError when the message, or a value in it, does not fit: that is our own mistake. */
export function encode(message: Message, session: SessionCodec): Uint8Array {
  const row = BY_KIND[message.kind]!
  return writeMessage(row.type, maxLengthOf(session), (out) => row.encode(message, out, session))
}
