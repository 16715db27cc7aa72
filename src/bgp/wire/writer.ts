// Writes a message from front to back, into room that grows. A value that does not fit its field is our own mistake.

import { type Address, addressBytes } from '../../inet/address.ts'
import { AS_TRANS } from './iana.ts'

export class Writer {
  #bytes = new Uint8Array(512)
  #length = 0

  get length(): number {
    return this.#length
  }

  u8(value: number): void {
    const at = this.#grow(1) // first: it may put other room in the place of #bytes
    this.#bytes[at] = fitting(value, 0xff)
  }

  u16(value: number): void {
    const at = this.#grow(2)
    this.#bytes[at] = fitting(value, 0xffff) >> 8
    this.#bytes[at + 1] = value
  }

  u32(value: number): void {
    this.u16(fitting(value, 0xffff_ffff) >>> 16)
    this.u16(value & 0xffff)
  }

  /** An AS number in four octets, or in two if it fits, else AS_TRANS: RFC 6793 §4.2.2. */
  asn(asn: number, as4: boolean): void {
    if (as4) this.u32(asn)
    else this.u16(asn > 0xffff ? AS_TRANS : asn)
  }

  address(address: Address): void {
    this.bytes(addressBytes(address))
  }

  /** The first `length` of `bytes`, or all of them. */
  bytes(bytes: Uint8Array, length = bytes.length): void {
    const at = this.#grow(length)
    for (let i = 0; i < length; i++) this.#bytes[at + i] = bytes[i]!
  }

  /** Hexadecimal digits, two to the octet. */
  hex(digits: string): void {
    this.bytes(Buffer.from(digits, 'hex'))
  }

  /** What `write` writes, after its length in one octet. */
  sized8(write: () => void): void {
    const at = this.#grow(1)
    write()
    this.#bytes[at] = fitting(this.#length - at - 1, 0xff)
  }

  /** What `write` writes, after its length in two octets. */
  sized16(write: () => void): void {
    const at = this.#grow(2)
    write()
    const length = fitting(this.#length - at - 2, 0xffff)
    this.#bytes[at] = length >> 8
    this.#bytes[at + 1] = length
  }

  /** A copy of all that was written. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length)
  }

  /** Makes room for `length` octets and says where they go. */
  #grow(length: number): number {
    const at = this.#length
    this.#length += length
    if (this.#length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(2 * this.#bytes.length, this.#length))
      larger.set(this.#bytes)
      this.#bytes = larger
    }
    return at
  }
}

function fitting(value: number, most: number): number {
  if (value > most) throw new RangeError(`${value} does not fit where ${most} is the most`)
  return value
}
