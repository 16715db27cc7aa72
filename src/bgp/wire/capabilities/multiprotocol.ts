// Multiprotocol extensions, capability 1: a family that routes may be of. RFC 4760 §8.

import { familyFrom } from '../family.ts'
import { AFI, SAFI_UNICAST } from '../iana.ts'
import type { CapabilityCodec, Of } from './codec.ts'

export const multiprotocol: CapabilityCodec<Of<'multiprotocol'>> = {
  number: 1,
  code: 'multiprotocol',
  onMalformed: 'refuse',

  decode(value) {
    const afi = value.u16()
    value.u8() // reserved
    const family = familyFrom(afi, value.u8())
    return family === 'other' ? undefined : { code: 'multiprotocol', family }
  },

  encode({ family }, out) {
    out.u16(AFI[family])
    out.u8(0)
    out.u8(SAFI_UNICAST)
  },
}
