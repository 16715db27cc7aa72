// Extended next hop encoding, capability 5: families whose next hops may be of another family. RFC 8950 §4.

import { afiFamily, familyFrom } from '../family.ts'
import { AFI, SAFI_UNICAST } from '../iana.ts'
import type { CapabilityCodec, Of } from './codec.ts'
import { ofOurs } from './families.ts'

export const extendedNextHop: CapabilityCodec<Of<'extended-next-hop'>> = {
  number: 5,
  code: 'extended-next-hop',
  onMalformed: 'refuse',

  decode(value) {
    const tuples = value.all(() => ({
      family: familyFrom(value.u16(), value.u16()),
      nextHop: afiFamily(value.u16()),
    }))
    return {
      code: 'extended-next-hop',
      tuples: ofOurs(tuples).flatMap(({ family, nextHop }) =>
        nextHop === 'other' ? [] : [{ family, nextHop }],
      ),
    }
  },

  encode({ tuples }, out) {
    for (const { family, nextHop } of tuples) {
      out.u16(AFI[family])
      out.u16(SAFI_UNICAST)
      out.u16(AFI[nextHop])
    }
  },
}
