// The calls to the kernel that Node does not offer, by way of the C library.
//
// koffi is loaded at the first of them: 25 ms and 7 MB, which are not paid by who makes none.

import { closeSync, openSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { KoffiFunc, LibraryHandle } from 'koffi'
import type { Family } from '../inet/address.ts'

/** What the kernel answered to a call, by number and in the words of the C library. */
export class CallError extends Error {
  override readonly name = 'CallError'
  readonly errno: number

  /** `what` was asked for, where several things might have been. */
  constructor(errno: number, what = '') {
    super(what === '' ? errorText(errno) : `${what}: ${errorText(errno)}`)
    this.errno = errno
  }
}

/** `send` and `recv`. */
type Transfer = KoffiFunc<(fd: number, buffer: Uint8Array, length: number, flags: number) => number>

interface Libc {
  socket(domain: number, type: number, protocol: number): number
  bind(fd: number, name: Uint8Array, length: number): number
  getsockname(fd: number, name: Uint8Array, length: Uint32Array): number
  setsockopt(fd: number, level: number, option: number, value: ArrayBufferView, length: number): number
  /** The same with a `struct sock_fprog`. */
  attachFilter(fd: number, level: number, option: number, program: object, length: number): number
  fcntl(fd: number, command: number, type: 'int', value: number): number
  ioctl(fd: number, request: number, type: 'void *', value: Uint8Array): number
  readonly send: Transfer
  readonly recv: Transfer
  close(fd: number): number
  setns(fd: number, type: number): number
  strerror(errno: number): string
  errno(): number
  trim(): void
}

/** Address families; the numbers are those of Linux (bits/socket.h). */
export const AF: Readonly<Record<Family, number>> = { ipv4: 2, ipv6: 10 }
export const SOL_SOCKET = 1
export const SOCK_CLOEXEC = 0o2000000
export const MSG_DONTWAIT = 0x40
export const CLONE_NEWNET = 0x40000000
const SO_ATTACH_FILTER = 26

let loaded: Libc | undefined

/** @throws when koffi cannot be loaded */
export function libc(): Libc {
  loaded ??= load()
  return loaded
}

/** What a call returned. @throws CallError when that was an error, which begins with `what` it was for */
export function checked(result: number, what?: string): number {
  if (result < 0) throw new CallError(libc().errno(), what)
  return result
}

/** Of classic BPF: linux/filter.h. */
export interface Instruction {
  readonly code: number
  /** Instructions to skip when true, and when false. */
  readonly jt: number
  readonly jf: number
  readonly k: number
}

/** From now on the kernel asks a program what a socket is to receive. @throws CallError */
export function attachFilter(fd: number, filter: readonly Instruction[]): void {
  const length = 16 // of struct sock_fprog
  checked(libc().attachFilter(fd, SOL_SOCKET, SO_ATTACH_FILTER, { len: filter.length, filter }, length))
}

/**
 * Makes something in the network namespace that a file stands for: a socket belongs to that in which it was made. Only this
 * thread goes there, and comes back at once. @throws CallError
 */
export function inNamespace<T>(path: string, make: () => T): T {
  const [home, there] = ['/proc/thread-self/ns/net', path].map((file) => openSync(file, 'r'))
  try {
    checked(libc().setns(there!, CLONE_NEWNET))
    return make()
  } finally {
    checked(libc().setns(home!, CLONE_NEWNET))
    for (const fd of [home!, there!]) closeSync(fd)
  }
}

/** Makes a call on another thread. Rejects with a CallError. */
export function onOtherThread(call: Transfer, fd: number, buffer: Uint8Array): Promise<number> {
  return new Promise((resolve, reject) => {
    call.async(fd, buffer, buffer.length, 0, (error: Error | null, result: number) => {
      if (error) reject(error)
      else if (result < 0) reject(new CallError(libc().errno()))
      else resolve(result)
    })
  })
}

/** Gives what has been freed back to the kernel, if the C library is loaded by then. */
export function trimMemory(): void {
  loaded?.trim()
}

export function errorText(errno: number): string {
  return libc().strerror(errno)
}

function load(): Libc {
  const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi')
  const self = koffi.load(null) // whichever C library Node itself runs on
  const instruction = koffi.struct({ code: 'uint16', jt: 'uint8', jf: 'uint8', k: 'uint32' })
  const program = koffi.struct({ len: 'uint16', filter: koffi.pointer(instruction) })
  return {
    socket: self.func('int socket(int, int, int)'),
    bind: self.func('int bind(int, const void *, uint32_t)'),
    getsockname: self.func('int getsockname(int, void *, void *)'),
    setsockopt: self.func('int setsockopt(int, int, int, const void *, uint32_t)'),
    attachFilter: self.func('setsockopt', 'int', ['int', 'int', 'int', koffi.pointer(program), 'uint32_t']),
    fcntl: self.func('int fcntl(int, int, ...)'),
    ioctl: self.func('int ioctl(int, unsigned long, ...)'),
    send: self.func('intptr_t send(int, const void *, size_t, int)'),
    recv: self.func('intptr_t recv(int, void *, size_t, int)'),
    close: self.func('int close(int)'),
    setns: self.func('int setns(int, int)'),
    strerror: self.func('const char *strerror(int)'),
    errno: () => koffi.errno(),
    trim: trimOf(self),
  }
}

/** malloc_trim(3), which other C libraries than glibc neither have nor need. */
function trimOf(self: LibraryHandle): () => void {
  try {
    const trim = self.func('int malloc_trim(size_t)')
    return () => trim(0)
  } catch {
    return () => {}
  }
}
