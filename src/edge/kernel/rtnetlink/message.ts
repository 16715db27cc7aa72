// Netlink messages: their frame, and the attributes in them. RFC 3549 §2.2, linux/netlink.h.
//
// Numbers are in the byte order of the machine, and everything begins at a multiple of four.

import { endianness } from 'node:os'

export const NLMSG_ERROR = 2
export const NLMSG_DONE = 3
export const NLM_F_REQUEST = 0x1
const NLM_F_ACK = 0x4
export const NLM_F_REPLACE = 0x100
export const NLM_F_CREATE = 0x400
/** NLM_F_ROOT and NLM_F_MATCH: everything that fits. */
export const NLM_F_DUMP = 0x300
/** Of an answer that has several parts: what they are about changed in between. */
export const NLM_F_DUMP_INTR = 0x10
/** Of an answer: the request is not repeated in it, and attributes follow. */
const NLM_F_ACK_TLVS = 0x200
/** Kernels from before extended answers have none. */
const NLMSGERR_ATTR_MSG = 1
const HEADER = 16
/** The high bits say how an attribute is encoded. */
const TYPE_MASK = 0x3fff

/** The machines that Linux runs on know both. */
export const LITTLE = endianness() === 'LE'

/** One message; `from` and `to` bound what follows its header. */
export interface Message {
  readonly type: number
  readonly flags: number
  readonly sequence: number
  readonly from: number
  readonly to: number
}

/** What the kernel says to one request. */
export interface Answer {
  readonly sequence: number
  /** Number of the error, positive; 0: done. */
  readonly error: number
  /** The kernel's own words, if it has any. */
  readonly message?: string
}

/** The messages of one datagram. One that is cut off ends it. */
export function* messagesOf(view: DataView): Generator<Message> {
  for (let at = 0; at + HEADER <= view.byteLength; ) {
    const length = view.getUint32(at, LITTLE)
    if (length < HEADER || at + length > view.byteLength) return
    yield {
      type: view.getUint16(at + 4, LITTLE),
      flags: view.getUint16(at + 6, LITTLE),
      sequence: view.getUint32(at + 8, LITTLE),
      from: at + HEADER,
      to: at + length,
    }
    at += aligned(length)
  }
}

/** Calls back for each attribute, with the bounds of its value. One that is cut off ends it. */
export function eachAttribute(
  view: DataView,
  from: number,
  to: number,
  take: (type: number, from: number, to: number) => void,
): void {
  for (let at = from; at + 4 <= to; ) {
    const length = view.getUint16(at, LITTLE)
    if (length < 4 || at + length > to) return
    take(view.getUint16(at + 2, LITTLE) & TYPE_MASK, at + 4, at + length)
    at += aligned(length)
  }
}

/** Reads an NLMSG_ERROR, which also says that all went well. Asked to, the kernel leaves out the request it is about. */
export function readAnswer(view: DataView, { flags, sequence, from, to }: Message): Answer {
  const error = -view.getInt32(from, LITTLE)
  if (!(flags & NLM_F_ACK_TLVS)) return { sequence, error }
  let message: string | undefined
  eachAttribute(view, from + 4 + HEADER, to, (type, start, end) => {
    if (type === NLMSGERR_ATTR_MSG) message = textOf(view, start, end)
  })
  return { sequence, error, ...(message !== undefined && { message }) }
}

/** Up to the zero it ends with. */
export function textOf({ buffer, byteOffset }: DataView, from: number, to: number): string {
  return Buffer.from(buffer, byteOffset + from, to - from)
    .toString()
    .replace(/\0.*$/s, '')
}

/** Puts messages together, one after another. */
export class MessageWriter {
  #bytes = new Uint8Array(1024)
  #view = new DataView(this.#bytes.buffer)
  #length = 0
  #start = 0

  get length(): number {
    return this.#length
  }

  /** What was written since the last time. */
  take(): Uint8Array {
    const taken = this.#bytes.slice(0, this.#length)
    this.#length = 0
    return taken
  }

  /** Begins a message. To be ended before the next. */
  begin(type: number, flags: number, sequence: number): void {
    this.#start = this.#length
    this.u32(0) // its length, when that is known
    this.u16(type)
    this.u16(flags)
    this.u32(sequence)
    this.u32(0) // from us: the kernel knows who we are
  }

  end(): void {
    this.#view.setUint32(this.#start, this.#length - this.#start, LITTLE)
  }

  /** Asks for an answer to the last message also when all goes well; what goes wrong is always answered. */
  acknowledge(): void {
    const at = this.#start + 6
    this.#view.setUint16(at, this.#view.getUint16(at, LITTLE) | NLM_F_ACK, LITTLE)
  }

  u8(value: number): void {
    const at = this.#grow(1)
    this.#bytes[at] = value
  }

  /** Four of one octet each. */
  octets(a: number, b: number, c: number, d: number): void {
    const at = this.#grow(4)
    this.#view.setUint32(at, ((a << 24) | (b << 16) | (c << 8) | d) >>> 0)
  }

  u16(value: number): void {
    const at = this.#grow(2)
    this.#view.setUint16(at, value, LITTLE)
  }

  u32(value: number): void {
    const at = this.#grow(4)
    this.#view.setUint32(at, value, LITTLE)
  }

  /** What stands there. */
  copy(view: DataView, from: number, to: number): void {
    for (let at = from; at < to; at++) this.u8(view.getUint8(at))
  }

  /** In network byte order, as addresses are. */
  words(values: readonly number[]): void {
    for (const value of values) {
      const at = this.#grow(4)
      this.#view.setInt32(at, value)
    }
  }

  /** An attribute that holds words in network byte order. */
  address(type: number, words: readonly number[]): void {
    this.u16(4 + 4 * words.length)
    this.u16(type)
    this.words(words)
  }

  /** An attribute that holds a number. */
  number(type: number, value: number): void {
    this.u16(8)
    this.u16(type)
    this.u32(value)
  }

  /** An attribute that holds what `write` writes. */
  attribute(type: number, write: () => void): void {
    this.counted(() => {
      this.u16(type)
      write()
    })
  }

  /** What `write` writes, behind its length, which counts itself. */
  counted(write: () => void): void {
    const start = this.#grow(2)
    write()
    this.#view.setUint16(start, this.#length - start, LITTLE)
    while (this.#length !== aligned(this.#length)) this.u8(0)
  }

  /** Room for so many octets; where it begins. What was there before may have moved. */
  #grow(by: number): number {
    const at = this.#length
    this.#length += by
    if (this.#length > this.#bytes.length) {
      const larger = new Uint8Array(2 * this.#length)
      larger.set(this.#bytes)
      this.#bytes = larger
      this.#view = new DataView(larger.buffer)
    }
    return at
  }
}

function aligned(length: number): number {
  return (length + 3) & ~3
}
