// FQDN, capability 73: what the peer calls itself, for people. draft-walton-bgp-hostname-capability §3.

import type { CapabilityCodec, Of } from './codec.ts'
import { readText, writeText } from './text.ts'

export const fqdn: CapabilityCodec<Of<'fqdn'>> = {
  number: 73,
  code: 'fqdn',
  onMalformed: 'pass-over',

  decode(value) {
    return { code: 'fqdn', host: readText(value), domain: readText(value) }
  },

  encode({ host, domain }, out) {
    writeText(host, out)
    writeText(domain, out)
  },
}
