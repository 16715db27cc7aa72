// CLUSTER_LIST, type 10: the route reflectors a route went through, last one first. RFC 4456 §8, RFC 7606 §7.10.

import { UPDATE_ERROR } from '../iana.ts'
import { type AttributeCodec, ignore, OPTIONAL } from './codec.ts'
import { listOf } from './list.ts'

const clusters = listOf((value) => value.ipv4())

export const clusterList: AttributeCodec<'clusterList'> = {
  code: 10,
  name: 'clusterList',
  flags: OPTIONAL,
  onMalformed: 'treat-as-withdraw',
  subcode: UPDATE_ERROR.optional,
  ...clusters,

  decode(value, { peerType }) {
    if (peerType === 'external') return ignore('from an external peer')
    return clusters.decode(value)
  },

  encode(clusterIds, out) {
    for (const id of clusterIds) out.address(id)
  },
}
