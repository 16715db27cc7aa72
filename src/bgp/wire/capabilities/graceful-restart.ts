// Graceful restart, capability 64: keep my routes for a while if I go without a word. RFC 4724 §3, RFC 8538 §2.

import { familyFrom, writeFamily } from '../family.ts'
import type { CapabilityCodec, Of } from './codec.ts'
import { ofOurs } from './families.ts'

/** In front of the twelve bits of the restart time. */
const RESTARTING = 0x8000
const NOTIFICATION = 0x4000
const TIME = 0x0fff

/** Of each family. */
const FORWARDING = 0x80

export const gracefulRestart: CapabilityCodec<Of<'graceful-restart'>> = {
  number: 64,
  code: 'graceful-restart',
  onMalformed: 'refuse',

  decode(value) {
    const flags = value.u16()
    const families = value.all(() => ({
      family: familyFrom(value.u16(), value.u8()),
      forwarding: (value.u8() & FORWARDING) !== 0,
    }))
    return {
      code: 'graceful-restart',
      restarting: (flags & RESTARTING) !== 0,
      notification: (flags & NOTIFICATION) !== 0,
      restartTime: flags & TIME,
      families: ofOurs(families),
    }
  },

  /** Throws a RangeError when the restart time is more than 4095 seconds: it would spill into the flags. */
  encode({ restarting, notification, restartTime, families }, out) {
    if (restartTime > TIME) throw new RangeError(`a restart time of ${restartTime} s, ${TIME} s at most`)
    out.u16(restartTime | (restarting ? RESTARTING : 0) | (notification ? NOTIFICATION : 0))
    for (const { family, forwarding } of families) {
      writeFamily(out, family)
      out.u8(forwarding ? FORWARDING : 0)
    }
  },
}
