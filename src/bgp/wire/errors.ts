// How a peer can be wrong: so that the session must end, or so that one value cannot be read.

import { notificationText } from './iana.ts'

/** The peer broke the protocol, and is to be told so by a NOTIFICATION: RFC 4271 §6. */
export class BgpError extends Error {
  override readonly name = 'BgpError'
  readonly code: number
  readonly subcode: number
  /** The Data field of the NOTIFICATION. */
  readonly data: Uint8Array
  /** Where in the message, in octets from the start of its header; undefined when the whole of it is meant. */
  readonly offset: number | undefined

  constructor(
    code: number,
    subcode: number,
    data: Uint8Array = new Uint8Array(),
    offset?: number,
    reason?: string,
  ) {
    const where = offset === undefined ? '' : ` at octet ${offset}`
    super(`${notificationText(code, subcode)}${where}${reason === undefined ? '' : `: ${reason}`}`)
    this.code = code
    this.subcode = subcode
    this.data = data
    this.offset = offset
  }
}

/** One value cannot be read. What that means for the session is for those who know what the value is. */
export class Malformed extends Error {
  override readonly name = 'Malformed'
  /** Octets from the start of the message. */
  readonly offset: number

  constructor(reason: string, offset: number) {
    super(reason)
    this.offset = offset
  }
}

/** What `read` returns; where it finds something Malformed, a BgpError of this code is thrown. */
export function failingAs<T>(code: number, subcode: number, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof Malformed) throw new BgpError(code, subcode, undefined, error.offset, error.message)
    throw error // ours, not the peer's
  }
}

/** What `read` returns, or the Malformed that it throws. */
export function orMalformed<T>(read: () => T): T | Malformed {
  try {
    return read()
  } catch (error) {
    if (error instanceof Malformed) return error
    throw error
  }
}
