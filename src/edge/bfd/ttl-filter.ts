// Only what comes from a neighbour itself: single-hop BFD packets have a TTL of 255 (RFC 5881 §5, RFC 5082).
//
// Node does not say with which TTL a datagram came, so the kernel is asked to drop
// the others: a socket filter, four instructions of classic BPF (linux/filter.h).

import type { Socket } from 'node:dgram'
import { createRequire } from 'node:module'
import type { Family } from '../../inet/address.ts'

const SOL_SOCKET = 1
const SO_ATTACH_FILTER = 26

/** Where in the IP header it is, counted from SKF_NET_OFF. */
const TTL_AT: Readonly<Record<Family, number>> = { ipv4: 8, ipv6: 7 }
const SKF_NET_OFF = 0xfff0_0000
const LOAD_BYTE = 0x30
const JUMP_IF_EQUAL = 0x15
const RETURN = 0x06

interface Instruction {
  readonly code: number
  /** Instructions to skip when true, and when false. */
  readonly jt: number
  readonly jf: number
  readonly k: number
}

type SetFilter = (fd: number, level: number, option: number, program: object, length: number) => number

let loaded: SetFilter | undefined

/** For a socket that is bound. @throws when the kernel or koffi will not */
export function requireTtl255(socket: Socket, family: Family): void {
  loaded ??= load()
  const filter = program(family)
  const length = 16 // of struct sock_fprog
  if (
    loaded(descriptorOf(socket), SOL_SOCKET, SO_ATTACH_FILTER, { len: filter.length, filter }, length) !== 0
  )
    throw new Error('the kernel takes no socket filter')
}

function program(family: Family): Instruction[] {
  return [
    { code: LOAD_BYTE, jt: 0, jf: 0, k: SKF_NET_OFF + TTL_AT[family] },
    { code: JUMP_IF_EQUAL, jt: 0, jf: 1, k: 255 },
    { code: RETURN, jt: 0, jf: 0, k: 0xffff_ffff },
    { code: RETURN, jt: 0, jf: 0, k: 0 },
  ]
}

function load(): SetFilter {
  const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi')
  koffi.struct('sock_filter', { code: 'uint16', jt: 'uint8', jf: 'uint8', k: 'uint32' })
  koffi.struct('sock_fprog', { len: 'uint16', filter: 'sock_filter *' })
  return koffi.load(null).func('int setsockopt(int, int, int, const sock_fprog *, uint32_t)')
}

/** Node has no official way to it; `Socket.prototype._handle` is deprecated, this is what it reads. */
function descriptorOf(socket: Socket): number {
  const state = Object.getOwnPropertySymbols(socket).find(({ description }) => description === 'state symbol')
  const { handle } = (socket as unknown as Record<symbol, { handle: { fd: number } }>)[state!]!
  return handle.fd
}
