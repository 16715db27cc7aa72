// Software version, capability 75: what the peer runs, for people. draft-ietf-idr-bgp-software-version §2.

import type { CapabilityCodec, Of } from './codec.ts'
import { readText, writeText } from './text.ts'

export const softwareVersion: CapabilityCodec<Of<'software-version'>> = {
  number: 75,
  code: 'software-version',
  onMalformed: 'pass-over',

  decode(value) {
    return { code: 'software-version', version: readText(value) }
  },

  encode({ version }, out) {
    writeText(version, out)
  },
}
