// MP_UNREACH_NLRI, type 15: destinations of a family that are gone. RFC 4760 §4, RFC 7606 §7.12. Without any it marks
// the End-of-RIB of its family: RFC 4724 §2.

import { familyFrom, writeFamily } from '../family.ts'
import { UPDATE_ERROR } from '../iana.ts'
import { readNlri, writeNlri } from '../nlri.ts'
import { type AttributeCodec, ignore, OPTIONAL } from './codec.ts'

export const mpUnreach: AttributeCodec<'mpUnreach'> = {
  code: 15,
  name: 'mpUnreach',
  flags: OPTIONAL,
  onMalformed: 'session-reset',
  subcode: UPDATE_ERROR.optional,
  carriesNlri: true,

  decode(value, { addPathReceive }) {
    const family = familyFrom(value.u16(), value.u8())
    if (family === 'other') return ignore('of a family that was not agreed on')
    return { family, withdrawn: readNlri(value, family, addPathReceive[family]) }
  },

  encode({ family, withdrawn }, out, { addPathSend }) {
    writeFamily(out, family)
    writeNlri(out, withdrawn, addPathSend[family])
  },
}
