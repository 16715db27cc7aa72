// OTC, type 35: the AS from which on a route may only go to customers. RFC 9234 §5.

import { UPDATE_ERROR } from '../iana.ts'
import { type AttributeCodec, OPTIONAL, TRANSITIVE } from './codec.ts'

export const onlyToCustomer: AttributeCodec<'onlyToCustomer'> = {
  code: 35,
  name: 'onlyToCustomer',
  flags: OPTIONAL | TRANSITIVE,
  onMalformed: 'treat-as-withdraw',
  subcode: UPDATE_ERROR.optional,

  decode(value) {
    return value.u32()
  },

  encode(asn, out) {
    out.u32(asn)
  },
}
