// The decision process: which of several paths to one destination are used. RFC 4271 §9.1.2.2, RFC 4456 §9.
//
// The RFC says: take the highest degree of preference, then strike out paths
// step by step until one is left.
//
// We do, in BIRD's order:
//    1. our own paths before learned ones
//    2. those of present peers before those kept of peers that have been away for long (RFC 9494 §4.3)
//    3. highest LOCAL_PREF
//    4. shortest AS_PATH; an AS_SET counts as one (§9.1.2.2 a)
//    5. lowest ORIGIN: IGP, EGP, incomplete (b)
//    6. lowest MED, among paths from the same neighbouring AS; missing is 0 (c)
//    7. external before internal peers (d)
//    8. lowest IGP metric to the next hop (e)
//    9. lowest ORIGINATOR_ID, else BGP Identifier of the peer (f, RFC 4456)
//   10. shortest CLUSTER_LIST (RFC 4456)
//   11. lowest peer address (g)
//   12. lowest path identifier: one peer may send several paths (RFC 7911)
//
// BIRD compares in pairs, so with MED its winner can depend on the order of
// arrival. We strike out from the whole set at each step, as the RFC describes
// it, and so depend on nothing but the paths.
//
// Steps 9 to 12 choose where there is nothing to choose between. Paths that get
// that far share the traffic, as with BIRD's `merge paths`, which Calico turns on.

import { type Address, addressBytes } from '../../inet/address.ts'
import type { Path } from '../types.ts'
import type { RibPeer } from './peer.ts'
import { has } from './well-known.ts'

/** What the paths themselves do not say. */
export interface Circumstances {
  /** The peer of that name; it exists for every learned path. */
  peer(name: string): RibPeer
  /** The distance to a next hop; lower is nearer. */
  igpMetric(nextHop: Address): number
}

/** A path and what became of it. */
export interface RankedPath {
  readonly path: Path
  /** False when the path may not be used at all. */
  readonly eligible: boolean
  /** Why it is not in use, in words; undefined for the best path, and for those in use beside it. */
  readonly lostBy: string | undefined
}

interface Step {
  readonly lostBy: string
  /** The lowest stays. */
  readonly by: (path: Path, given: Circumstances) => number | string
  /** Only paths with an equal answer are compared. All are when this is absent. */
  readonly among?: (path: Path) => number
}

const ORIGINS = ['igp', 'egp', 'incomplete']

/** Next hops of one route: BIRD's limit. */
const MAX_NEXT_HOPS = 16

const PREFERENCES: readonly Step[] = [
  { lostBy: 'not our own', by: ({ peer }) => (peer === null ? 0 : 1) },
  { lostBy: 'stale for long', by: ({ attributes }) => (has(attributes, 'llgrStale') ? 1 : 0) },
  { lostBy: 'lower LOCAL_PREF', by: ({ attributes }) => -(attributes.localPref ?? 0) },
  { lostBy: 'longer AS_PATH', by: asPathLength },
  { lostBy: 'higher ORIGIN', by: ({ attributes }) => ORIGINS.indexOf(attributes.origin ?? 'incomplete') },
  { lostBy: 'higher MED', by: ({ attributes }) => attributes.med ?? 0, among: neighboringAs },
  { lostBy: 'internal peer', by: (path, given) => (from(path, given).type === 'external' ? 0 : 1) },
  { lostBy: 'higher IGP metric', by: ({ nextHop }, given) => given.igpMetric(nextHop) },
]

const TIE_BREAKS: readonly Step[] = [
  { lostBy: 'higher router ID', by: (path, given) => ordinal(originator(path, given)) },
  { lostBy: 'longer CLUSTER_LIST', by: ({ attributes }) => attributes.clusterList?.length ?? 0 },
  { lostBy: 'higher peer address', by: (path, given) => ordinal(from(path, given).address) },
  { lostBy: 'higher path identifier', by: ({ pathId }) => pathId },
]

/**
 * Which of some eligible paths to one destination are used, whatever their order: the best first, then those that share
 * the traffic with it. Of paths to one next hop, which reflectors send, only the first is; empty when there are none.
 */
export function decide(paths: readonly Path[], given: Circumstances): readonly Path[] {
  let left = paths
  for (let i = 0; i < PREFERENCES.length && left.length > 1; i++)
    left = survivors(PREFERENCES[i]!, left, given)
  if (left.length < 2) return left
  const byNextHop = new Map<Address, Path>()
  for (const { path } of rank(left, given))
    if (!byNextHop.has(path.nextHop)) byNextHop.set(path.nextHop, path)
  return [...byNextHop.values()].slice(0, MAX_NEXT_HOPS)
}

/** All of some eligible paths to one destination, best first: those struck out last before those struck out early. */
export function rank(paths: readonly Path[], given: Circumstances): RankedPath[] {
  return rankFrom(0, paths, given)
}

/** The same for paths between which the preferences before `first` make no difference. */
function rankFrom(first: number, paths: readonly Path[], given: Circumstances): RankedPath[] {
  const worse: RankedPath[] = []
  let left = paths
  for (let i = first; i < PREFERENCES.length && left.length > 1; i++) {
    const step = PREFERENCES[i]!
    const kept = survivors(step, left, given)
    const lost = left.filter((path) => !kept.includes(path))
    worse.unshift(...rankFrom(i, lost, given).map((other) => ({ ...other, lostBy: step.lostBy })))
    left = kept
  }
  return [...breakTies(left, given), ...worse]
}

/** Tie breaks compare any two paths, so that they can sort. */
function breakTies(paths: readonly Path[], given: Circumstances): RankedPath[] {
  if (paths.length < 2) return paths.map((path) => ({ path, eligible: true, lostBy: undefined }))
  const keyed = paths.map((path) => ({ path, key: TIE_BREAKS.map(({ by }) => by(path, given)) }))
  keyed.sort(({ key: a }, { key: b }) => {
    const i = difference(a, b)
    return i < 0 ? 0 : a[i]! < b[i]! ? -1 : 1
  })
  const best = keyed[0]!.key
  return keyed.map(({ path, key }) => ({
    path,
    eligible: true,
    lostBy: TIE_BREAKS[difference(key, best)]?.lostBy,
  }))
}

/** The first index where two keys differ; -1 when they are equal. */
function difference(a: readonly unknown[], b: readonly unknown[]): number {
  return a.findIndex((value, i) => value !== b[i])
}

function survivors(step: Step, paths: readonly Path[], given: Circumstances): readonly Path[] {
  const groups = paths.map((path) => step.among?.(path) ?? 0)
  const values = paths.map((path) => step.by(path, given))
  const lowest = new Map<number, number | string>()
  for (const [i, group] of groups.entries()) {
    const least = lowest.get(group)
    if (least === undefined || values[i]! < least) lowest.set(group, values[i]!)
  }
  return paths.filter((_, i) => values[i] === lowest.get(groups[i]!))
}

function asPathLength({ attributes }: Path): number {
  let length = 0
  for (const { type, asns } of attributes.asPath ?? []) length += type === 'set' ? 1 : asns.length
  return length
}

/** The AS the path was learned from; 0 when it began in our own or with an AS_SET. */
function neighboringAs({ attributes }: Path): number {
  const first = attributes.asPath?.[0]
  return first?.type === 'sequence' ? (first.asns[0] ?? 0) : 0
}

/** Asked only of learned paths: a destination has at most one path of our own, and it wins the first step alone. */
function from(path: Path, given: Circumstances): RibPeer {
  return given.peer(path.peer!)
}

function originator(path: Path, given: Circumstances): Address {
  return path.attributes.originatorId ?? from(path, given).routerId
}

/** Text that sorts as the address does as an unsigned number. */
function ordinal(address: Address): string {
  return Array.from(addressBytes(address), (byte) => byte.toString(16).padStart(2, '0'))
    .join('')
    .padStart(32, '0')
}
