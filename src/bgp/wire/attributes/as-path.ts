// AS_PATH, type 2: the ASes a path went through. RFC 4271 §4.3 and §5.1.2, RFC 7606 §7.2.
//
// AS_SET is accepted, although RFC 9774 wants its routes withdrawn: BIRD accepts
// it, and a router in front of a cluster may still aggregate.

import { UPDATE_ERROR } from '../iana.ts'
import type { AsSegment } from '../message.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'
import { type AttributeCodec, TRANSITIVE } from './codec.ts'

/** Segment types, RFC 4271 §4.3. Those of confederations (RFC 5065) are no business of ours: we are in none. */
export const SEGMENT_TYPES: Readonly<Record<number, AsSegment['type']>> = { 1: 'set', 2: 'sequence' }
const SEGMENT_CODES = { set: 1, sequence: 2 } as const

export const asPath: AttributeCodec<'asPath'> = {
  code: 2,
  name: 'asPath',
  flags: TRANSITIVE,
  onMalformed: 'treat-as-withdraw',
  subcode: UPDATE_ERROR.asPath,
  mandatory: 'all',

  decode(value, { as4 }) {
    return value.all(() => {
      const number = value.u8()
      const type = SEGMENT_TYPES[number]
      if (type === undefined) throw value.malformed(`segment type ${number}`)
      return { type, asns: readAsns(value, as4) }
    })
  },

  encode(path, out, { as4 }) {
    writeAsPath(path, out, as4)
  },
}

/** The AS numbers of one segment, after its type. */
export function readAsns(value: Reader, as4: boolean): number[] {
  const count = value.u8()
  if (count === 0) throw value.malformed('segment without AS numbers')
  return Array.from({ length: count }, () => {
    const asn = value.asn(as4)
    if (asn === 0) throw value.malformed('AS 0') // RFC 7607 §2
    return asn
  })
}

/** Throws a RangeError when a segment has more than 255 AS numbers. */
export function writeAsPath(path: readonly AsSegment[], out: Writer, as4: boolean): void {
  for (const { type, asns } of path) {
    out.u8(SEGMENT_CODES[type])
    out.u8(asns.length)
    for (const asn of asns) out.asn(asn, as4)
  }
}
