// Text after its length in one octet, in UTF-8.

import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

/** What is not UTF-8 becomes U+FFFD: this is for people to read. */
export function readText(value: Reader): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(value.take(value.u8()))
}

/** Throws a RangeError when the text has more than 255 octets. */
export function writeText(text: string, out: Writer): void {
  out.sized8(() => out.bytes(new TextEncoder().encode(text)))
}
