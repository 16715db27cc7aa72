// IPv6 Address Specific EXTENDED COMMUNITIES, type 25: typed labels of twenty octets. RFC 5701 §2, RFC 7606 §7.15.

import { UPDATE_ERROR } from '../iana.ts'
import { type AttributeCodec, OPTIONAL, TRANSITIVE } from './codec.ts'
import { listOf } from './list.ts'

export const ipv6ExtendedCommunities: AttributeCodec<'ipv6ExtendedCommunities'> = {
  code: 25,
  name: 'ipv6ExtendedCommunities',
  flags: OPTIONAL | TRANSITIVE,
  onMalformed: 'treat-as-withdraw',
  subcode: UPDATE_ERROR.optional,
  ...listOf((value) => value.hex(20)),

  encode(communities, out) {
    for (const community of communities) out.hex(community)
  },
}
