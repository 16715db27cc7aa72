// How the settings of node start-up are written (Calico node/pkg/lifecycle/startup, .../autodetection).

import { type Address, type Family, familyOf } from '../inet/address.ts'
import { parseAsn } from '../inet/asn.ts'
import { type Prefix, parseCidr, parsePrefix, prefixLength } from '../inet/prefix.ts'
import { formatGoDuration, parseGoDuration } from './go-duration.ts'
import { falsehoods, type SettingType } from './types.ts'

/** A word, or an address; with a prefix when the length of its subnet was given. */
export type NodeAddress =
  | 'autodetect'
  | 'none'
  | { readonly address: Address; readonly prefix: Prefix | undefined }

const examples = {
  ipv4: { name: 'IPv4', address: '172.20.0.11', subnet: '172.20.0.11/24', pool: '10.244.0.0/16' },
  ipv6: { name: 'IPv6', address: 'fd20::11', subnet: 'fd20::11/64', pool: 'fd66::/48' },
} as const

/** IP and IP6. */
export function nodeAddress(family: Family): SettingType<NodeAddress | undefined> {
  const { name, address, subnet } = examples[family]
  return {
    expected: `autodetect, none, or an ${name} address such as ${subnet} or ${address}`,
    parse(given) {
      if (given === 'autodetect' || given === 'none') return given
      const cidr = parseCidr(given)
      if (!cidr || familyOf(cidr.address) !== family) return undefined
      return { address: cidr.address, prefix: given.includes('/') ? cidr.prefix : undefined }
    },
    show(value) {
      if (typeof value !== 'object') return value ?? null
      return value.prefix ? `${value.address}/${prefixLength(value.prefix)}` : value.address
    },
  }
}

/** How an address of the node is found. `text` is the method as it was written. */
export type DetectionMethod = { readonly text: string } & (
  | { readonly kind: 'first-found' | 'kubernetes-internal-ip' }
  | { readonly kind: 'can-reach'; readonly destination: string }
  | { readonly kind: 'interface' | 'skip-interface'; readonly names: RegExp }
  | { readonly kind: 'cidr'; readonly cidrs: readonly Prefix[] }
)

/** What stands behind the `=` of a method; undefined when it cannot be used. */
const methods: Readonly<Record<string, (argument: string, text: string) => DetectionMethod | undefined>> = {
  'first-found': withoutArgument('first-found'),
  'kubernetes-internal-ip': withoutArgument('kubernetes-internal-ip'),
  'can-reach': (destination, text) =>
    destination === '' ? undefined : { kind: 'can-reach', text, destination },
  interface: byNames('interface'),
  'skip-interface': byNames('skip-interface'),
  cidr(argument, text) {
    const cidrs = items(argument).map(parsePrefix)
    return cidrs.every((cidr) => cidr !== undefined) ? { kind: 'cidr', text, cidrs } : undefined
  },
}

export const firstFound: DetectionMethod = { kind: 'first-found', text: 'first-found' }

/** IP_AUTODETECTION_METHOD and IP6_AUTODETECTION_METHOD. */
export const detectionMethod: SettingType<DetectionMethod> = {
  expected:
    'first-found, can-reach=HOST, interface=REGEX,…, skip-interface=REGEX,…, cidr=CIDR,… or kubernetes-internal-ip',
  parse(text) {
    const [, name = '', argument = ''] = /^([a-z-]+)(?:=(.*))?$/.exec(text) ?? []
    return Object.hasOwn(methods, name) ? methods[name]!(argument.trim(), text) : undefined
  },
  show: ({ text }) => text,
}

function withoutArgument(kind: 'first-found' | 'kubernetes-internal-ip') {
  return (argument: string, text: string): DetectionMethod | undefined =>
    argument === '' ? { kind, text } : undefined
}

/** Partial matches, as in Calico: `interface=eth1` also means veth1 and eth10. */
function byNames(kind: 'interface' | 'skip-interface') {
  return (argument: string, text: string): DetectionMethod | undefined => {
    const patterns = items(argument)
    if (patterns.includes('')) return undefined // it would mean every interface
    try {
      return { kind, text, names: new RegExp(patterns.map((pattern) => `(?:${pattern})`).join('|')) }
    } catch {
      return undefined
    }
  }
}

function items(list: string): string[] {
  return list.split(/\s*,\s*/)
}

/** CALICO_IPV4POOL_CIDR and CALICO_IPV6POOL_CIDR. Host bits are masked. */
export function poolCidr(family: Family): SettingType<Prefix | 'none' | undefined> {
  const { name, pool } = examples[family]
  return {
    expected: `an ${name} CIDR such as ${pool}, or none for no pool`,
    parse(given) {
      const prefix = parsePrefix(given)
      if (given === 'none') return given
      return prefix && familyOf(prefix) === family ? prefix : undefined
    },
  }
}

export const asn: SettingType<number | undefined> = {
  expected: 'an AS number such as 64512 or 1.10',
  parse: parseAsn,
}

/** evaluateENVBool of Calico's start-up: whatever is no word for false is true. */
export const unlessFalse: SettingType<boolean> = {
  expected: 'true or false',
  parse: (given) => !falsehoods.includes(given.toLowerCase()),
}

/** A time span in milliseconds, which the environment spells as Go does. */
export const goDuration: SettingType<number> = {
  expected: 'a duration such as 60s or 1m30s',
  parse(given) {
    const ms = parseGoDuration(given)
    return ms !== undefined && ms > 0 ? ms : undefined
  },
  show: formatGoDuration,
}
