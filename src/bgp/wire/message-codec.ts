// What there is to know of one type of message.

import type { Message } from './message.ts'
import type { Reader } from './reader.ts'
import type { SessionCodec } from './session.ts'
import type { Writer } from './writer.ts'

export interface MessageCodec<M extends Message> {
  /** RFC 4271 §4.1. */
  readonly type: number
  /** `body` is what comes after the header. Throws nothing but BgpError. */
  decode(body: Reader, session: SessionCodec): M
  encode(message: M, out: Writer, session: SessionCodec): void
}
