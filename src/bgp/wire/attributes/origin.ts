// ORIGIN, type 1: where the path information began. RFC 4271 §4.3 and §5.1.1, RFC 7606 §7.1.

import { UPDATE_ERROR } from '../iana.ts'
import type { Origin } from '../message.ts'
import { type AttributeCodec, TRANSITIVE } from './codec.ts'

const ORIGINS: readonly Origin[] = ['igp', 'egp', 'incomplete']

export const origin: AttributeCodec<'origin'> = {
  code: 1,
  name: 'origin',
  flags: TRANSITIVE,
  onMalformed: 'treat-as-withdraw',
  subcode: UPDATE_ERROR.origin,
  mandatory: 'all',

  decode(value) {
    const number = value.u8()
    const origin = ORIGINS[number]
    if (origin === undefined) throw value.malformed(`origin ${number}`)
    return origin
  },

  encode(origin, out) {
    out.u8(ORIGINS.indexOf(origin))
  },
}
