// Routes as ip(8) reads and prints them.
//
// The same text comes from `ip -N -o -d route show` and from `ip monitor`, so one parser
// serves both (ip-route(8); numbers from linux/rtnetlink.h). A line is a type, a prefix,
// and words: some stand alone, most are followed by their value.

import { type Address, familyOf, parseAddress } from '../../inet/address.ts'
import { isHost, type Prefix, parseCidr, prefixAddress } from '../../inet/prefix.ts'
import { ourMetric, type Route } from '../../plan/wanted.ts'
import {
  type KernelNextHop,
  type KernelRoute,
  metricOf,
  type PrintedRoute,
  protocolName,
  protocolNumber,
  RTN_BLACKHOLE,
  RTN_UNICAST,
} from './kernel-route.ts'

const RT_SCOPE_LINK = '253'
const RT_TABLE_MAIN = '254'

/** Reads one line of `ip -N -o -d route`; undefined when it is no route of a prefix. */
export function parseRoute(line: string): PrintedRoute | undefined {
  const [type = '', destination = '', ...words] = line.replaceAll('\\', ' ').trim().split(/\s+/)
  const [head = [], ...hops] = splitAt('nexthop', words)
  const { values, flags } = readWords(head)
  const prefix = prefixIn(destination, flags)
  if (!/^\d+$/.test(type) || !prefix) return undefined
  const metric = Number(values.get('metric') ?? 0)
  const protocol = values.get('proto') ?? '0'
  return {
    type: Number(type),
    prefix,
    protocol,
    main: (values.get('table') ?? RT_TABLE_MAIN) === RT_TABLE_MAIN,
    tos: values.has('tos'),
    dead: flags.has('dead'),
    metric,
    route: {
      prefix,
      type: Number(type) === RTN_BLACKHOLE ? 'blackhole' : 'unicast',
      protocol: protocolName(protocol),
      ...(Number(type) === RTN_UNICAST && wayOut(values, flags)),
      ...(hops.length > 0 && { nexthops: hops.map(nextHop) }),
      ...(metric !== ourMetric(prefix) && { metric }),
      because: 'found in the kernel',
    },
  }
}

/** The kernel reports IPv6 blackholes on `lo`, so this is for unicast routes only. */
function wayOut(values: ReadonlyMap<string, string>, flags: ReadonlySet<string>): Partial<KernelRoute> {
  const device = values.get('dev')
  const gateway = parseAddress(values.get('via') ?? '')
  const source = parseAddress(values.get('src') ?? '')
  return {
    ...(device !== undefined && { device }),
    ...(gateway && { gateway }),
    ...(values.get('scope') === RT_SCOPE_LINK && { scope: 'link' }),
    ...(flags.has('onlink') && { onlink: true }),
    ...(values.has('mtu') && { mtu: Number(values.get('mtu')) }),
    ...(source && { source }),
  }
}

/** What `ip` prints after each `nexthop` of a multipath route, or of a group of nexthop objects. */
function nextHop(words: readonly string[]): KernelNextHop {
  const { values, flags } = readWords(words)
  const { device = '', gateway, onlink } = wayOut(values, flags)
  const weight = Number(values.get('weight') ?? 1)
  return {
    device,
    ...(gateway && { gateway }),
    ...(onlink && { onlink }),
    ...(weight !== 1 && { weight }),
    ...(flags.has('dead') && { dead: true }),
  }
}

function splitAt(mark: string, words: readonly string[]): string[][] {
  const parts: string[][] = [[]]
  for (const word of words) {
    if (word === mark) parts.push([])
    else parts.at(-1)!.push(word)
  }
  return parts
}

const FLAGS = new Set(['onlink', 'dead', 'pref'])
const VALUES = new Set(['via', 'dev', 'src', 'proto', 'scope', 'metric', 'mtu', 'table', 'tos', 'weight'])
/** Words between a key and its value: `via inet6 fd00::1`, `mtu lock 1400`. */
const QUALIFIERS = new Set(['inet', 'inet6', 'lock'])

function readWords(words: readonly string[]): { values: Map<string, string>; flags: Set<string> } {
  const values = new Map<string, string>()
  const flags = new Set<string>()
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!
    if (FLAGS.has(word)) flags.add(word)
    if (!VALUES.has(word)) continue
    if (QUALIFIERS.has(words[i + 1] ?? '')) i++
    const value = words[++i]
    if (value !== undefined && !values.has(word)) values.set(word, value)
  }
  return { values, flags }
}

/** `default` does not say its family, but every IPv6 route has a `pref` (RFC 4191). */
function prefixIn(destination: string, flags: ReadonlySet<string>): Prefix | undefined {
  if (destination !== 'default') return parseCidr(destination)?.prefix
  return parseCidr(flags.has('pref') ? '::/0' : '0.0.0.0/0')?.prefix
}

/** A wanted route as `ip route` prints it. */
export function routeLine(route: Route): string {
  const { prefix, type, gateway, device, protocol, scope, source, onlink, mtu } = route
  const metric = ourMetric(prefix)
  return words([
    type === 'blackhole' && 'blackhole',
    isHost(prefix) ? prefixAddress(prefix) : prefix,
    gateway && via(gateway, prefix),
    device && `dev ${device}`,
    protocol !== 'boot' && `proto ${protocol}`,
    scope && `scope ${scope}`,
    source && `src ${source}`,
    metric > 0 && `metric ${metric}`,
    onlink && 'onlink',
    mtu !== undefined && `mtu ${mtu}`,
    ...nextHopWords(route),
  ])
}

/** The line that makes the kernel hold `route`, in place of any other of its prefix and metric. */
export function replaceLine(route: KernelRoute): string {
  return words([
    'route replace',
    route.type === 'blackhole' && 'blackhole',
    route.prefix,
    route.gateway && via(route.gateway, route.prefix),
    route.device && `dev ${route.device}`,
    route.source && `src ${route.source}`,
    `proto ${protocolNumber(route)}`,
    route.scope && `scope ${route.scope}`,
    `metric ${metricOf(route)}`,
    route.onlink && 'onlink',
    route.mtu !== undefined && `mtu ${route.mtu}`,
    ...nextHopWords(route),
  ])
}

function nextHopWords({ prefix, nexthops = [] }: Route): string[] {
  return nexthops.map(({ gateway, device, onlink }) =>
    words(['nexthop', gateway && via(gateway, prefix), `dev ${device}`, 'weight 1', onlink && 'onlink']),
  )
}

/** A gateway of the other family is told with its family: RFC 8950 makes such routes. */
function via(gateway: Address, prefix: Prefix): string {
  const family = familyOf(gateway)
  return family === familyOf(prefix)
    ? `via ${gateway}`
    : `via ${family === 'ipv6' ? 'inet6' : 'inet'} ${gateway}`
}

/** The line that removes exactly `route`: a `del` that names less takes the first that fits (Calico felix/routetable). */
export function deleteLine(route: KernelRoute): string {
  return words([
    'route del',
    route.type === 'blackhole' && 'blackhole',
    route.prefix,
    route.device && `dev ${route.device}`,
    `proto ${protocolNumber(route)}`,
    `metric ${metricOf(route)}`,
  ])
}

function words(parts: readonly (string | false | undefined)[]): string {
  return parts.filter((part) => part).join(' ')
}
