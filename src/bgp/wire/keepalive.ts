// KEEPALIVE: a header, and nothing after it. RFC 4271 §4.4.

import { MESSAGE_TYPE } from './iana.ts'
import type { Keepalive } from './message.ts'
import type { MessageCodec } from './message-codec.ts'

export const keepalive: MessageCodec<Keepalive> = {
  type: MESSAGE_TYPE.keepalive,
  decode: () => ({ kind: 'keepalive' }),
  encode() {},
}
