// ATOMIC_AGGREGATE, type 6: the AS_PATH may lack ASes that packets cross. RFC 4271 §5.1.6, RFC 7606 §7.6.

import { UPDATE_ERROR } from '../iana.ts'
import { type AttributeCodec, TRANSITIVE } from './codec.ts'

export const atomicAggregate: AttributeCodec<'atomicAggregate'> = {
  code: 6,
  name: 'atomicAggregate',
  flags: TRANSITIVE,
  onMalformed: 'attribute-discard',
  subcode: UPDATE_ERROR.length,

  decode() {
    return true
  },

  encode() {},
}
