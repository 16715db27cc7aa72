// Prefixes as they travel: RFC 4271 §4.3, with a path identifier in front where both agreed to RFC 7911.

import { type Family, familyBits } from '../../inet/address.ts'
import { bitsOf } from '../../inet/bits.ts'
import { type Prefix, prefixFromBytes, prefixLength } from '../../inet/prefix.ts'
import { ipv4Text } from '../../inet/text.ts'
import type { Nlri } from './message.ts'
import type { Reader } from './reader.ts'
import type { Writer } from './writer.ts'

/** All prefixes up to the end. Throws Malformed when a length is too long, or a prefix is cut off. */
export function readNlri(from: Reader, family: Family, addPath: boolean): Nlri[] {
  const bits = familyBits(family)
  const readPrefix = family === 'ipv4' ? readIpv4 : readIpv6
  return from.all(() => {
    const pathId = addPath ? from.u32() : 0
    const length = from.u8()
    if (length > bits) throw from.malformed(`prefix length ${length}, ${bits} at most`)
    return { prefix: readPrefix(from, length), pathId }
  })
}

/** Octets that one prefix takes in a message. */
export function nlriSize({ prefix }: Nlri, addPath: boolean): number {
  return (addPath ? 4 : 0) + 1 + octetsOf(prefixLength(prefix))
}

/** Octets that any prefix of a family takes at most. */
export function largestNlri(family: Family, addPath: boolean): number {
  return (addPath ? 4 : 0) + 1 + octetsOf(familyBits(family))
}

export function writeNlri(out: Writer, nlri: readonly Nlri[], addPath: boolean): void {
  for (const { prefix, pathId } of nlri) {
    const { words, length } = bitsOf(prefix)
    if (addPath) out.u32(pathId)
    out.u8(length)
    for (let bit = 0; bit < length; bit += 8) out.u8((words[bit >> 5]! >>> (24 - (bit & 31))) & 0xff)
  }
}

/** Octets that hold `bits` bits. */
function octetsOf(bits: number): number {
  return (bits + 7) >> 3
}

/** What stands beyond the length has no meaning (RFC 4271 §4.3), so it is cleared. */
function readIpv4(from: Reader, length: number): Prefix {
  const word = from.leading(octetsOf(length))
  return ipv4Text(length === 0 ? 0 : word & (-1 << (32 - length)), length) as Prefix
}

function readIpv6(from: Reader, length: number): Prefix {
  const octets = new Uint8Array(16)
  octets.set(from.take(octetsOf(length)))
  return prefixFromBytes(octets, length)
}
