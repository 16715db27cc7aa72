// Only what comes from a neighbour itself: single-hop BFD packets have a TTL of 255 (RFC 5881 §5, RFC 5082).
//
// Node does not say with which TTL a datagram came, so the kernel is asked to drop
// the others: a socket filter, four instructions of classic BPF (linux/filter.h).

import type { Socket } from 'node:dgram'
import type { Family } from '../../inet/address.ts'
import { attachFilter, type Instruction } from '../libc.ts'

/** Where in the IP header it is, counted from SKF_NET_OFF. */
const TTL_AT: Readonly<Record<Family, number>> = { ipv4: 8, ipv6: 7 }
const SKF_NET_OFF = 0xfff0_0000
const LOAD_BYTE = 0x30
const JUMP_IF_EQUAL = 0x15
const RETURN = 0x06

/** For a socket that is bound. @throws when the kernel or koffi will not */
export function requireTtl255(socket: Socket, family: Family): void {
  attachFilter(descriptorOf(socket), program(family))
}

function program(family: Family): Instruction[] {
  return [
    { code: LOAD_BYTE, jt: 0, jf: 0, k: SKF_NET_OFF + TTL_AT[family] },
    { code: JUMP_IF_EQUAL, jt: 0, jf: 1, k: 255 },
    { code: RETURN, jt: 0, jf: 0, k: 0xffff_ffff },
    { code: RETURN, jt: 0, jf: 0, k: 0 },
  ]
}

/** Node has no official way to it; `Socket.prototype._handle` is deprecated, this is what it reads. */
function descriptorOf(socket: Socket): number {
  const state = Object.getOwnPropertySymbols(socket).find(({ description }) => description === 'state symbol')
  const { handle } = (socket as unknown as Record<symbol, { handle: { fd: number } }>)[state!]!
  return handle.fd
}
