// Reads a message from front to back. What is missing is a Malformed with its place in the message, never undefined.

import { type Address, addressFromBytes } from '../../inet/address.ts'
import { Malformed } from './errors.ts'

export class Reader {
  readonly #bytes: Uint8Array
  readonly #end: number
  #at: number

  /** Reads `bytes` from `at` up to `end`; both count from the start of the message, as do the offsets of errors. */
  constructor(bytes: Uint8Array, at = 0, end = bytes.length) {
    this.#bytes = bytes
    this.#at = at
    this.#end = end
  }

  /** Where the next octet stands in the message. */
  get offset(): number {
    return this.#at
  }

  get left(): number {
    return this.#end - this.#at
  }

  /** The next octet, which is not passed over. Undefined at the end. */
  peek(): number | undefined {
    return this.left > 0 ? this.#bytes[this.#at] : undefined
  }

  u8(): number {
    return this.#bytes[this.#skip(1)]!
  }

  u16(): number {
    const at = this.#skip(2)
    return (this.#bytes[at]! << 8) | this.#bytes[at + 1]!
  }

  u32(): number {
    return this.u16() * 0x1_0000 + this.u16()
  }

  /** The next octets, four at most, as the leading ones of 32 bits. */
  leading(octets: number): number {
    const at = this.#skip(octets)
    let word = 0
    for (let i = 0; i < octets; i++) word |= this.#bytes[at + i]! << (24 - 8 * i)
    return word
  }

  /** An AS number, in four octets or in two: RFC 6793 §3. */
  asn(as4: boolean): number {
    return as4 ? this.u32() : this.u16()
  }

  ipv4(): Address {
    return addressFromBytes(this.take(4))
  }

  ipv6(): Address {
    return addressFromBytes(this.take(16))
  }

  /** The next octets as hexadecimal digits, two to the octet. */
  hex(length: number): string {
    return Buffer.from(this.take(length)).toString('hex')
  }

  /**
   * The next octets as they lie in the message. Whoever keeps them must copy them, with `new Uint8Array`: the slice of
   * a Buffer, which is what sockets give, is no copy.
   */
  take(length: number): Uint8Array {
    const at = this.#skip(length)
    return this.#bytes.subarray(at, this.#at)
  }

  /** All that is left, as `take` does. */
  rest(): Uint8Array {
    return this.take(this.left)
  }

  /** A reader of the next `length` octets, which this one passes over. */
  part(length: number): Reader {
    const at = this.#skip(length)
    return new Reader(this.#bytes, at, this.#at)
  }

  /** What was read since `offset`, as `take` gives it. */
  since(offset: number): Uint8Array {
    return this.#bytes.subarray(offset, this.#at)
  }

  /** Applies `read` until nothing is left. */
  all<T>(read: (reader: Reader) => T): T[] {
    const values: T[] = []
    while (this.left > 0) values.push(read(this))
    return values
  }

  /** Complains about what was read last, or is to be read next. */
  malformed(reason: string): Malformed {
    return new Malformed(reason, this.#at)
  }

  #skip(length: number): number {
    if (length > this.left) throw this.malformed(`${length} octets expected, ${this.left} left`)
    const at = this.#at
    this.#at += length
    return at
  }
}
