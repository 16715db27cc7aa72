// ROUTE-REFRESH: tell me all again, and where that begins and ends. RFC 2918 §3, RFC 7313 §3.2 and §5.

import { BgpError } from './errors.ts'
import { familyFrom } from './family.ts'
import { AFI, ERROR, MESSAGE_TYPE, ROUTE_REFRESH_ERROR, SAFI_UNICAST } from './iana.ts'
import type { RouteRefresh } from './message.ts'
import type { MessageCodec } from './message-codec.ts'

export const routeRefresh: MessageCodec<RouteRefresh> = {
  type: MESSAGE_TYPE.routeRefresh,

  // Route filters (RFC 5291) would make it longer, but we do not offer to take any.
  decode(body) {
    if (body.left !== 4) {
      body.rest()
      throw new BgpError(ERROR.routeRefresh, ROUTE_REFRESH_ERROR.badLength, new Uint8Array(body.since(0)))
    }
    const afi = body.u16()
    const subtype = body.u8()
    return { kind: 'route-refresh', family: familyFrom(afi, body.u8()), subtype }
  },

  /** Throws a RangeError for a family that is not ours: there is nobody to ask for it. */
  encode({ family, subtype }, out) {
    if (family === 'other') throw new RangeError('a ROUTE-REFRESH of ours is of a family of ours')
    out.u16(AFI[family])
    out.u8(subtype)
    out.u8(SAFI_UNICAST)
  },
}
