// AS4_AGGREGATOR, type 18: what AGGREGATOR would be, could the peer read it. RFC 6793 §3, errors §6. As AS4_PATH, it
// ends here: see as4.ts.

import { UPDATE_ERROR } from '../iana.ts'
import { readAggregator } from './aggregator.ts'
import { type AttributeCodec, ignore, OPTIONAL, TRANSITIVE } from './codec.ts'

export const as4Aggregator: AttributeCodec<'as4Aggregator'> = {
  code: 18,
  name: 'as4Aggregator',
  flags: OPTIONAL | TRANSITIVE,
  onMalformed: 'attribute-discard',
  subcode: UPDATE_ERROR.optional,

  decode(value, { as4 }) {
    if (as4) return ignore('from a peer with four-octet AS numbers')
    return readAggregator(value, true)
  },

  encode({ asn, address }, out) {
    out.u32(asn)
    out.address(address)
  },
}
