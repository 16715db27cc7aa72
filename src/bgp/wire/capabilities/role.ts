// BGP role, capability 9: provider, route server, customer, peer. RFC 9234 §4.1.

import type { CapabilityCodec, Of } from './codec.ts'

export const role: CapabilityCodec<Of<'role'>> = {
  number: 9,
  code: 'role',
  onMalformed: 'refuse',

  decode(value) {
    return { code: 'role', role: value.u8() }
  },

  encode({ role }, out) {
    out.u8(role)
  },
}
