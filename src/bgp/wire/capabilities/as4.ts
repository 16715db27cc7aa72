// Four-octet AS numbers, capability 65, with the speaker's own in full. RFC 6793 §3.

import type { CapabilityCodec, Of } from './codec.ts'

export const as4: CapabilityCodec<Of<'as4'>> = {
  number: 65,
  code: 'as4',
  onMalformed: 'refuse',

  decode(value) {
    return { code: 'as4', asn: value.u32() }
  },

  encode({ asn }, out) {
    out.u32(asn)
  },
}
