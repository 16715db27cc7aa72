// Loc-RIB: all paths of each destination that policy lets in, and which of them are in use. RFC 4271 §3.2, §9.1.2.
//
// A path whose next hop cannot be reached waits here until it can (§9.1.2.1).

import type { Address } from '../../inet/address.ts'
import type { Prefix } from '../../inet/prefix.ts'
import type { BestPathChange, Path } from '../types.ts'
import { type Circumstances, decide, type RankedPath, rank } from './decision.ts'
import { NextHops, type Reach } from './next-hops.ts'

/** Hears of every change of the paths of a destination: which of them is the best now, and whether that is another. */
export type OnChange = (prefix: Prefix, best: Path | undefined, isBest: boolean) => void

/** Changed by the Loc-RIB only. */
export interface Destination {
  readonly prefix: Prefix
  /** In no order. One path, which most have, is all and in use: these two are one list then. */
  all: readonly Path[]
  /** The best first. */
  used: readonly Path[]
  /** What was in use when changes were last taken; undefined: the same as now. */
  before: readonly Path[] | undefined
}

const NONE: readonly Path[] = []
const NOWHERE: Pick<Destination, 'all' | 'used'> = { all: NONE, used: NONE }

export interface LocRibOptions {
  readonly peer: Circumstances['peer']
  /** Whether a next hop can be reached. When its answers change, call `reviewNextHops`. */
  reach(nextHop: Address): Reach
}

export class LocRib {
  readonly #nextHops: NextHops
  readonly #given: Circumstances
  readonly #onChange: OnChange
  /** Those that some path leads to, or whose end is still to be told. */
  readonly #destinations = new Map<Prefix, Destination>()
  /** Those whose paths in use were replaced since changes were last taken. */
  #replaced: Destination[] = []

  constructor({ peer, reach }: LocRibOptions, onChange: OnChange) {
    this.#nextHops = new NextHops(reach)
    this.#given = { peer, igpMetric: (nextHop) => this.#metric(nextHop) }
    this.#onChange = onChange
  }

  /** Undefined when nothing leads there. */
  find(prefix: Prefix): Destination | undefined {
    return this.#destinations.get(prefix)
  }

  /** All that some path leads to, or led to when changes were last taken. */
  destinations(): Iterable<Destination> {
    return this.#destinations.values()
  }

  /** Takes one path out, puts one in, or both; they have one prefix, and `at` is what `find` says of it. */
  replace(at: Destination | undefined, before: Path | undefined, after: Path | undefined): void {
    if (after && after.peer !== null) this.#nextHops.hold(after.nextHop)
    if (before && before.peer !== null) this.#nextHops.release(before.nextHop)
    const destination = at ?? this.#newDestination((after ?? before)!.prefix)
    this.#place(destination, exchanged(destination.all, before, after))
  }

  /** Weighs again the paths to next hops that are reached otherwise now. The cost is that of the table, if there are any. */
  reviewNextHops(): void {
    const changed = this.#nextHops.review()
    if (changed.size === 0) return
    for (const destination of this.#destinations.values()) {
      const { all } = destination
      if (all.some(({ nextHop }) => changed.has(nextHop))) this.#place(destination, all)
    }
  }

  best(prefix: Prefix): Path | undefined {
    return this.#destinations.get(prefix)?.used[0]
  }

  /** How many paths lead there, those to next hops out of reach included. */
  count(prefix: Prefix): number {
    return this.#destinations.get(prefix)?.all.length ?? 0
  }

  /** All that may be used, best first. */
  usable(prefix: Prefix): readonly Path[] {
    const { all, used } = this.#destinations.get(prefix) ?? NOWHERE
    return all.length < 2 ? used : this.#rankUsable(all).map(({ path }) => path)
  }

  /** Best first, each with the step that struck it out; those to next hops out of reach come last. */
  ranked(prefix: Prefix): RankedPath[] {
    const { all, used } = this.#destinations.get(prefix) ?? NOWHERE
    const reachable = this.#rankUsable(all).map((one) =>
      used.includes(one.path) ? { ...one, lostBy: undefined } : one,
    )
    const others = all.flatMap((path) => {
      const lostBy = this.#outOfReach(path)
      return lostBy === undefined ? [] : [{ path, eligible: false, lostBy }]
    })
    return [...reachable, ...others]
  }

  /** All that some path leads to, though none may be usable. */
  prefixes(): IterableIterator<Prefix> {
    return this.#destinations.keys()
  }

  /** One change for each destination whose paths in use are others than when last asked. */
  takeChanges(): BestPathChange[] {
    const changes: BestPathChange[] = []
    for (const destination of this.#replaced) {
      const { prefix, before, used } = destination
      if (!samePaths(before!, used)) changes.push({ prefix, used })
      destination.before = undefined
      this.#forgetIfOver(destination)
    }
    this.#replaced = []
    return changes
  }

  #rankUsable(all: readonly Path[]): RankedPath[] {
    return rank(this.#withinReach(all), this.#given)
  }

  /** The list itself, where it is all of it. */
  #withinReach(all: readonly Path[]): readonly Path[] {
    const isOut = (path: Path): boolean => this.#outOfReach(path) !== undefined
    return all.some(isOut) ? all.filter((path) => !isOut(path)) : all
  }

  /** In words; undefined when it is not. */
  #outOfReach({ peer, nextHop }: Path): string | undefined {
    const reach = peer === null ? undefined : this.#nextHops.reach(nextHop)
    return reach && 'unresolved' in reach ? `next hop ${nextHop}: ${reach.unresolved}` : undefined
  }

  #metric(nextHop: Address): number {
    const reach = this.#nextHops.reach(nextHop)
    return 'metric' in reach ? reach.metric : Number.POSITIVE_INFINITY
  }

  #newDestination(prefix: Prefix): Destination {
    const destination = { prefix, all: NONE, used: NONE, before: undefined }
    this.#destinations.set(prefix, destination)
    return destination
  }

  #place(destination: Destination, all: readonly Path[]): void {
    const { prefix, used: before } = destination
    destination.all = all
    destination.used = decide(this.#withinReach(all), this.#given)
    if (!destination.before && !samePaths(before, destination.used)) {
      destination.before = before
      this.#replaced.push(destination)
    }
    this.#forgetIfOver(destination)
    const best = destination.used[0]
    this.#onChange(prefix, best, best !== before[0])
  }

  #forgetIfOver({ prefix, all, before }: Destination): void {
    if (all.length === 0 && !before) this.#destinations.delete(prefix)
  }
}

/** Some paths without one and with another. Most destinations have one path. */
function exchanged(all: readonly Path[], before: Path | undefined, after: Path | undefined): readonly Path[] {
  const others = all.length > (before ? 1 : 0) ? all.filter((path) => path !== before) : NONE
  return after ? [after, ...others] : others
}

function samePaths(a: readonly Path[], b: readonly Path[]): boolean {
  return a.length === b.length && a.every((path, i) => samePath(path, b[i]!))
}

/** Attributes are interned, and the next hop is one of them. */
function samePath(a: Path, b: Path): boolean {
  return a.peer === b.peer && a.pathId === b.pathId && a.attributes === b.attributes
}
