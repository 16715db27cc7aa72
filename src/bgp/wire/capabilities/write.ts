// Writes capabilities, in the order given. RFC 5492 §4.

import type { Capability } from '../message.ts'
import { Writer } from '../writer.ts'
import { BY_CODE } from './index.ts'

/** Number, length and value of each. Throws a RangeError when a value has more than 255 octets. */
export function writeCapabilities(capabilities: readonly Capability[]): Uint8Array {
  const out = new Writer()
  for (const capability of capabilities) {
    if (capability.code === 'unknown') {
      out.u8(capability.number)
      out.sized8(() => out.bytes(capability.value))
    } else {
      const row = BY_CODE.get(capability.code)!
      out.u8(row.number)
      out.sized8(() => row.encode(capability, out))
    }
  }
  return out.finish()
}
