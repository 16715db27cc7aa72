// Addresses as numbers, for what is counted rather than matched: the blocks of a pool, the addresses of a block.

import { type Address, addressBytes, addressFromBytes, type Family, familyBits } from './address.ts'

/** The address as an unsigned number of 32 or 128 bits. */
export function numberOf(address: Address): bigint {
  return addressBytes(address).reduce((number, byte) => (number << 8n) | BigInt(byte), 0n)
}

/** Inverse of `numberOf`. @throws RangeError when the family has no such address */
export function addressOfNumber(number: bigint, family: Family): Address {
  const bits = familyBits(family)
  if (BigInt.asUintN(bits, number) !== number) throw new RangeError(`${family} has no address ${number}`)
  const bytes = Uint8Array.from({ length: bits / 8 }, (_, i) =>
    Number((number >> BigInt(bits - 8 - 8 * i)) & 0xffn),
  )
  return addressFromBytes(bytes)
}
