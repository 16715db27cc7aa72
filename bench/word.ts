// The moment at which etcd's word of a change leaves for who watches it: the kernel's stamp on the packet, packet(7) and
// socket(7). It is looked at when all is over, so that nobody wakes for it and takes time from those at work.

import koffi from 'koffi'
import { attachFilter, checked, libc, MSG_DONTWAIT, SOCK_CLOEXEC } from '../src/edge/libc.ts'
import { type Address, addressWords } from '../src/inet/address.ts'

const AF_PACKET = 17
const SOCK_DGRAM = 2
/** In network byte order; no narrower protocol tells of packets on their way out. */
const ETH_P_ALL = 0x0300
const SIOCGSTAMPNS = 0x8907
const CLOCK_REALTIME = 0
/** Octets of a packet: a document has more, and what else etcd says fewer. */
const WORD = 300

const clockGettime = koffi.load(null).func('int clock_gettime(int, void *)')

/** Milliseconds of the clock by which packets are stamped. */
export function stampNow(): number {
  const time = new BigInt64Array(2)
  clockGettime(CLOCK_REALTIME, time)
  return milliseconds(time)
}

export class WordWatch {
  readonly #fd = checked(libc().socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, ETH_P_ALL))

  /** Of what goes from a port to an IPv4 address, seen from our own network namespace. */
  constructor(port: number, to: Address) {
    attachFilter(this.#fd, [
      { code: 0x30, jt: 0, jf: 0, k: 0 },
      { code: 0x15, jt: 0, jf: 7, k: 0x45 }, // IPv4 without options
      { code: 0x28, jt: 0, jf: 0, k: 2 },
      { code: 0x35, jt: 0, jf: 5, k: WORD }, // in all
      { code: 0x20, jt: 0, jf: 0, k: 16 },
      { code: 0x15, jt: 0, jf: 3, k: addressWords(to)[0]! >>> 0 },
      { code: 0x28, jt: 0, jf: 0, k: 20 },
      { code: 0x15, jt: 0, jf: 1, k: port },
      { code: 0x06, jt: 0, jf: 0, k: 64 },
      { code: 0x06, jt: 0, jf: 0, k: 0 },
    ])
    this.clear()
  }

  /** What was said so far does not count. */
  clear(): void {
    this.#stamp() // by being asked for, stamps are switched on
    while (this.#next());
  }

  /** When the first word since `clear` left, on the clock of `stampNow`. @throws when there was none */
  first(): number {
    if (!this.#next()) throw new Error('etcd has said nothing')
    return milliseconds(this.#stamp())
  }

  close(): void {
    libc().close(this.#fd)
  }

  #next(): boolean {
    return libc().recv(this.#fd, new Uint8Array(1), 1, MSG_DONTWAIT) >= 0
  }

  /** Of the packet that was taken last. */
  #stamp(): BigInt64Array {
    const time = new BigInt64Array(2)
    libc().ioctl(this.#fd, SIOCGSTAMPNS, 'void *', new Uint8Array(time.buffer))
    return time
  }
}

function milliseconds([seconds, nanoseconds]: BigInt64Array): number {
  return Number(seconds) * 1_000 + Number(nanoseconds) / 1e6
}
