// TCP sockets with options that Node does not know. Numbers are those of Linux, socket(7), tcp(7), ip(7), ipv6(7).

import { endianness } from 'node:os'
import { type Address, addressBytes, type Family, familyOf } from '../../inet/address.ts'
import { AF, checked, libc, SOCK_CLOEXEC } from '../libc.ts'

const SOCK_STREAM = 1
const SOCK_NONBLOCK = 0o4000

/** Length of `struct sockaddr_storage`. */
export const SOCKADDR_STORAGE = 128

/** The calls that make and change sockets. @throws with the reason when there are none to be had */
export function socketCalls(): ReturnType<typeof libc> {
  try {
    return libc()
  } catch (error) {
    const [reason] = (error as Error).message.split('\n')
    throw new Error(`socket options cannot be set without koffi: ${reason}`, { cause: error })
  }
}

/** A TCP socket for `new Socket({ fd })` or `listen({ fd })`, prepared by `prepare`. @throws what that throws */
export function tcpSocket(family: Family, prepare: (fd: number) => void): number {
  const { socket, close } = socketCalls()
  const fd = checked(socket(AF[family], SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), 'socket')
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
  checked(socketCalls().bind(fd, name, name.length))
}

/** `name` is the option's, for errors. @throws `TCP_MD5SIG: Protocol not available` */
export function setOption(
  fd: number,
  name: string,
  [level, option]: readonly [number, number],
  value: Uint8Array,
): void {
  checked(socketCalls().setsockopt(fd, level, option, value, value.length), name)
}

export function int(value: number): Uint8Array {
  return new Uint8Array(Int32Array.of(value).buffer)
}

/** `struct sockaddr_in` or `sockaddr_in6`. */
export function sockaddr(address: Address, port: number): Uint8Array {
  const family = familyOf(address)
  const bytes = new Uint8Array(family === 'ipv4' ? 16 : 28)
  const view = new DataView(bytes.buffer)
  view.setUint16(0, AF[family], endianness() === 'LE')
  view.setUint16(2, port)
  bytes.set(addressBytes(address), family === 'ipv4' ? 4 : 8)
  return bytes
}
