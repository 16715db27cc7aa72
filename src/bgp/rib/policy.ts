// Which paths may be used, which may be sent to whom, and what they then say.
// RFC 4271 §5.1, §6.3 and §9, RFC 4456 §8, RFC 1997; values as calico-node's BIRD sends them.

import { type Address, type Family, familyOf } from '../../inet/address.ts'
import type { Path } from '../types.ts'
import type { AsSegment, PathAttributes, UnknownAttribute } from '../wire/message.ts'
import type { GroupTraits, RibPeer } from './peer.ts'

/** What a path is worth when nobody in our AS has said (BIRD's default_local_pref). */
const DEFAULT_LOCAL_PREF = 100

/** RFC 1997, "Well-known Communities". */
const NO_EXPORT = 0xffff_ff01
const NO_ADVERTISE = 0xffff_ff02
const NO_EXPORT_SUBCONFED = 0xffff_ff03

/** Attribute flags, RFC 4271 §4.3. */
const TRANSITIVE = 0x40
const PARTIAL = 0x20

/** Most AS numbers in one segment: its length is one octet. */
const SEGMENT_MAX = 255

/**
 * The attributes of an UPDATE as the tables keep them: `nextHop` is that of the family in question, LOCAL_PREF is always
 * set, and what concerns the message rather than the path is gone.
 */
export function importAttributes(received: PathAttributes, nextHop: Address, from: RibPeer): PathAttributes {
  const { mpReach, mpUnreach, as4Path, as4Aggregator, localPref = DEFAULT_LOCAL_PREF, ...rest } = received
  return { ...rest, nextHop, localPref: from.type === 'external' ? DEFAULT_LOCAL_PREF : localPref }
}

/** What the rules for import look at: the same for all prefixes of one announcement. */
type Imported = Pick<Path, 'attributes' | 'nextHop'>

type Refuses = (imported: Imported, from: RibPeer, family: Family) => boolean

const IMPORT_RULES: readonly (readonly [why: string, refuses: Refuses])[] = [
  ['own AS in AS_PATH', ({ attributes }, from) => ownAsns(attributes, from) > from.allowedLocalAsns], // RFC 4271 §9.1.2
  ['ORIGINATOR_ID is ours', ({ attributes }, from) => attributes.originatorId === from.localRouterId], // RFC 4456 §8
  ['next hop is our own address', ({ nextHop }, from) => nextHop === from.localAddress], // RFC 4271 §6.3
  ['next hop is not a host address', ({ nextHop }) => !isHostAddress(nextHop)], // RFC 4271 §6.3
  ['next hop of another family', ({ nextHop }, _, family) => familyOf(nextHop) !== family], // RFC 8950 is not offered
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
  // Where we are to be the next hop we need an address of that family (RFC 8950 is not offered).
  if ((!from || to.type === 'external') && familyOf(to.localAddress) !== family) return false
  if (!from) return true
  // RFC 4271 §9.2. BIRD lets a route pass between two internal sessions with different local AS; that can loop.
  if (from.type === 'internal' && to.type === 'internal') return false
  const communities = path.attributes.communities ?? []
  if (communities.includes(NO_ADVERTISE)) return false
  return (
    to.type === 'internal' || !(communities.includes(NO_EXPORT) || communities.includes(NO_EXPORT_SUBCONFED))
  )
}

/** What becomes of one attribute on its way out. Undefined: it is not sent. */
type Rule<T> = (value: T, to: GroupTraits) => T | undefined

type Row<K extends keyof PathAttributes> = readonly Rule<PathAttributes[K]>[]

const keep = <T>(value: T): T => value
const drop = (): undefined => undefined
const zero = (med: number | undefined): number | undefined => (med === undefined ? undefined : 0)
const self: Rule<Address | undefined> = (_, to) => to.localAddress
const prepend: Rule<readonly AsSegment[] | undefined> = (path, to) => prependAs(path ?? [], to.localAsn)

const SENT: { readonly [K in keyof PathAttributes]-?: Row<K> } = {
  //                        own to iBGP, own to eBGP, learned to iBGP, learned to eBGP
  origin: [keep, keep, keep, keep],
  asPath: [keep, prepend, keep, prepend],
  nextHop: [self, self, keep, self],
  med: [drop, drop, keep, zero],
  localPref: [keep, drop, keep, drop],
  atomicAggregate: [drop, drop, keep, keep],
  aggregator: [drop, drop, keep, keep],
  communities: [keep, keep, keep, keep],
  originatorId: [drop, drop, keep, drop],
  clusterList: [drop, drop, keep, drop],
  mpReach: [drop, drop, drop, drop],
  mpUnreach: [drop, drop, drop, drop],
  extendedCommunities: [keep, keep, keep, transitive],
  as4Path: [drop, drop, drop, drop],
  as4Aggregator: [drop, drop, drop, drop],
  ipv6ExtendedCommunities: [keep, keep, keep, transitive],
  largeCommunities: [keep, keep, keep, keep],
  onlyToCustomer: [keep, keep, keep, keep],
  unknown: [drop, drop, partial, partial],
}

const ROWS = Object.entries(SENT) as [keyof PathAttributes, Row<keyof PathAttributes>][]

/** What a group is told of a path, apart from the prefix. Depends on the path's attributes and on its being our own only. */
export function exportAttributes(path: Path, to: GroupTraits): PathAttributes {
  const column = (path.peer === null ? 0 : 2) + (to.type === 'internal' ? 0 : 1)
  const sent: Record<string, unknown> = {}
  for (const [name, row] of ROWS) {
    const value = (row[column] as Rule<unknown>)(path.attributes[name], to)
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

/** RFC 4271 §5.1.2 b. */
function prependAs(path: readonly AsSegment[], asn: number): readonly AsSegment[] {
  const [first, ...rest] = path
  if (first?.type === 'sequence' && first.asns.length < SEGMENT_MAX) {
    return [{ type: 'sequence', asns: [asn, ...first.asns] }, ...rest]
  }
  return [{ type: 'sequence', asns: [asn] }, ...path]
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
