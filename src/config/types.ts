// How the value of a setting is written, and what to tell who wrote it wrongly.
//
// In the environment everything is text; in a resource it has a JSON type of its own
// (durations: seconds there, Go durations here). Calico felix/config/param_types.go.

import { type Address, FAMILY_NAMES, type Family, familyOf, parseAddress } from '../inet/address.ts'
import { type Prefix, parseCidr } from '../inet/prefix.ts'
import { formatGoDuration, parseGoDuration } from './go-duration.ts'

/** A value fit for JSON and for a table cell. */
export type Shown = string | number | boolean | null | readonly string[]

/** A value that cannot be used; shaped as the problems of the datastore are. */
export interface SettingProblem {
  /** The variable, `FELIX_IPV6SUPPORT`, or the resource, `FelixConfiguration/default`. */
  readonly subject: string
  /** `spec.ipv6Support`, for resources. */
  readonly field?: string
  readonly message: string
}

export interface SettingType<T> {
  /** What would be right, to be read after "expected": `true or false`. */
  readonly expected: string
  /** The same for the resource field, when it is written differently there. */
  readonly expectedField?: string
  /** What the word `none` stands for: the zero value, which is not the default. Absent: `none` is refused. */
  readonly none?: T
  /** The value of an environment variable, undefined when it is wrong. */
  parse(text: string): T | undefined
  /** The value of a resource field, undefined when it is wrong. Absent: strings only, read by `parse`. */
  parseField?(field: unknown): T | undefined
  /** Absent: the value itself. */
  show?(value: T): Shown
}

const truths = ['true', '1', 'yes', 'y', 't']
export const falsehoods = ['false', '0', 'no', 'n', 'f']

export const bool: SettingType<boolean> = {
  expected: 'true or false',
  none: false,
  parse(text) {
    if (truths.includes(text.toLowerCase())) return true
    return falsehoods.includes(text.toLowerCase()) ? false : undefined
  },
  parseField: (field) => (typeof field === 'boolean' ? field : undefined),
}

/** A whole number from `min` to `max`. */
export function integer(min: number, max: number): SettingType<number> {
  const inRange = (n: number): number | undefined => (n >= min && n <= max ? n : undefined)
  return {
    expected: `a whole number from ${min} to ${max}`,
    ...(min <= 0 ? { none: 0 } : {}),
    parse: (text) => (/^\d+$/.test(text) ? inRange(Number(text)) : undefined),
    parseField: (field) =>
      typeof field === 'bigint' || Number.isInteger(field) ? inRange(Number(field)) : undefined,
  }
}

/** A time span, in milliseconds. Zero, where Calico gives it a meaning, switches the thing off. */
export const duration: SettingType<number> = {
  expected: 'a number of seconds, 0 or more',
  expectedField: 'a duration such as 90s or 1m30s',
  none: 0,
  parse: (text) => (/^(\d+\.?\d*|\.\d+)$/.test(text) ? Number(text) * 1_000 : undefined),
  parseField(field) {
    const ms = typeof field === 'string' ? parseGoDuration(field) : undefined
    return ms !== undefined && ms >= 0 ? ms : undefined
  },
  show: formatGoDuration,
}

/** One of some words, in any case. `aliases` are further spellings, which the message does not offer. */
export function choice<T extends string>(
  words: Readonly<Record<string, T>>,
  options: { readonly aliases?: Readonly<Record<string, T>>; readonly none?: T } = {},
): SettingType<T> {
  const all = new Map(Object.entries({ ...options.aliases, ...words }).map(([k, v]) => [k.toLowerCase(), v]))
  const offered = Object.keys(words)
  return {
    expected: `${offered.slice(0, -1).join(', ')} or ${offered.at(-1)}`,
    ...(options.none === undefined ? {} : { none: options.none }),
    parse: (text) => all.get(text.toLowerCase()),
  }
}

/** `{ a: 'a', b: 'b' }`, for choices whose spelling is their value. */
export function words<T extends string>(...list: readonly T[]): Readonly<Record<T, T>> {
  return Object.fromEntries(list.map((word) => [word, word])) as Record<T, T>
}

/** A value that may be left open; `none` leaves it so. */
export function optional<T>(type: SettingType<T>): SettingType<T | undefined> {
  return {
    ...type,
    none: undefined,
    ...(type.show && { show: (value) => (value === undefined ? null : type.show!(value)) }),
  }
}

/** A regular expression, unanchored, as text. */
export const regex: SettingType<string> = {
  expected: 'a regular expression',
  parse(given) {
    try {
      return new RegExp(given).source
    } catch {
      return undefined
    }
  },
}

/** Any text. */
export const text: SettingType<string | undefined> = {
  expected: 'some text',
  parse: (given) => given,
}

/** A Kubernetes or Calico node name: Calico's validation wants an RFC 1123 subdomain. */
export const nodeName: SettingType<string> = {
  expected: 'a node name: lower-case letters, digits, - and ., at most 253 characters',
  parse: (given) =>
    given.length <= 253 && /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/.test(given)
      ? given
      : undefined,
}

export const absolutePath: SettingType<string> = {
  expected: 'an absolute path',
  parse: (given) => (given.startsWith('/') ? given : undefined),
}

export const optionalPath: SettingType<string | undefined> = absolutePath

/** `sun_path` of unix(7) has 108 octets, and ends with a zero. */
const SOCKET_PATH_OCTETS = 107

export const socketPath: SettingType<string> = {
  expected: `an absolute path of at most ${SOCKET_PATH_OCTETS} octets`,
  parse: (given) => (Buffer.byteLength(given) <= SOCKET_PATH_OCTETS ? absolutePath.parse(given) : undefined),
}

/** An address of one family. */
export function addressOf(family: Family): SettingType<Address | undefined> {
  return {
    expected: `an ${FAMILY_NAMES[family]} address`,
    none: undefined,
    parse(given) {
      const address = parseAddress(given)
      return address && familyOf(address) === family ? address : undefined
    },
  }
}

/** Where something is served: an address of ours, or all of them. */
export const listenHost: SettingType<string | undefined> = {
  expected: 'an address, or localhost',
  none: undefined,
  parse: (given) => (given === 'localhost' ? '127.0.0.1' : parseAddress(given)),
}

/** CALICO_ROUTER_ID: an address, or `hash` to derive one from the node's name. */
export const routerId: SettingType<Address | 'hash' | undefined> = {
  expected: 'an IPv4 address or hash',
  parse: (given) => (given === 'hash' ? given : addressOf('ipv4').parse(given)),
}

/** Beginnings of interface names. `none` would mean every interface of the host is a workload's. */
export const interfacePrefixes: SettingType<readonly string[]> = {
  expected:
    'a comma-separated list of beginnings of interface names, each of 1 to 15 letters, digits, - or _',
  parse: (given) =>
    given.toLowerCase() !== 'none' && /^[\w-]{1,15}(,[\w-]{1,15})*$/.test(given)
      ? given.split(',')
      : undefined,
}

/** An output interface as `iptables -o` takes it; the last character may be `+`, for all that begin so. */
export const interfaceFilter: SettingType<string | undefined> = {
  expected: 'the name of an interface of 1 to 15 letters, digits and :._-, or its beginning and +',
  none: undefined,
  parse: (given) => (/^(?=.{1,15}$)[\w:.-]*\+?$/.test(given) ? given : undefined),
}

export interface Ports {
  readonly first: number
  readonly last: number
}

/** A port or `first:last`, as Calico numorstring.Port. */
export const portRange: SettingType<Ports | undefined> = {
  expected: 'a port or a range such as 32768:65535',
  none: undefined,
  parse: parsePorts,
  parseField: (field) => parsePorts(String(field)),
  show: (ports) => (ports ? `${ports.first}:${ports.last}` : null),
}

function parsePorts(given: string): Ports | undefined {
  const [, first = '', last = first] = /^(\d{1,5})(?::(\d{1,5}))?$/.exec(given) ?? []
  const ports = { first: Number(first), last: Number(last) }
  return ports.first > 0 && ports.first <= ports.last && ports.last <= 65_535 ? ports : undefined
}

/** CIDRs of both families; a plain address is a host. */
export const prefixes: SettingType<readonly Prefix[]> = {
  expected: 'a comma-separated list of addresses and CIDRs',
  expectedField: 'a list of addresses and CIDRs',
  none: [],
  parse: (given) => parsePrefixes(given.split(',')),
  parseField: (field) => (Array.isArray(field) ? parsePrefixes(field) : undefined),
}

function parsePrefixes(given: readonly unknown[]): readonly Prefix[] | undefined {
  const parsed = given.map((one) => (typeof one === 'string' ? parseCidr(one.trim())?.prefix : undefined))
  return parsed.every((one) => one !== undefined) ? parsed : undefined
}

/** Which abilities of kernel and tools to believe in, whatever they seem to have: `MASQFullyRandom=false`. */
export const features: SettingType<ReadonlyMap<string, boolean>> = {
  expected: 'a comma-separated list of Name=true and Name=false',
  none: new Map(),
  parse(given) {
    const pairs = given.split(',').map((pair) => /^\s*(\w+)\s*=\s*(\w+)\s*$/.exec(pair) ?? [])
    const read = pairs.map(([, name, value]) => [name, bool.parse(value ?? '')] as const)
    return read.every(isPair) ? new Map(read) : undefined
  },
  show: (given) => [...given].map(([name, value]) => `${name}=${value}`),
}

function isPair(
  pair: readonly [string | undefined, boolean | undefined],
): pair is readonly [string, boolean] {
  return pair[0] !== undefined && pair[1] !== undefined
}

/** URLs of etcd servers. One scheme for all, nothing but host and port, as Calico checks them. */
export const endpoints: SettingType<readonly string[]> = {
  expected: 'a comma-separated list of http:// or https:// URLs, all with the same scheme and without a path',
  parse(given) {
    const urls = given.split(',').flatMap((part) => part.trim() || [])
    if (urls.length === 0 || !urls.every(isEndpoint)) return undefined
    return new Set(urls.map((url) => new URL(url).protocol)).size === 1 ? urls : undefined
  },
}

function isEndpoint(given: string): boolean {
  const url = URL.parse(given)
  return url !== null && /^https?:$/.test(url.protocol) && url.href === `${url.protocol}//${url.host}/`
}
