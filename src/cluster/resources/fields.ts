// What a field of a resource may hold: one line each, with the words that are said when it holds something else.
//
// Readers are more tolerant than writers (libcalico-go/lib/validator/v3): objects made with kubectl against old CRDs
// have unmasked CIDRs, AS numbers as text, and empty strings for what is absent.
//
// The small variant of zod, here and beside: all that the other one adds are methods, dozens of closures a schema.

import { z } from 'zod/mini'
import { type Address, FAMILY_NAMES, type Family, familyOf, parseAddress } from '../../inet/address.ts'
import { parseAsn } from '../../inet/asn.ts'
import { parseMac } from '../../inet/mac.ts'
import { type Cidr, type Prefix, parseCidr, parsePrefix } from '../../inet/prefix.ts'
import { shown } from '../json.ts'
import type { PathWatch } from '../model.ts'
import { parseSelector, type Selector } from '../selector/selector.ts'
import { parsePathWatch } from './path-watch.ts'
import { type PeerAddress, parsePeerAddress } from './peer-address.ts'

/** Reads a text that is neither empty nor absent. Undefined says that it is wrong. */
type Read<T> = (text: string) => T | undefined

// ---- leaves

export const text: z.ZodMiniType<string> = field('text', undefined, (given) => given)

export const boolean: z.ZodMiniType<boolean> = value('true or false', (given) =>
  typeof given === 'boolean' ? given : undefined,
)

/** Labels or annotations; none when absent. */
export const labels: z.ZodMiniType<Readonly<Record<string, string>>> = or(
  value('a mapping of names to text', (given) => (isTexts(given) ? given : undefined)),
  {},
)

/** False when absent. */
export const flag: z.ZodMiniType<boolean> = or(boolean, false)

export const prefix: z.ZodMiniType<Prefix> = field('a CIDR', '10.244.0.0/16', parsePrefix)

/** A CIDR, or an address that stands for itself alone. */
export const network: z.ZodMiniType<Prefix> = field(
  'an address or a CIDR',
  '10.244.1.5/32',
  (given) => parseCidr(given)?.prefix,
)

export const address: z.ZodMiniType<Address> = field('an IP address', '10.244.1.5', parseAddress)

/** The remote end of a session, with a port if it has one. */
export const peerAddress: z.ZodMiniType<PeerAddress> = field(
  'an IP address with or without a port',
  '172.20.0.1, 172.20.0.1:179 or [fd20::1]:179',
  parsePeerAddress,
)

/** When and how BFD takes the path to a peer for failed. */
export const pathWatch: z.ZodMiniType<PathWatch> = field(
  'an interval from 50ms to 60s, how many packets make a failure, up to 255, and perhaps multihop',
  '300ms x 3',
  parsePathWatch,
)

export const mac: z.ZodMiniType<string> = field('a hardware address', '66:1b:22:8e:91:0c', parseMac)

export const selector: z.ZodMiniType<Selector> = after(text, (given, payload) => {
  try {
    return parseSelector(given)
  } catch (error) {
    return refuse(payload, (error as Error).message)
  }
})

/** An interface's name in the kernel: at most 15 characters. */
export const interfaceName: z.ZodMiniType<string> = field(
  'an interface name',
  'cali0123456789a',
  matching(/^[a-zA-Z0-9_.-]{1,15}$/),
)

/** The same with `*` for any characters. */
export const interfacePattern: z.ZodMiniType<string> = field(
  'an interface name',
  'eth*',
  matching(/^[a-zA-Z0-9_.*-]{1,15}$/),
)

/** A Go duration in whole seconds. */
export const seconds: z.ZodMiniType<number> = field('a duration of whole seconds', '2m0s', parseSeconds)

/** A standard (RFC 1997) or large (RFC 8092) community: parts of 16 bits, or of 32. */
export const community: z.ZodMiniType<string> = field('a community', '64512:77 or 64512:77:1', (given) =>
  isCommunity(given) ? given : undefined,
)

export const asn: z.ZodMiniType<number> = value('an AS number; write it like 64512 or 1.10', (given) =>
  typeof given === 'number' || typeof given === 'string' ? parseAsn(given) : undefined,
)

/** Here 0 stands for absent. */
export const optionalAsn: z.ZodMiniType<number | undefined> = absentAs([0, '0'], z.optional(asn))

/** An address of one family with the length of its subnet; host bits are kept. */
export function interfaceAddress(family: Family): z.ZodMiniType<Cidr> {
  const example = family === 'ipv4' ? '172.20.0.11/24' : 'fd20::11/64'
  return field(`an ${FAMILY_NAMES[family]} address with its subnet`, example, (given) => {
    const cidr = parseCidr(given)
    return cidr && familyOf(cidr.address) === family ? cidr : undefined
  })
}

/** A bare address of one family. */
export function addressOf(family: Family): z.ZodMiniType<Address> {
  const example = family === 'ipv4' ? '10.244.1.5' : 'fd66::5'
  return field(`an ${FAMILY_NAMES[family]} address without length`, example, (given) =>
    familyOf(given) === family ? parseAddress(given) : undefined,
  )
}

/** A whole number, also as text. */
export function integer(least: number, most: number): z.ZodMiniType<number> {
  return value(`a whole number from ${least} to ${most}`, (given) => {
    const number = typeof given === 'string' && /^-?\d{1,15}$/.test(given) ? Number(given) : given
    return Number.isInteger(number) && (number as number) >= least && (number as number) <= most
      ? (number as number)
      : undefined
  })
}

export function oneOf<const T extends string>(...words: readonly T[]): z.ZodMiniType<T> {
  return value(`one of ${words.join(', ')}`, (given) => words.find((word) => word === given))
}

/** As `oneOf`, in any case; gives the spelling of the list. */
export function anyCaseOf<const T extends string>(...words: readonly T[]): z.ZodMiniType<T> {
  return value(`one of ${words.join(', ')}`, (given) =>
    words.find((word) => word.toLowerCase() === String(given).toLowerCase()),
  )
}

// ---- around them

/** Absent, null and the empty text are the same. */
export function optional<T>(schema: z.ZodMiniType<T>): z.ZodMiniType<T | undefined> {
  return absentAs([], z.optional(schema))
}

/** As `optional`, with a value that holds then. */
export function or<T>(schema: z.ZodMiniType<T>, otherwise: T): z.ZodMiniType<T> {
  return after(optional(schema), (read) => (read === undefined ? otherwise : read))
}

/** Empty when absent. */
export function list<T>(schema: z.ZodMiniType<T>): z.ZodMiniType<readonly T[]> {
  return before((given) => given ?? [], z.array(schema))
}

/** A mapping. Every field of the result is there, undefined where nothing was given, so that equal means equal. */
export function mapping<S extends z.core.$ZodShape>(shape: S): z.ZodMiniType<z.output<z.ZodMiniObject<S>>> {
  const unset = Object.fromEntries(Object.keys(shape).map((name) => [name, undefined]))
  return after(z.object(shape), (given) => ({ ...unset, ...given }))
}

/** A mapping that may be left out when all of its fields may. */
export function section<S extends z.core.$ZodShape>(shape: S): z.ZodMiniType<z.output<z.ZodMiniObject<S>>> {
  return before((given) => given ?? {}, mapping(shape))
}

/** `[{cidr}, …]`, as service ranges have it. */
export const cidrList: z.ZodMiniType<readonly Prefix[]> = list(
  after(mapping({ cidr: prefix }), ({ cidr }) => cidr),
)

/** `{secretKeyRef: {name, key}}`; undefined when absent. */
export const secret = optional(
  after(mapping({ secretKeyRef: mapping({ name: text, key: text }) }), ({ secretKeyRef }) => secretKeyRef),
)

// ---- how they are made

function absentAs<T>(others: readonly unknown[], schema: z.ZodMiniType<T>): z.ZodMiniType<T> {
  return before(
    (given) => (given === null || given === '' || others.includes(given) ? undefined : given),
    schema,
  )
}

/** A text of a form of its own. */
export function field<T>(what: string, example: string | undefined, read: Read<T>): z.ZodMiniType<T> {
  const expected = example === undefined ? what : `${what}; write it like ${example}`
  return value(expected, (given) => (typeof given === 'string' && given !== '' ? read(given) : undefined))
}

function value<T>(expected: string, read: (given: unknown) => T | undefined): z.ZodMiniType<T> {
  return after(z.unknown(), (given, payload) => {
    const result = given === undefined || given === null ? undefined : read(given)
    return result === undefined ? refuse(payload, complaint(given, expected)) : result
  })
}

/** What `schema` has read, made into something else. */
export function after<A, B>(
  schema: z.ZodMiniType<A>,
  read: (given: A, payload: z.core.ParsePayload) => B,
): z.ZodMiniType<Awaited<B>> {
  return z.pipe(schema, z.transform(read))
}

/** What was given, made into something that `schema` can read. */
export function before<T>(prepare: (given: unknown) => unknown, schema: z.ZodMiniType<T>): z.ZodMiniType<T> {
  return z.pipe(z.transform(prepare), schema)
}

function refuse(payload: z.core.ParsePayload, message: string): never {
  payload.issues.push({ code: 'custom', message, input: payload.value })
  return z.NEVER
}

function complaint(given: unknown, expected: string): string {
  if (given === undefined || given === null) return `is missing; it must be ${expected}`
  return `${shown(given)} is not ${expected}`
}

function isTexts(given: unknown): given is Record<string, string> {
  const isMapping = typeof given === 'object' && given !== null && !Array.isArray(given)
  return isMapping && Object.values(given).every((entry) => typeof entry === 'string')
}

function matching(pattern: RegExp): Read<string> {
  return (given) => (pattern.test(given) ? given : undefined)
}

/** Hours, minutes and seconds in Go's notation (time.ParseDuration); shorter units make no whole second. */
function parseSeconds(given: string): number | undefined {
  const match = /^(?=\d)(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)(?:\.0+)?s)?$/.exec(given)
  if (!match) return given === '0' ? 0 : undefined
  const [, hours = 0, minutes = 0, rest = 0] = match
  return 3600 * Number(hours) + 60 * Number(minutes) + Number(rest)
}

/** `aa:nn` or `aa:nn:mm`, each part in its range. */
export function isCommunity(given: string): boolean {
  const parts = /^\d+:\d+(:\d+)?$/.test(given) ? given.split(':') : []
  const most = parts.length === 2 ? 0xffff : 0xffff_ffff
  return parts.length > 0 && parts.every((part) => Number(part) <= most)
}
