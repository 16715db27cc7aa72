// NEXT_HOP, type 3: where to send packets for the classic IPv4 destinations. RFC 4271 §5.1.3, RFC 7606 §7.3.
//
// Whether the address makes sense is a question of policy, asked where routes are imported.

import { UPDATE_ERROR } from '../iana.ts'
import { type AttributeCodec, TRANSITIVE } from './codec.ts'

export const nextHop: AttributeCodec<'nextHop'> = {
  code: 3,
  name: 'nextHop',
  flags: TRANSITIVE,
  onMalformed: 'treat-as-withdraw',
  subcode: UPDATE_ERROR.nextHop,
  mandatory: 'classic',

  decode(value) {
    return value.ipv4()
  },

  encode(address, out) {
    out.address(address)
  },
}
