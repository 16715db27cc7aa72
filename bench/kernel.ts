// What the kernel holds, as the bench sees it.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { setTimeout as pause } from 'node:timers/promises'

const DEADLINE_MS = 60_000
/** Looking costs time that belongs to others: a tenth of it at most. */
const SHARE = 10

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

/** Tells when the kernel announces that one IPv4 route has come or gone. */
export class RouteWatch {
  readonly #fd: number
  readonly #libc = calls()
  readonly #buffer = new Uint8Array(4096)

  /** For the route to `destination`, a number, in the namespace of a process. */
  constructor(pid: number, destination: number) {
    const { socket, setsockopt, filter } = this.#libc
    this.#fd = inNamespaceOf(pid, this.#libc, () => socket(16, 3 | 0o2000000, 0))
    const program = [
      { code: 0x20, jt: 0, jf: 0, k: 40 }, // the destination, behind nlmsghdr, rtmsg and the table
      { code: 0x15, jt: 1, jf: 0, k: destination },
      { code: 0x06, jt: 0, jf: 0, k: 0 },
      { code: 0x06, jt: 0, jf: 0, k: 0xffff_ffff },
    ]
    filter(this.#fd, 1, 26, { len: program.length, filter: program }, 16)
    setsockopt(this.#fd, 1, 20, BigInt64Array.of(10n, 0n), 16) // SO_RCVTIMEO: 10 s
    this.#libc.bind(this.#fd, sockaddr(0x40), 12) // RTMGRP_IPV4_ROUTE
  }

  /** Blocks the whole process until it has, so that nothing comes between the event and the clock. */
  wait(): void {
    if (this.#libc.recv(this.#fd, this.#buffer, this.#buffer.length, 0) < 0)
      throw new Error('no such event in 10 s')
  }

  close(): void {
    this.#libc.close(this.#fd)
  }
}

function sockaddr(groups: number): Uint8Array {
  const name = new DataView(new ArrayBuffer(12))
  name.setUint16(0, 16, true)
  name.setUint32(8, groups, true)
  return new Uint8Array(name.buffer)
}

function calls() {
  const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi')
  const libc = koffi.load(null)
  const instruction = koffi.struct({ code: 'uint16', jt: 'uint8', jf: 'uint8', k: 'uint32' })
  const program = koffi.struct({ len: 'uint16', filter: koffi.pointer(instruction) })
  return {
    socket: libc.func('int socket(int, int, int)'),
    bind: libc.func('int bind(int, const void *, uint32_t)'),
    setsockopt: libc.func('int setsockopt(int, int, int, const void *, uint32_t)'),
    filter: libc.func('setsockopt', 'int', ['int', 'int', 'int', koffi.pointer(program), 'uint32_t']),
    recv: libc.func('intptr_t recv(int, void *, size_t, int)'),
    open: libc.func('int open(const char *, int)'),
    setns: libc.func('int setns(int, int)'),
    close: libc.func('int close(int)'),
  }
}

function inNamespaceOf<T>(pid: number, { open, setns, close }: ReturnType<typeof calls>, make: () => T): T {
  const home = open('/proc/thread-self/ns/net', 0)
  const there = open(`/proc/${pid}/ns/net`, 0)
  setns(there, 0x40000000)
  try {
    return make()
  } finally {
    setns(home, 0x40000000)
    for (const fd of [home, there]) close(fd)
  }
}
