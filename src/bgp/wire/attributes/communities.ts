// COMMUNITIES, type 8: labels that policies agree on. RFC 1997, RFC 7606 §7.8.

import { UPDATE_ERROR } from '../iana.ts'
import { type AttributeCodec, OPTIONAL, TRANSITIVE } from './codec.ts'
import { listOf } from './list.ts'

export const communities: AttributeCodec<'communities'> = {
  code: 8,
  name: 'communities',
  flags: OPTIONAL | TRANSITIVE,
  onMalformed: 'treat-as-withdraw',
  subcode: UPDATE_ERROR.optional,
  ...listOf((value) => value.u32()),

  encode(communities, out) {
    for (const community of communities) out.u32(community)
  },
}
