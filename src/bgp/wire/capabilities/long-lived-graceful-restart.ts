// Long-lived graceful restart, capability 71: keep my routes for longer still, as a last resort. RFC 9494 §3.

import { familyFrom, writeFamily } from '../family.ts'
import type { CapabilityCodec, Of } from './codec.ts'
import { ofOurs } from './families.ts'

const FORWARDING = 0x80

export const longLivedGracefulRestart: CapabilityCodec<Of<'long-lived-graceful-restart'>> = {
  number: 71,
  code: 'long-lived-graceful-restart',
  onMalformed: 'refuse',

  decode(value) {
    const families = value.all(() => ({
      family: familyFrom(value.u16(), value.u8()),
      forwarding: (value.u8() & FORWARDING) !== 0,
      staleTime: (value.u8() << 16) | value.u16(),
    }))
    return { code: 'long-lived-graceful-restart', families: ofOurs(families) }
  },

  encode({ families }, out) {
    for (const { family, forwarding, staleTime } of families) {
      writeFamily(out, family)
      out.u8(forwarding ? FORWARDING : 0)
      out.u8(staleTime >> 16)
      out.u16(staleTime & 0xffff)
    }
  },
}
