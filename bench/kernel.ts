// What the kernel holds, as the bench sees it.

import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { attachFilter, checked, inNamespace, libc, SOL_SOCKET } from '../src/edge/libc.ts'

const DEADLINE_MS = 60_000
/** Looking costs time that belongs to others: a tenth of it at most. */
const SHARE = 10

const SO_RCVTIMEO = 20
/** The longest that one event is waited for, in seconds. */
const EVENT_S = 60n
const RTMGRP_IPV4_ROUTE = 0x40

/** IPv4 routes in the namespace of a process: of fib_triestat, as reading 400,000 routes is no way to count them. */
export function routeCount(pid: number): number {
  const text = readFileSync(`/proc/${pid}/net/fib_triestat`, 'utf8')
  return Number(/^Main:[\s\S]*?Prefixes:\s+(\d+)/m.exec(text)?.[1] ?? 0)
}

/** Resolves when the kernel holds so many routes. Milliseconds of the clock of `performance`. */
export async function routesReach(pid: number, reached: (count: number) => boolean): Promise<number> {
  const deadline = performance.now() + DEADLINE_MS
  for (;;) {
    const begin = performance.now()
    const count = routeCount(pid)
    const end = performance.now()
    if (reached(count)) return begin
    if (end > deadline) throw new Error(`the kernel holds ${count} routes`)
    await pause(Math.max(1, (end - begin) * SHARE))
  }
}

/** Tells when the kernel announces that an IPv4 route has come or gone: rtnetlink(7). */
export class RouteWatch {
  readonly #fd: number
  readonly #buffer = new Uint8Array(4096)

  /** For routes into a network of so many bits, a number, in the namespace of a process. */
  constructor(pid: number, network: number, bits = 32) {
    this.#fd = inNamespace(`/proc/${pid}/ns/net`, () => checked(libc().socket(16, 3 | 0o2000000, 0)))
    attachFilter(this.#fd, [
      { code: 0x20, jt: 0, jf: 0, k: 40 }, // the destination, behind nlmsghdr, rtmsg and the table
      { code: 0x54, jt: 0, jf: 0, k: (-1 << (32 - bits)) >>> 0 }, // of it, the network
      { code: 0x15, jt: 1, jf: 0, k: network },
      { code: 0x06, jt: 0, jf: 0, k: 0 },
      { code: 0x06, jt: 0, jf: 0, k: 0xffff_ffff },
    ])
    checked(libc().setsockopt(this.#fd, SOL_SOCKET, SO_RCVTIMEO, BigInt64Array.of(EVENT_S, 0n), 16))
    checked(libc().bind(this.#fd, sockaddr(RTMGRP_IPV4_ROUTE), 12))
  }

  /** Blocks the whole process until it has, so that nothing comes between the event and the clock. */
  wait(): void {
    if (libc().recv(this.#fd, this.#buffer, this.#buffer.length, 0) < 0)
      throw new Error(`no such event in ${EVENT_S} s`)
  }

  close(): void {
    libc().close(this.#fd)
  }
}

function sockaddr(groups: number): Uint8Array {
  const name = new DataView(new ArrayBuffer(12))
  name.setUint16(0, 16, true)
  name.setUint32(8, groups, true)
  return new Uint8Array(name.buffer)
}
