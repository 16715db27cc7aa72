// What protects a connection beyond TCP: a signature on every segment (RFC 2385), and a TTL that only a neighbour's
// packets have (RFC 5082). Whatever cannot be put on a socket is an error: there is no connection then, not an open one.

import type { Socket } from 'node:net'
import type { PasswordRef, Transport } from '../../bgp/types.ts'
import { type Address, type Family, familyOf } from '../../inet/address.ts'
import { bind, int, SOCKADDR_STORAGE, setOption, sockaddr, tcpSocket } from './tcp-socket.ts'

export interface Guard {
  readonly address: Address
  /** The password, at most 80 octets. */
  readonly key?: Uint8Array
  /** How far the peer may be away. */
  readonly hops?: number
}

/** Looks a password up. */
export type Passwords = (ref: PasswordRef) => Uint8Array | undefined

/** What the kernel takes: TCP_MD5SIG_MAXKEYLEN of linux/tcp.h. */
const MAX_KEY = 80
/** TTL that nothing from further away can have. RFC 5082 §3. */
const HIGHEST_TTL = 255
/** Stands for net.ipv4.ip_default_ttl, or what IPv6 has for it. */
const SYSTEM_TTL = -1
const SO_REUSEADDR = [1, 2] as const
const IPV6_V6ONLY = [41, 26] as const
const TCP_MD5SIG = [6, 14] as const

interface HopOptions {
  readonly ttl: readonly [name: string, option: readonly [number, number]]
  readonly least: readonly [name: string, option: readonly [number, number]]
}

const HOP_OPTIONS: Readonly<Record<Family, HopOptions>> = {
  ipv4: { ttl: ['IP_TTL', [0, 2]], least: ['IP_MINTTL', [0, 21]] },
  ipv6: { ttl: ['IPV6_UNICAST_HOPS', [41, 16]], least: ['IPV6_MINHOPCOUNT', [41, 73]] },
}

/** What a peer asks for; undefined: nothing that Node could not do. @throws when its password is not known */
export function guardOf(
  { address, password, ttlSecurity }: Transport,
  passwords: Passwords,
): Guard | undefined {
  if (!password && !ttlSecurity) return undefined
  return {
    address,
    ...(password && { key: keyOf(password, passwords) }),
    ...(ttlSecurity && { hops: ttlSecurity }),
  }
}

function keyOf(ref: PasswordRef, passwords: Passwords): Uint8Array {
  const key = passwords(ref)
  if (key && key.length > 0 && key.length <= MAX_KEY) return key
  throw new Error(`the password ${ref.name}/${ref.key} cannot be had`)
}

/** A socket to connect from. */
export function outgoingSocket({ address, key, hops }: Guard): number {
  const family = familyOf(address)
  return tcpSocket(family, (fd) => {
    if (key) setKey(fd, address, key)
    if (hops !== undefined) limitHops(fd, family, hops)
  })
}

/**
 * A socket to listen on; it answers with the highest TTL, since some peers do not even hear anything else. There is a
 * moment between this and `listen`, in which keys are to be set.
 */
export function listeningSocket(address: Address, port: number): number {
  const family = familyOf(address)
  return tcpSocket(family, (fd) => {
    setOption(fd, 'SO_REUSEADDR', SO_REUSEADDR, int(1))
    if (family === 'ipv6') setOption(fd, 'IPV6_V6ONLY', IPV6_V6ONLY, int(1))
    setOption(fd, ...HOP_OPTIONS[family].ttl, int(HIGHEST_TTL))
    bind(fd, address, port)
  })
}

/** Segments to and from an address are signed from now on or, without a key, no more. @throws when the kernel refuses */
export function setKey(fd: number, address: Address, key: Uint8Array | undefined): void {
  const name = sockaddr(address, 0)
  const option = new Uint8Array(SOCKADDR_STORAGE + 8 + MAX_KEY) // struct tcp_md5sig of linux/tcp.h
  option.set(name)
  new Uint16Array(option.buffer)[SOCKADDR_STORAGE / 2 + 1] = key?.length ?? 0
  if (key) option.set(key, SOCKADDR_STORAGE + 8)
  setOption(fd, 'TCP_MD5SIG', TCP_MD5SIG, option)
}

/** Puts on an accepted connection what its listening socket could not know. @throws when that cannot be done */
export function guardAccepted(socket: Socket, family: Family, hops: number | undefined): void {
  const fd = descriptorOf(socket)
  if (hops === undefined) setOption(fd, ...HOP_OPTIONS[family].ttl, int(SYSTEM_TTL))
  else limitHops(fd, family, hops)
}

function limitHops(fd: number, family: Family, hops: number): void {
  const { ttl, least } = HOP_OPTIONS[family]
  setOption(fd, ...ttl, int(HIGHEST_TTL))
  setOption(fd, ...least, int(HIGHEST_TTL + 1 - hops))
}

/** Node does not tell, and has no way to accept from a descriptor; should it ever name it otherwise, nobody gets in. */
function descriptorOf(socket: Socket): number {
  const { _handle: handle } = socket as { _handle?: { readonly fd?: number } }
  if (handle?.fd !== undefined && handle.fd >= 0) return handle.fd
  throw new Error('the descriptor of an accepted connection cannot be had')
}
