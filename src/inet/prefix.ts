// IP prefixes as canonical text: a masked address, a slash, a length.

import {
  type Address,
  addressBytes,
  addressFromBytes,
  familyBits,
  familyOf,
  parseAddress,
  textOfBytes,
} from './address.ts'
import { bitsOf, sharedLength } from './bits.ts'

const ZERO = '0'.charCodeAt(0)

declare const brand: unique symbol

/** Canonical text of a prefix; the bits beyond the length are zero. A host is written with its /32 or /128. */
export type Prefix = string & { readonly [brand]: 'Prefix' }

/** An interface address as Calico stores a node's: the host bits name the host, the length its subnet. */
export interface Cidr {
  readonly address: Address
  readonly prefix: Prefix
}

/** Reads `address[/length]`, keeping the host bits apart. Without a length it is a host. Undefined when malformed. */
export function parseCidr(text: string): Cidr | undefined {
  const slash = text.indexOf('/')
  const address = parseAddress(slash < 0 ? text : text.slice(0, slash))
  if (address === undefined) return undefined
  if (slash < 0) return { address, prefix: hostPrefix(address) }
  const digits = text.slice(slash + 1)
  if (!/^(0|[1-9]\d{0,2})$/.test(digits)) return undefined
  const length = Number(digits)
  if (length > familyBits(familyOf(address))) return undefined
  return { address, prefix: prefixOf(address, length) }
}

/** The masked prefix of `address/length`; undefined when malformed or when the length is missing. */
export function parsePrefix(text: string): Prefix | undefined {
  return text.includes('/') ? parseCidr(text)?.prefix : undefined
}

/** As `parsePrefix`, for text that is known to be good. Throws a TypeError when it is not. */
export function prefix(text: string): Prefix {
  const parsed = parsePrefix(text)
  if (parsed === undefined) throw new TypeError(`${JSON.stringify(text)} is not an IP prefix`)
  return parsed
}

/** `address` masked to `length` bits. */
export function prefixOf(address: Address, length: number): Prefix {
  return prefixFromBytes(addressBytes(address), length)
}

/** The same of bytes in network order, 4 or 16 of them. They are masked in place. */
export function prefixFromBytes(bytes: Uint8Array, length: number): Prefix {
  maskBytes(bytes, length)
  return textOfBytes(bytes, length) as Prefix
}

/** The /32 or /128 of one address. */
export function hostPrefix(address: Address): Prefix {
  return prefixFromBytes(addressBytes(address), familyBits(familyOf(address)))
}

export function prefixLength(of: Prefix): number {
  let length = 0
  for (let i = of.lastIndexOf('/') + 1; i < of.length; i++) length = length * 10 + of.charCodeAt(i) - ZERO
  return length
}

/** The first address of a prefix. */
export function prefixAddress(of: Prefix): Address {
  return of.slice(0, of.lastIndexOf('/')) as Address
}

/** True for a /32 or /128. */
export function isHost(of: Prefix): boolean {
  return of.endsWith(familyOf(of) === 'ipv4' ? '/32' : '/128')
}

/** True when `inner`, a prefix or an address, lies in `outer` or equals it. Different families never contain each other. */
export function contains(outer: Prefix, inner: Prefix | Address): boolean {
  if (familyOf(outer) !== familyOf(inner)) return false
  const [outside, inside] = [bitsOf(outer), bitsOf(inner)]
  return outside.length <= inside.length && sharedLength(outside, inside) === outside.length
}

/** The `ordinal`-th address of a prefix. Throws a RangeError when it is not inside. */
export function nthAddress(of: Prefix, ordinal: number): Address {
  const bytes = addressBytes(prefixAddress(of))
  let carry = ordinal
  for (let i = bytes.length - 1; i >= 0 && carry > 0; i--) {
    carry += bytes[i]!
    bytes[i] = carry & 0xff
    carry = Math.floor(carry / 256)
  }
  const nth = addressFromBytes(bytes)
  if (carry > 0 || ordinal < 0 || !contains(of, nth))
    throw new RangeError(`${of} has no address number ${ordinal}`)
  return nth
}

function maskBytes(bytes: Uint8Array, length: number): void {
  for (let i = 0; i < bytes.length; i++) {
    const keep = Math.min(8, Math.max(0, length - 8 * i))
    bytes[i]! &= 0xff00 >> keep
  }
}
