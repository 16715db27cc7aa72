// What there is to know of one capability. RFC 5492 §4.

import type { Capability } from '../message.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

/** The capability of one `code` in message.ts. */
export type Of<Code extends Capability['code']> = Extract<Capability, { code: Code }>

export type Known = Exclude<Capability, { code: 'unknown' }>

export interface CapabilityCodec<C extends Known> {
  readonly number: number
  readonly code: C['code']
  /** What a value that cannot be read leads to: no session, or no more than if the capability were not there. */
  readonly onMalformed: 'refuse' | 'pass-over'
  /**
   * `value` ends where the capability ends; what is left of it afterwards makes it malformed. Throws Malformed.
   * Undefined: not for us, to be carried as it came.
   */
  decode(value: Reader): C | undefined
  encode(capability: C, out: Writer): void
}
