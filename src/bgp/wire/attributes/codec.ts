// What there is to know of one path attribute. RFC 4271 §4.3 and §5; the treatments are RFC 7606's.

import type { PathAttributes, Severity } from '../message.ts'
import type { Reader } from '../reader.ts'
import type { SessionCodec } from '../session.ts'
import type { Writer } from '../writer.ts'

/** Attribute flags, RFC 4271 §4.3. */
export const OPTIONAL = 0x80
export const TRANSITIVE = 0x40
export const PARTIAL = 0x20
export const EXTENDED_LENGTH = 0x10

/** The attributes that have a row in the table. */
export type Known = Exclude<keyof PathAttributes, 'unknown'>

export type Value<Name extends Known> = NonNullable<PathAttributes[Name]>

export interface AttributeCodec<Name extends Known> {
  readonly code: number
  readonly name: Name
  /** OPTIONAL and TRANSITIVE as they must be. */
  readonly flags: number
  /** What a value that cannot be read leads to. Wrong flags are the same for all: RFC 7606 §3 c. */
  readonly onMalformed: Severity
  /** Of the NOTIFICATION, should it come to a reset: RFC 4271 §6.3. */
  readonly subcode: number
  /** Destinations cannot be announced without it: all of them, or those in the classic IPv4 field. */
  readonly mandatory?: 'all' | 'classic'
  /** The attribute holds destinations: two of them in one message, and nobody knows which were meant. */
  readonly carriesNlri?: true
  /**
   * `value` ends where the attribute ends; what is left of it afterwards is a fault. Throws Malformed, or returns what
   * `ignore` returns.
   */
  decode(value: Reader, session: SessionCodec): Value<Name> | Ignored
  encode(value: Value<Name>, out: Writer, session: SessionCodec): void
  /** True for a value that is expressed by not sending the attribute. */
  absent?(value: Value<Name>): boolean
}

/** An attribute that may be fine, but is not for us to look at. */
export class Ignored {
  readonly reason: string

  constructor(reason: string) {
    this.reason = reason
  }
}

/** Passes over the attribute unread: the discard of RFC 7606 §2. */
export function ignore(reason: string): Ignored {
  return new Ignored(reason)
}
