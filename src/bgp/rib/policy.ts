// Which paths may be used, which may be sent to whom, and what they then say.
// RFC 4271 §5.1, §6.3 and §9, RFC 4456 §8, RFC 1997; values as calico-node's BIRD sends them.

import { type Address, type Family, familyOf } from '../../inet/address.ts'
import type { Path } from '../types.ts'
import type { AsSegment, PathAttributes, UnknownAttribute } from '../wire/message.ts'
import { prependAs } from './filter.ts'
import { exportedOtc, importedOtc, isLeak, wouldLeak } from './only-to-customer.ts'
import type { GroupTraits, RibPeer } from './peer.ts'
import { has } from './well-known.ts'

/** What a path is worth when nobody in our AS has said (BIRD's default_local_pref). */
const DEFAULT_LOCAL_PREF = 100

/** Attribute flags, RFC 4271 §4.3. */
const TRANSITIVE = 0x40
const PARTIAL = 0x20

/**
 * The attributes of an UPDATE as the tables keep them: `nextHop` is that of the family in question, LOCAL_PREF is always
 * set, and what concerns the message rather than the path is gone.
 */
export function importAttributes(received: PathAttributes, nextHop: Address, from: RibPeer): PathAttributes {
  const { mpReach, mpUnreach, as4Path, as4Aggregator, localPref = DEFAULT_LOCAL_PREF, ...rest } = received
  const onlyToCustomer = importedOtc(received, from)
  return {
    ...rest,
    nextHop,
    localPref: from.type === 'external' ? DEFAULT_LOCAL_PREF : localPref,
    ...(onlyToCustomer !== undefined && { onlyToCustomer }),
  }
}

/** What the rules for import look at: the same for all prefixes of one announcement. */
type Imported = Pick<Path, 'attributes' | 'nextHop'>

type Refuses = (imported: Imported, from: RibPeer, family: Family) => boolean

const IMPORT_RULES: readonly (readonly [why: string, refuses: Refuses])[] = [
  ['own AS in AS_PATH', ({ attributes }, from) => ownAsns(attributes, from) > from.allowedLocalAsns], // RFC 4271 §9.1.2
  ['ORIGINATOR_ID is ours', ({ attributes }, from) => attributes.originatorId === from.localRouterId], // RFC 4456 §8
  ['CLUSTER_LIST has our cluster ID', ({ attributes }, { reflector }) => hasPassed(attributes, reflector)], // RFC 4456 §8
  ['it only goes to customers (OTC)', ({ attributes }, from) => isLeak(attributes, from)], // RFC 9234 §5
  ['next hop is our own address', ({ nextHop }, from, family) => nextHop === ownNextHop(from, family)], // RFC 4271 §6.3
  ['next hop is not a host address', ({ nextHop }) => !isHostAddress(nextHop)], // RFC 4271 §6.3
  ['next hop of another family', ({ nextHop }, from, family) => !mayLead(nextHop, family, from)],
]

/** Why received paths of a family must not be used, in words; undefined when they may. */
export function whyIneligible(imported: Imported, from: RibPeer, family: Family): string | undefined {
  return IMPORT_RULES.find(([, refuses]) => refuses(imported, from, family))?.[0]
}

/** The attributes of a route of our own, before anyone is told of it. It has no next hop yet: each peer gets its own. */
export function ownAttributes(localPref: number): PathAttributes {
  return { origin: 'igp', asPath: [], localPref }
}

/**
 * Whether the protocol lets a path go to a group at all. `from` is the peer it came from, undefined for our own paths,
 * which always may: communities we attach ourselves are for those who receive them.
 */
export function mayExport(path: Path, from: RibPeer | undefined, to: GroupTraits): boolean {
  const family = familyOf(path.prefix)
  if (!to.families.includes(family)) return false
  const nextHop = isNextHop(from, to) ? ownNextHop(to, family) : path.nextHop
  if (!mayLead(nextHop, family, to)) return false
  if (!from) return true
  if (wouldLeak(path.attributes, to)) return false
  if (from.type === 'internal' && to.type === 'internal' && !reflects(path, from, to)) return false
  return !staysHere(path.attributes, to)
}

/** RFC 1997; RFC 9494 §4.3: those who would not know that it is stale would prefer it. */
function staysHere(attributes: PathAttributes, to: GroupTraits): boolean {
  if (has(attributes, 'noAdvertise') || (has(attributes, 'llgrStale') && !to.longLived)) return true
  return to.type === 'external' && (has(attributes, 'noExport') || has(attributes, 'noExportSubconfed'))
}

/**
 * RFC 4271 §9.2 keeps internal routes from internal peers; RFC 4456 §6 lets a reflector pass them on to its clients, and
 * those of its clients to all, unless they have been there. BIRD also lets a route pass between two internal sessions
 * with different local AS; that can loop.
 */
function reflects({ attributes }: Path, from: RibPeer, to: GroupTraits): boolean {
  const { reflector } = to
  if (!reflector || !(reflector.client || from.reflector?.client)) return false
  return !hasPassed(attributes, reflector)
}

function hasPassed({ clusterList }: PathAttributes, reflector: RibPeer['reflector']): boolean {
  return reflector !== undefined && clusterList?.includes(reflector.clusterId) === true
}

/** Whether packets for what we announce are to come to us. */
function isNextHop(from: RibPeer | undefined, { type, nextHopMode }: GroupTraits): boolean {
  if (!from || nextHopMode === 'self') return true
  return type === 'external' && nextHopMode !== 'keep'
}

/** Our address of a family towards a group, or, for want of one, that of the session. */
function ownNextHop({ localAddress, otherAddresses }: GroupTraits, family: Family): Address {
  return familyOf(localAddress) === family ? localAddress : (otherAddresses?.[family] ?? localAddress)
}

/** Whether a next hop may be that of routes of a family on a session. RFC 8950: IPv6 next hops for IPv4, where both know. */
function mayLead(nextHop: Address, family: Family, { extendedNextHop }: GroupTraits): boolean {
  return familyOf(nextHop) === family || (family === 'ipv4' && extendedNextHop === true)
}

/** What becomes of one attribute on its way out. Undefined: it is not sent. `from` is absent for our own paths. */
type Rule<T> = (value: T, to: GroupTraits, from: RibPeer | undefined, family: Family) => T | undefined

type Row<K extends keyof PathAttributes> = readonly Rule<PathAttributes[K]>[]

const keep = <T>(value: T): T => value
const drop = (): undefined => undefined
const zero = (med: number | undefined): number | undefined => (med === undefined ? undefined : 0)
const hop: Rule<Address | undefined> = (nextHop, to, from, family) =>
  isNextHop(from, to) ? ownNextHop(to, family) : nextHop
const prepend: Rule<readonly AsSegment[] | undefined> = (path, to) => prependAs(path ?? [], to.localAsn)
// RFC 4456 §8: only what is reflected bears them.
const origin: Rule<Address | undefined> = (id, _, from) =>
  from?.type === 'internal' ? (id ?? from.routerId) : undefined
const cluster: Rule<readonly Address[] | undefined> = (list = [], { reflector }, from) =>
  from?.type === 'internal' ? [reflector!.clusterId, ...list] : undefined

const SENT: { readonly [K in keyof PathAttributes]-?: Row<K> } = {
  //                        own to iBGP, own to eBGP, learned to iBGP, learned to eBGP
  origin: [keep, keep, keep, keep],
  asPath: [keep, prepend, keep, prepend],
  nextHop: [hop, hop, hop, hop],
  med: [drop, drop, keep, zero],
  localPref: [keep, drop, keep, drop],
  atomicAggregate: [drop, drop, keep, keep],
  aggregator: [drop, drop, keep, keep],
  communities: [keep, keep, keep, keep],
  originatorId: [drop, drop, origin, drop],
  clusterList: [drop, drop, cluster, drop],
  mpReach: [drop, drop, drop, drop],
  mpUnreach: [drop, drop, drop, drop],
  extendedCommunities: [keep, keep, keep, transitive],
  as4Path: [drop, drop, drop, drop],
  as4Aggregator: [drop, drop, drop, drop],
  ipv6ExtendedCommunities: [keep, keep, keep, transitive],
  largeCommunities: [keep, keep, keep, keep],
  onlyToCustomer: [keep, exportedOtc, keep, exportedOtc],
  unknown: [drop, drop, partial, partial],
}

const ROWS = Object.entries(SENT) as [keyof PathAttributes, Row<keyof PathAttributes>][]

/**
 * What a group is told of a path from `from` (undefined: our own), apart from the prefix.
 */
export function exportAttributes(
  attributes: PathAttributes,
  from: RibPeer | undefined,
  to: GroupTraits,
  family: Family,
): PathAttributes {
  const column = (from ? 2 : 0) + (to.type === 'internal' ? 0 : 1)
  const sent: Record<string, unknown> = {}
  for (const [name, row] of ROWS) {
    const value = (row[column] as Rule<unknown>)(attributes[name], to, from, family)
    if (value !== undefined) sent[name] = value
  }
  return sent as PathAttributes
}

function ownAsns({ asPath = [] }: PathAttributes, { localAsn }: RibPeer): number {
  return asPath.flatMap(({ asns }) => asns).filter((asn) => asn === localAsn).length
}

/** False for `::`, for 0.0.0.0/8 and for multicast and what is beyond it: no neighbour has such an address. */
function isHostAddress(address: Address): boolean {
  if (familyOf(address) === 'ipv6') return address !== '::' && !/^ff..:/.test(address)
  const first = Number(address.slice(0, address.indexOf('.')))
  return first > 0 && first < 224
}

/** Without the communities that stay within an AS: bit 0x40 of the first octet, RFC 4360 §2. */
function transitive(communities: readonly string[] | undefined): readonly string[] | undefined {
  const kept = communities?.filter((text) => (Number.parseInt(text.slice(0, 2), 16) & 0x40) === 0)
  return kept?.length ? kept : undefined
}

/** RFC 4271 §9: what we do not know travels on if it is transitive, marked as not understood by all. */
function partial(unknown: readonly UnknownAttribute[] | undefined): readonly UnknownAttribute[] | undefined {
  const kept = unknown
    ?.filter(({ flags }) => flags & TRANSITIVE)
    .map((attribute) => ({ ...attribute, flags: attribute.flags | PARTIAL }))
  return kept?.length ? kept : undefined
}
