// Random addresses and prefixes for property tests, drawn close together so that they meet.

import fc from 'fast-check'
import { type Address, addressFromBytes } from '../../src/inet/address.ts'
import { type Prefix, prefixOf } from '../../src/inet/prefix.ts'

const bytes = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length })

export const anyAddress: fc.Arbitrary<Address> = fc.oneof(bytes(4), bytes(16)).map(addressFromBytes)

/** Few distinct bits, so that two of them often contain one another. */
const sparse = (length: number): fc.Arbitrary<Address> =>
  fc.array(fc.nat(8 * length - 1), { maxLength: 3 }).map((ones) => {
    const octets = new Uint8Array(length)
    for (const bit of ones) octets[bit >> 3]! |= 0x80 >> (bit & 7)
    return addressFromBytes(octets)
  })

export const closeAddress: fc.Arbitrary<Address> = fc.oneof(sparse(4), sparse(16))

export const closePrefix: fc.Arbitrary<Prefix> = fc.oneof(
  fc.tuple(sparse(4), fc.nat(32)).map(([address, length]) => prefixOf(address, length)),
  fc.tuple(sparse(16), fc.nat(128)).map(([address, length]) => prefixOf(address, length)),
)
