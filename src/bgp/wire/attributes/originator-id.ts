// ORIGINATOR_ID, type 9: the router that brought the route into our AS, so that a reflected route cannot come back to
// it. RFC 4456 §8, RFC 7606 §7.9.

import { UPDATE_ERROR } from '../iana.ts'
import { type AttributeCodec, ignore, OPTIONAL } from './codec.ts'

export const originatorId: AttributeCodec<'originatorId'> = {
  code: 9,
  name: 'originatorId',
  flags: OPTIONAL,
  onMalformed: 'treat-as-withdraw',
  subcode: UPDATE_ERROR.optional,

  decode(value, { peerType }) {
    if (peerType === 'external') return ignore('from an external peer')
    return value.ipv4()
  },

  encode(routerId, out) {
    out.address(routerId)
  },
}
