// NOTIFICATION: why the session ends. RFC 4271 §4.5.

import { HEADER_LENGTH } from './header.ts'
import { MESSAGE_TYPE } from './iana.ts'
import type { Notification } from './message.ts'
import type { MessageCodec } from './message-codec.ts'
import { maxLengthOf } from './session.ts'

export const notification: MessageCodec<Notification> = {
  type: MESSAGE_TYPE.notification,

  decode(body) {
    return { kind: 'notification', code: body.u8(), subcode: body.u8(), data: new Uint8Array(body.rest()) }
  },

  /** The data may quote a message that is as long as a message can be: then its end is left out. */
  encode({ code, subcode, data }, out, session) {
    out.u8(code)
    out.u8(subcode)
    out.bytes(data.subarray(0, maxLengthOf(session) - HEADER_LENGTH - 2))
  },
}
