// AS4_PATH, type 17: what AS_PATH would be, could the peer read it. RFC 6793 §3, errors §6.
//
// It is found between us and a peer with two-octet AS numbers only, and ends here: as4.ts merges it into AS_PATH, and
// makes it from AS_PATH on the way out.

import { UPDATE_ERROR } from '../iana.ts'
import type { AsSegment } from '../message.ts'
import type { Reader } from '../reader.ts'
import { readAsns, SEGMENT_TYPES, writeAsPath } from './as-path.ts'
import { type AttributeCodec, ignore, OPTIONAL, TRANSITIVE } from './codec.ts'

/** AS_CONFED_SEQUENCE and AS_CONFED_SET, RFC 5065 §3. */
const CONFEDERATION = [3, 4]

export const as4Path: AttributeCodec<'as4Path'> = {
  code: 17,
  name: 'as4Path',
  flags: OPTIONAL | TRANSITIVE,
  onMalformed: 'attribute-discard',
  subcode: UPDATE_ERROR.optional,

  decode(value, { as4 }) {
    if (as4) return ignore('from a peer with four-octet AS numbers')
    if (value.left === 0) throw value.malformed('empty')
    return value.all(readSegment).filter((segment) => segment !== undefined)
  },

  encode(path, out) {
    writeAsPath(path, out, true)
  },
}

/** Undefined for a confederation's, which is left out: RFC 6793 §6. */
function readSegment(value: Reader): AsSegment | undefined {
  const number = value.u8()
  const type = SEGMENT_TYPES[number]
  if (type === undefined && !CONFEDERATION.includes(number)) throw value.malformed(`segment type ${number}`)
  const asns = readAsns(value, true)
  return type && { type, asns }
}
