// Address families as the wire names them: an AFI and a SAFI. RFC 4760 §3. Ours are the unicast ones of IPv4 and IPv6.

import type { Family } from '../../inet/address.ts'
import { AFI, SAFI_UNICAST } from './iana.ts'
import type { Writer } from './writer.ts'

/** `other` for all that we do not carry. */
export function familyFrom(afi: number, safi: number): Family | 'other' {
  if (safi !== SAFI_UNICAST) return 'other'
  return afiFamily(afi)
}

/** The family of an AFI that stands alone. */
export function afiFamily(afi: number): Family | 'other' {
  if (afi === AFI.ipv4) return 'ipv4'
  return afi === AFI.ipv6 ? 'ipv6' : 'other'
}

/** AFI and SAFI, three octets. */
export function writeFamily(out: Writer, family: Family): void {
  out.u16(AFI[family])
  out.u8(SAFI_UNICAST)
}
