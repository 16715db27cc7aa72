// AGGREGATOR, type 7: who aggregated the route. RFC 4271 §5.1.7, RFC 7606 §7.7.

import { UPDATE_ERROR } from '../iana.ts'
import type { PathAttributes } from '../message.ts'
import type { Reader } from '../reader.ts'
import { type AttributeCodec, OPTIONAL, TRANSITIVE } from './codec.ts'

export const aggregator: AttributeCodec<'aggregator'> = {
  code: 7,
  name: 'aggregator',
  flags: OPTIONAL | TRANSITIVE,
  onMalformed: 'attribute-discard',
  subcode: UPDATE_ERROR.optional,

  decode(value, { as4 }) {
    return readAggregator(value, as4)
  },

  encode({ asn, address }, out, { as4 }) {
    out.asn(asn, as4)
    out.address(address)
  },
}

export function readAggregator(value: Reader, as4: boolean): NonNullable<PathAttributes['aggregator']> {
  const asn = value.asn(as4)
  if (asn === 0) throw value.malformed('AS 0') // RFC 7607 §2
  return { asn, address: value.ipv4() }
}
