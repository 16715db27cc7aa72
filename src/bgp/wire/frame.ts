// Cuts what arrives on a connection into messages. RFC 4271 §4.1.
//
// A message that lies in one chunk is handed on as a part of that chunk. Only one
// that spans chunks is put together in memory of its own, of the length its header
// says: what a peer can make us hold is one message.

import { HEADER_LENGTH, readHeader } from './header.ts'
import { MAX_LENGTH } from './iana.ts'

export class Framer {
  /** Longest message accepted, in octets; 65535 once both sides have agreed to RFC 8654. */
  maxLength: number = MAX_LENGTH
  /** The message being put together: its header first, then room for all of it. */
  #partial = new Uint8Array(HEADER_LENGTH)
  #have = 0

  /**
   * The messages that `chunk` completes, header included. Throws a BgpError of code 1 as soon as 19 octets are there
   * that are no header; after that the connection cannot be made sense of, and neither can this.
   */
  push(chunk: Uint8Array): Uint8Array[] {
    const messages: Uint8Array[] = []
    let at = 0
    while (at < chunk.length) {
      const whole = this.#have === 0 ? this.#wholeAt(chunk, at) : undefined
      if (whole) messages.push(whole)
      at += whole?.length ?? this.#gather(chunk, at, messages)
    }
    return messages
  }

  /** The message at `at`, if all of it is there. */
  #wholeAt(chunk: Uint8Array, at: number): Uint8Array | undefined {
    if (chunk.length - at < HEADER_LENGTH) return undefined
    const { length } = readHeader(chunk, at, this.maxLength)
    return chunk.length - at < length ? undefined : chunk.subarray(at, at + length)
  }

  /** Copies what the partial message lacks, and says how many octets that were. */
  #gather(chunk: Uint8Array, at: number, messages: Uint8Array[]): number {
    const taken = Math.min(this.#partial.length - this.#have, chunk.length - at)
    this.#partial.set(chunk.subarray(at, at + taken), this.#have)
    this.#have += taken
    if (this.#have === HEADER_LENGTH) this.#makeRoom()
    if (this.#have === this.#partial.length) {
      messages.push(this.#partial)
      this.#partial = new Uint8Array(HEADER_LENGTH)
      this.#have = 0
    }
    return taken
  }

  /** The header is complete. */
  #makeRoom(): void {
    const { length } = readHeader(this.#partial, 0, this.maxLength)
    const whole = new Uint8Array(length)
    whole.set(this.#partial)
    this.#partial = whole
  }
}
