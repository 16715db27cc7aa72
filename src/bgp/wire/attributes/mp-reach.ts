// MP_REACH_NLRI, type 14: destinations of a family, and where to send packets for them. RFC 4760 §3; RFC 2545 §3 for
// IPv6 next hops, RFC 8950 §3 for IPv6 next hops of IPv4 destinations.
//
// What cannot be read here are routes, which could not be withdrawn: hence the reset (RFC 7606 §7.11).

import { type Address, addressFromBytes } from '../../../inet/address.ts'
import { familyFrom, writeFamily } from '../family.ts'
import { UPDATE_ERROR } from '../iana.ts'
import { readNlri, writeNlri } from '../nlri.ts'
import type { Reader } from '../reader.ts'
import { type AttributeCodec, ignore, OPTIONAL } from './codec.ts'

export const mpReach: AttributeCodec<'mpReach'> = {
  code: 14,
  name: 'mpReach',
  flags: OPTIONAL,
  onMalformed: 'session-reset',
  subcode: UPDATE_ERROR.optional,
  carriesNlri: true,

  decode(value, { addPathReceive }) {
    const family = familyFrom(value.u16(), value.u8())
    if (family === 'other') return ignore('of a family that was not agreed on')
    const nextHop = readNextHop(value.part(value.u8()), family === 'ipv4' ? [4, 16, 32] : [16, 32])
    value.u8() // reserved, once the number of SNPAs
    return { family, ...nextHop, nlri: readNlri(value, family, addPathReceive[family]) }
  },

  encode({ family, nextHop, linkLocal, nlri }, out, { addPathSend }) {
    writeFamily(out, family)
    out.sized8(() => {
      out.address(nextHop)
      if (linkLocal) out.address(linkLocal)
    })
    out.u8(0)
    writeNlri(out, nlri, addPathSend[family])
  },
}

function readNextHop(value: Reader, lengths: readonly number[]): { nextHop: Address; linkLocal?: Address } {
  if (!lengths.includes(value.left)) throw value.malformed(`next hop of ${value.left} octets`)
  if (value.left < 32) return { nextHop: addressFromBytes(value.rest()) }
  return { nextHop: value.ipv6(), linkLocal: value.ipv6() }
}
