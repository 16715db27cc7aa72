// EXTENDED COMMUNITIES, type 16: typed labels of eight octets. RFC 4360 §2, RFC 7606 §7.14.

import { UPDATE_ERROR } from '../iana.ts'
import { type AttributeCodec, OPTIONAL, TRANSITIVE } from './codec.ts'
import { listOf } from './list.ts'

export const extendedCommunities: AttributeCodec<'extendedCommunities'> = {
  code: 16,
  name: 'extendedCommunities',
  flags: OPTIONAL | TRANSITIVE,
  onMalformed: 'treat-as-withdraw',
  subcode: UPDATE_ERROR.optional,
  ...listOf((value) => value.hex(8)),

  encode(communities, out) {
    for (const community of communities) out.hex(community)
  },
}
