// Writes path attributes. RFC 4271 §4.3: in the order of their codes. Those that carry destinations are written apart,
// after all others, as BIRD does; RFC 7606 §5.1 would have them first.

import type { PathAttributes } from '../message.ts'
import type { SessionCodec } from '../session.ts'
import { Writer } from '../writer.ts'
import { as4Twins } from './as4.ts'
import { EXTENDED_LENGTH } from './codec.ts'
import { type AnyAttribute, ATTRIBUTES } from './index.ts'

const OF_THE_PATH = ATTRIBUTES.filter((row) => !row.carriesNlri)
const WITH_NLRI = ATTRIBUTES.filter((row) => row.carriesNlri)

/** All but MP_REACH_NLRI and MP_UNREACH_NLRI; for a peer with two-octet AS numbers with what that takes. */
export function writePathAttributes(out: Writer, attributes: PathAttributes, session: SessionCodec): void {
  const { as4Path: _, as4Aggregator: __, ...path } = attributes
  writeRows(out, OF_THE_PATH, session.as4 ? path : { ...path, ...as4Twins(path) }, session)
  for (const { code, flags, value } of attributes.unknown ?? []) writeRaw(out, flags, code, value)
}

/** MP_REACH_NLRI and MP_UNREACH_NLRI, if there. */
export function writeNlriAttributes(
  out: Writer,
  attributes: Pick<PathAttributes, 'mpReach' | 'mpUnreach'>,
  session: SessionCodec,
): void {
  writeRows(out, WITH_NLRI, attributes, session)
}

function writeRows(
  out: Writer,
  rows: readonly AnyAttribute[],
  attributes: PathAttributes,
  session: SessionCodec,
): void {
  for (const row of rows) {
    const value = attributes[row.name]
    if (value === undefined || row.absent?.(value)) continue
    const octets = new Writer()
    row.encode(value, octets, session)
    writeRaw(out, row.flags, row.code, octets.finish())
  }
}

function writeRaw(out: Writer, flags: number, code: number, value: Uint8Array): void {
  const long = value.length > 0xff
  out.u8(long ? flags | EXTENDED_LENGTH : flags)
  out.u8(code)
  if (long) out.u16(value.length)
  else out.u8(value.length)
  out.bytes(value)
}
