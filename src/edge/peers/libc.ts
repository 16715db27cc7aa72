// The calls on sockets that Node does not offer. Numbers are those of Linux, socket(7), tcp(7), ip(7), ipv6(7).
//
// koffi is loaded at the first call: 25 ms and 7 MB that an agent without protected peers does not pay.

import { createRequire } from 'node:module'
import { endianness } from 'node:os'
import { getSystemErrorName } from 'node:util'
import { type Address, addressBytes, type Family, familyOf } from '../../inet/address.ts'
import { systemErrorText } from './socket-error.ts'

interface Libc {
  socket(domain: number, type: number, protocol: number): number
  bind(fd: number, address: Uint8Array, length: number): number
  setsockopt(fd: number, level: number, option: number, value: Uint8Array, length: number): number
  close(fd: number): number
  errno(): number
}

const DOMAIN: Readonly<Record<Family, number>> = { ipv4: 2, ipv6: 10 }
const SOCK_STREAM = 1
const SOCK_NONBLOCK = 0o4000
const SOCK_CLOEXEC = 0o2000000

/** Length of `struct sockaddr_storage`. */
export const SOCKADDR_STORAGE = 128

let loaded: Libc | undefined

/** Makes sure that the calls can be made. @throws with the reason when not */
export function loadLibc(): Libc {
  loaded ??= load()
  return loaded
}

/** A TCP socket for `new Socket({ fd })` or `listen({ fd })`, prepared by `prepare`. @throws what that throws */
export function tcpSocket(family: Family, prepare: (fd: number) => void): number {
  const { socket, close } = loadLibc()
  const fd = checked('socket', socket(DOMAIN[family], SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0))
  try {
    prepare(fd)
    return fd
  } catch (error) {
    close(fd)
    throw error
  }
}

/** @throws with the text of the error, `Address already in use` for one */
export function bind(fd: number, address: Address, port: number): void {
  const name = sockaddr(address, port)
  checked('', loadLibc().bind(fd, name, name.length))
}

/** `name` is the option's, for errors. @throws `TCP_MD5SIG: Protocol not available` */
export function setOption(
  fd: number,
  name: string,
  [level, option]: readonly [number, number],
  value: Uint8Array,
): void {
  checked(name, loadLibc().setsockopt(fd, level, option, value, value.length))
}

export function int(value: number): Uint8Array {
  return new Uint8Array(Int32Array.of(value).buffer)
}

/** `struct sockaddr_in` or `sockaddr_in6`. */
export function sockaddr(address: Address, port: number): Uint8Array {
  const family = familyOf(address)
  const bytes = new Uint8Array(family === 'ipv4' ? 16 : 28)
  const view = new DataView(bytes.buffer)
  view.setUint16(0, DOMAIN[family], endianness() === 'LE')
  view.setUint16(2, port)
  bytes.set(addressBytes(address), family === 'ipv4' ? 4 : 8)
  return bytes
}

function load(): Libc {
  try {
    const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi')
    const self = koffi.load(null) // whichever C library Node itself runs on
    return {
      socket: self.func('int socket(int, int, int)'),
      bind: self.func('int bind(int, const uint8_t *, uint32_t)'),
      setsockopt: self.func('int setsockopt(int, int, int, const uint8_t *, uint32_t)'),
      close: self.func('int close(int)'),
      errno: () => koffi.errno(),
    }
  } catch (error) {
    const [reason] = (error as Error).message.split('\n')
    throw new Error(`socket options cannot be set without koffi: ${reason}`, { cause: error })
  }
}

function checked(what: string, result: number): number {
  if (result >= 0) return result
  const reason = systemErrorText(getSystemErrorName(-loadLibc().errno()))
  throw new Error(what === '' ? reason : `${what}: ${reason}`)
}
