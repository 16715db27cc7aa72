// Reads the capabilities of an OPEN. RFC 5492 §4: those we do not know are no reason to complain, and any may be repeated.

import { Malformed, orMalformed } from '../errors.ts'
import type { Capability } from '../message.ts'
import type { Reader } from '../reader.ts'
import { type AnyCapability, BY_NUMBER } from './index.ts'

/** All capabilities of one parameter, in their order. Throws Malformed. */
export function readCapabilities(parameter: Reader): Capability[] {
  return parameter.all(readCapability)
}

function readCapability(from: Reader): Capability {
  const number = from.u8()
  const value = from.part(from.u8())
  const octets = from.since(value.offset)
  const row = BY_NUMBER.get(number)
  return (row && readKnown(value, row)) ?? { code: 'unknown', number, value: new Uint8Array(octets) }
}

function readKnown(value: Reader, row: AnyCapability): Capability | undefined {
  const read = orMalformed(() => readWhole(value, row))
  if (!(read instanceof Malformed)) return read
  if (row.onMalformed === 'refuse') throw read
  return undefined
}

function readWhole(value: Reader, row: AnyCapability): Capability | undefined {
  const capability = row.decode(value)
  if (value.left > 0) throw value.malformed(`capability ${row.number}: ${value.left} octets too long`)
  return capability
}
