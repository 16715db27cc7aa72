// LARGE_COMMUNITY, type 32: labels with room for four-octet AS numbers. RFC 8092 §3 and §6.

import { UPDATE_ERROR } from '../iana.ts'
import { type AttributeCodec, OPTIONAL, TRANSITIVE } from './codec.ts'
import { listOf } from './list.ts'

const list = listOf((value) => `${value.u32()}:${value.u32()}:${value.u32()}`)

export const largeCommunities: AttributeCodec<'largeCommunities'> = {
  code: 32,
  name: 'largeCommunities',
  flags: OPTIONAL | TRANSITIVE,
  onMalformed: 'treat-as-withdraw',
  subcode: UPDATE_ERROR.optional,
  ...list,

  // RFC 8092 §3: duplicates are removed on the way in and not sent on the way out.
  decode(value) {
    return [...new Set(list.decode(value))]
  },

  encode(communities, out) {
    for (const community of new Set(communities))
      for (const part of community.split(':')) out.u32(Number(part))
  },
}
