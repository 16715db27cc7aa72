// The 19 octets before every message: marker, length, type. RFC 4271 §4.1 and §6.1.

import { BgpError } from './errors.ts'
import { ERROR, HEADER_ERROR, MAX_EXTENDED_LENGTH, MAX_LENGTH, MESSAGE_TYPE } from './iana.ts'
import { Writer } from './writer.ts'

export const HEADER_LENGTH = 19

const MARKER_LENGTH = 16

export interface Header {
  /** Of the whole message, in octets. */
  readonly length: number
  readonly type: number
}

/** Lengths a message may have, by type. Never more than the session's limit, either. */
const LENGTHS: Readonly<Record<number, { readonly least: number; readonly most: number }>> = {
  [MESSAGE_TYPE.open]: { least: 29, most: MAX_LENGTH }, // RFC 8654 §4
  [MESSAGE_TYPE.update]: { least: 23, most: MAX_EXTENDED_LENGTH },
  [MESSAGE_TYPE.notification]: { least: 21, most: MAX_EXTENDED_LENGTH },
  [MESSAGE_TYPE.keepalive]: { least: HEADER_LENGTH, most: HEADER_LENGTH },
  // A wrong one has an error code of its own, and takes the whole message to complain about: RFC 7313 §5.
  [MESSAGE_TYPE.routeRefresh]: { least: HEADER_LENGTH, most: MAX_EXTENDED_LENGTH },
}

/**
 * Reads the header at `at`, where 19 octets must be. `maxLength` is the session's limit, in octets. Throws a BgpError
 * of code 1 when it is no header, or one of a message that cannot be.
 */
export function readHeader(bytes: Uint8Array, at: number, maxLength: number): Header {
  for (let i = at; i < at + MARKER_LENGTH; i++) if (bytes[i] !== 0xff) throw headerError('notSynchronized', 0)
  const lengthAt = at + MARKER_LENGTH
  const length = (bytes[lengthAt]! << 8) | bytes[lengthAt + 1]!
  const type = bytes[lengthAt + 2]!
  const lengths = LENGTHS[type]
  const least = lengths?.least ?? HEADER_LENGTH
  const most = Math.min(lengths?.most ?? maxLength, maxLength)
  if (length < least || length > most)
    throw headerError(
      'badLength',
      16,
      new Uint8Array(bytes.subarray(lengthAt, lengthAt + 2)),
      `${length}, not ${least} to ${most}`,
    )
  if (!lengths) throw headerError('badType', 18, Uint8Array.of(type), `${type}`)
  return { length, type }
}

/** A whole message of what `write` writes as its body. Throws a RangeError when it is longer than it may be. */
export function writeMessage(type: number, maxLength: number, write: (body: Writer) => void): Uint8Array {
  const out = new Writer()
  for (let i = 0; i < MARKER_LENGTH; i++) out.u8(0xff)
  out.u16(0)
  out.u8(type)
  write(out)
  const most = Math.min(maxLength, LENGTHS[type]!.most)
  if (out.length > most) throw new RangeError(`a message of ${out.length} octets, ${most} at most`)
  const message = out.finish()
  new DataView(message.buffer).setUint16(MARKER_LENGTH, message.length)
  return message
}

function headerError(
  kind: keyof typeof HEADER_ERROR,
  offset: number,
  data: Uint8Array = new Uint8Array(),
  reason?: string,
): BgpError {
  return new BgpError(ERROR.header, HEADER_ERROR[kind], data, offset, reason)
}
