// MULTI_EXIT_DISC, type 4: which of several links into a neighbouring AS it prefers. RFC 4271 §5.1.4, RFC 7606 §7.4.

import { UPDATE_ERROR } from '../iana.ts'
import { type AttributeCodec, OPTIONAL } from './codec.ts'

export const med: AttributeCodec<'med'> = {
  code: 4,
  name: 'med',
  flags: OPTIONAL,
  onMalformed: 'treat-as-withdraw',
  subcode: UPDATE_ERROR.length,

  decode(value) {
    return value.u32()
  },

  encode(med, out) {
    out.u32(med)
  },
}
