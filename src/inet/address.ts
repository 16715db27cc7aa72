// IP addresses as canonical text.
//
// An `Address` is the one spelling of an address (RFC 5952 for IPv6), so that
// `===`, Map keys and JSON all mean the same thing. Everything that enters from
// outside goes through `parseAddress`; inside, nothing is parsed twice.

import { ipv4Text, ipv6Text } from './text.ts'

export type Family = 'ipv4' | 'ipv6'

export const FAMILIES: readonly Family[] = ['ipv4', 'ipv6']

/** As people write them. */
export const FAMILY_NAMES: Readonly<Record<Family, string>> = { ipv4: 'IPv4', ipv6: 'IPv6' }

const ZERO = '0'.charCodeAt(0)
/** As a digit would be. */
const DOT = '.'.charCodeAt(0) - ZERO

declare const brand: unique symbol

/** Canonical text of an IPv4 or IPv6 address, without zone and without length. */
export type Address = string & { readonly [brand]: 'Address' }

/**
 * An address and, where it says nothing without, the interface it is on: `fe80::1%eth0` (RFC 4007 §11). Without an
 * interface it is the address itself.
 */
export type ScopedAddress = Address | `${Address}%${string}`

export function scoped(address: Address, zone: string | undefined): ScopedAddress {
  return zone === undefined ? address : `${address}%${zone}`
}

/** Inverse of `scoped`. */
export function unscoped(of: ScopedAddress): {
  readonly address: Address
  readonly zone: string | undefined
} {
  const [address, zone] = of.split('%')
  return { address: address as Address, zone }
}

/** The address in its one spelling, or undefined when `text` is not an address. IPv4-mapped IPv6 stays IPv6. */
export function parseAddress(text: string): Address | undefined {
  const bytes = text.includes(':') ? parseIpv6(text) : octetsOf(parseIpv4(text))
  return bytes && addressFromBytes(bytes)
}

/** As `parseAddress`, for text that is known to be good (constants, tests). Throws a TypeError when it is not. */
export function address(text: string): Address {
  const parsed = parseAddress(text)
  if (parsed === undefined) throw new TypeError(`${JSON.stringify(text)} is not an IP address`)
  return parsed
}

/** Family of an address or of a prefix. */
export function familyOf(text: string): Family {
  return text.includes(':') ? 'ipv6' : 'ipv4'
}

/** Of one link, and nobody knows of which: `fe80::/10`. */
export function isLinkLocal(of: Address): boolean {
  return /^fe[89ab]/.test(of)
}

/** 32 or 128. */
export function familyBits(family: Family): 32 | 128 {
  return family === 'ipv4' ? 32 : 128
}

/** Network byte order: 4 bytes for IPv4, 16 for IPv6. */
export function addressBytes(of: Address): Uint8Array {
  return (of.includes(':') ? parseIpv6(of) : octetsOf(parseIpv4(of)))!
}

/** The address that stands before `end`, as signed 32-bit words in network order: one for IPv4, four for IPv6. */
export function addressWords(of: string, end = of.length): number[] {
  if (!of.includes(':')) return [parseIpv4(of, end)!]
  const view = new DataView(parseIpv6(of.slice(0, end))!.buffer)
  return [0, 4, 8, 12].map((at) => view.getInt32(at))
}

/** Inverse of `addressBytes`. `bytes` has 4 or 16 octets; any other length is a programming error. */
export function addressFromBytes(bytes: Uint8Array): Address {
  return textOfBytes(bytes) as Address
}

/** The same, with a slash and a length after it if there is one. */
export function textOfBytes(bytes: Uint8Array, length?: number): string {
  if (bytes.length === 16) return ipv6Text(bytes, length)
  if (bytes.length !== 4) throw new RangeError(`an address has 4 or 16 bytes, not ${bytes.length}`)
  return ipv4Text((bytes[0]! << 24) | (bytes[1]! << 16) | (bytes[2]! << 8) | bytes[3]!, length)
}

function octetsOf(word: number | undefined): Uint8Array | undefined {
  return word === undefined
    ? undefined
    : Uint8Array.of(word >>> 24, (word >>> 16) & 0xff, (word >>> 8) & 0xff, word & 0xff)
}

/** The 32 bits of what stands before `end`, signed. */
function parseIpv4(text: string, end = text.length): number | undefined {
  let word = 0
  let octets = 0
  let value = -1
  for (let i = 0; i <= end; i++) {
    const digit = i < end ? text.charCodeAt(i) - ZERO : DOT
    if (digit >= 0 && digit <= 9) {
      if (value === 0) return undefined // a leading zero means octal to some programs
      value = value < 0 ? digit : value * 10 + digit
      if (value > 255) return undefined
      continue
    }
    if (digit !== DOT || value < 0) return undefined
    word = (word << 8) | value
    octets++
    value = -1
  }
  return octets === 4 ? word : undefined
}

function parseIpv6(text: string): Uint8Array | undefined {
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const head = groups(halves[0]!, halves.length === 1)
  const tail = halves.length === 2 ? groups(halves[1]!, true) : []
  if (!head || !tail) return undefined
  const missing = 8 - head.length - tail.length
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined
  const bytes = new Uint8Array(16)
  const all = [...head, ...new Array<number>(missing).fill(0), ...tail]
  for (const [i, group] of all.entries()) {
    bytes[2 * i] = group >> 8
    bytes[2 * i + 1] = group & 0xff
  }
  return bytes
}

/** The 16-bit groups of one side of `::`. The last may be a dotted quad when nothing follows. */
function groups(text: string, last: boolean): number[] | undefined {
  if (text === '') return []
  const out: number[] = []
  const parts = text.split(':')
  for (const [i, part] of parts.entries()) {
    if (last && i === parts.length - 1 && part.includes('.')) {
      const quad = parseIpv4(part)
      if (quad === undefined) return undefined
      out.push(quad >>> 16, quad & 0xffff)
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) {
      out.push(Number.parseInt(part, 16))
    } else {
      return undefined
    }
  }
  return out
}
