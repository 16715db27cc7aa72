// ADD-PATH, capability 69: several paths to one destination, told apart by an identifier. RFC 7911 §4.

import { familyFrom, writeFamily } from '../family.ts'
import type { CapabilityCodec, Of } from './codec.ts'
import { ofOurs } from './families.ts'

type Mode = Of<'add-path'>['families'][number]['mode']

/** Position is the value in the message; 0 is none. */
const MODES: readonly (Mode | undefined)[] = [undefined, 'receive', 'send', 'both']

export const addPath: CapabilityCodec<Of<'add-path'>> = {
  number: 69,
  code: 'add-path',
  onMalformed: 'refuse',

  /** RFC 7911 §4: with a mode that does not exist, the capability is to be taken for one we do not know. */
  decode(value) {
    const tuples = value.all(() => ({
      family: familyFrom(value.u16(), value.u8()),
      mode: MODES[value.u8()],
    }))
    const families = tuples.flatMap(({ family, mode }) => (mode ? [{ family, mode }] : []))
    return families.length < tuples.length ? undefined : { code: 'add-path', families: ofOurs(families) }
  },

  encode({ families }, out) {
    for (const { family, mode } of families) {
      writeFamily(out, family)
      out.u8(MODES.indexOf(mode))
    }
  },
}
