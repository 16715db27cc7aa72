// Reads the attributes of an UPDATE. What the RFCs ask of all attributes is asked here, once: RFC 4271 §4.3 and §6.3,
// RFC 7606 §3 and §4. What is special about one is in its own file.
//
// A fault does not stop the walk, unless it hides where the next attribute begins:
// to withdraw the routes of a message, one must have read them.

import { Malformed, orMalformed } from '../errors.ts'
import { attributeName, UPDATE_ERROR } from '../iana.ts'
import type { AttributeFault, PathAttributes, Severity, UnknownAttribute } from '../message.ts'
import type { Reader } from '../reader.ts'
import type { SessionCodec } from '../session.ts'
import { mergeAs4 } from './as4.ts'
import { EXTENDED_LENGTH, Ignored, OPTIONAL, PARTIAL, TRANSITIVE } from './codec.ts'
import { type AnyAttribute, ATTRIBUTES, BY_CODE } from './index.ts'

/** A fault, with what to put into the NOTIFICATION if it comes to that. */
export interface Fault extends AttributeFault {
  readonly subcode: number
  /** Octets of the message: whoever keeps them must copy them. */
  readonly data: Uint8Array
  readonly offset: number
}

export interface ReadAttributes {
  readonly attributes: PathAttributes
  readonly faults: readonly Fault[]
}

/** One attribute, cut to its own length. */
interface Raw {
  readonly flags: number
  readonly code: number
  readonly value: Reader
  /** All of it, flags included: what RFC 4271 §6.3 wants in the NOTIFICATION. */
  readonly data: Uint8Array
  readonly offset: number
}

interface Found {
  readonly values: Record<string, unknown>
  readonly unknown: UnknownAttribute[]
  readonly faults: Fault[]
  readonly codes: Set<number>
}

/** Stands for the list as a whole. The registry reserves it. */
const NO_CODE = 0

/** Reads `list` to its end. `classic`: the message announces destinations in the classic IPv4 field. Never throws. */
export function readAttributes(list: Reader, session: SessionCodec, classic: boolean): ReadAttributes {
  const found: Found = { values: {}, unknown: [], faults: [], codes: new Set() }
  while (list.left > 0) {
    const raw = orMalformed(() => cut(list))
    if (raw instanceof Malformed) {
      found.faults.push(overrun(raw))
      break
    }
    take(raw, session, found)
  }
  const { values, unknown, faults } = found
  const read: PathAttributes = { ...values, ...(unknown.length > 0 && { unknown }) }
  faults.push(...missing(found.codes, classic, (read.mpReach?.nlri.length ?? 0) > 0, list.offset))
  return { attributes: session.as4 ? read : mergeAs4(read), faults }
}

function cut(list: Reader): Raw {
  const { offset } = list
  const flags = list.u8()
  const code = list.u8()
  const value = list.part(flags & EXTENDED_LENGTH ? list.u16() : list.u8())
  return { flags, code, value, data: list.since(offset), offset }
}

function take(raw: Raw, session: SessionCodec, found: Found): void {
  const row = BY_CODE.get(raw.code)
  if (found.codes.has(raw.code)) found.faults.push(duplicate(raw, row))
  else if (row) takeKnown(raw, row, session, found)
  else takeUnknown(raw, found)
  found.codes.add(raw.code)
}

function takeKnown(raw: Raw, row: AnyAttribute, session: SessionCodec, { values, faults }: Found): void {
  const value = orMalformed(() => readValue(raw.value, row, session))
  if (value instanceof Ignored) {
    faults.push(fault(raw, 'attribute-discard', row.subcode, value.reason))
    return
  }
  if ((raw.flags ^ row.flags) & (OPTIONAL | TRANSITIVE)) {
    const reason = `flags ${hex(raw.flags)}, not ${hex(row.flags)}`
    faults.push(fault(raw, 'treat-as-withdraw', UPDATE_ERROR.flags, reason)) // RFC 7606 §3 c
  }
  if (value instanceof Malformed) faults.push(fault(raw, row.onMalformed, row.subcode, value.message))
  else values[row.name] = value
}

function readValue(value: Reader, row: AnyAttribute, session: SessionCodec) {
  const decoded = row.decode(value, session)
  if (value.left === 0 || decoded instanceof Ignored) return decoded
  throw value.malformed(`${value.left} octets too long`)
}

/** RFC 4271 §9. One that is not optional should be known to all; RFC 4271 §6.3 would reset, BIRD 2 withdraws. */
function takeUnknown(raw: Raw, { unknown, faults }: Found): void {
  const { code, flags, value } = raw
  if (flags & OPTIONAL)
    unknown.push({
      code,
      flags: flags & (OPTIONAL | TRANSITIVE | PARTIAL),
      value: new Uint8Array(value.rest()),
    })
  else
    faults.push(
      fault(raw, 'treat-as-withdraw', UPDATE_ERROR.unrecognizedWellKnown, 'unrecognized, but well-known'),
    )
}

/** RFC 7606 §3 g: the first one counts. But of routes, nobody knows which were meant. */
function duplicate(raw: Raw, row: AnyAttribute | undefined): Fault {
  const severity = row?.carriesNlri ? 'session-reset' : 'attribute-discard'
  return fault(raw, severity, UPDATE_ERROR.malformedList, 'appears more than once')
}

/** RFC 7606 §4: what follows cannot be told apart. */
function overrun({ message, offset }: Malformed): Fault {
  const list = { code: NO_CODE, data: new Uint8Array(), offset }
  return fault(list, 'treat-as-withdraw', UPDATE_ERROR.malformedList, message)
}

/** RFC 7606 §3 d. Without destinations nothing is mandatory. */
function missing(
  codes: ReadonlySet<number>,
  classic: boolean,
  multiprotocol: boolean,
  offset: number,
): Fault[] {
  const needed = { all: classic || multiprotocol, classic }
  return ATTRIBUTES.filter((row) => row.mandatory && needed[row.mandatory] && !codes.has(row.code)).map(
    ({ code }) =>
      fault(
        { code, data: Uint8Array.of(code), offset },
        'treat-as-withdraw',
        UPDATE_ERROR.missingWellKnown,
        'missing',
      ),
  )
}

function fault(
  { code, data, offset }: Pick<Raw, 'code' | 'data' | 'offset'>,
  severity: Severity,
  subcode: number,
  reason: string,
): Fault {
  return { severity, attribute: code, reason: `${attributeName(code)}: ${reason}`, subcode, data, offset }
}

function hex(flags: number): string {
  return `0x${flags.toString(16).padStart(2, '0')}`
}
