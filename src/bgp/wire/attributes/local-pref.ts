// LOCAL_PREF, type 5: how much our AS likes a route. RFC 4271 §5.1.5.
//
// Only internal peers may set it, so from an external one it is passed over
// unread; from an internal one a wrong length withdraws the routes it came
// with (RFC 7606 §7.5). An internal peer that leaves it out is forgiven, as by
// BIRD: policy then assumes 100.

import { UPDATE_ERROR } from '../iana.ts'
import { type AttributeCodec, ignore, TRANSITIVE } from './codec.ts'

export const localPref: AttributeCodec<'localPref'> = {
  code: 5,
  name: 'localPref',
  flags: TRANSITIVE,
  onMalformed: 'treat-as-withdraw',
  subcode: UPDATE_ERROR.length,

  decode(value, { peerType }) {
    if (peerType === 'external') return ignore('from an external peer')
    return value.u32()
  },

  encode(pref, out) {
    out.u32(pref)
  },
}
