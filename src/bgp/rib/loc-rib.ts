// Loc-RIB: all eligible paths of each destination, and which of them are in use. RFC 4271 §3.2, §9.1.2.

import type { Prefix } from '../../inet/prefix.ts'
import type { BestPathChange, Path } from '../types.ts'
import { type Circumstances, decide, type RankedPath, rank } from './decision.ts'

interface Destination {
  /** In no order. */
  readonly all: readonly Path[]
  /** The best first. */
  readonly used: readonly Path[]
}

const NONE: readonly Path[] = []

export class LocRib {
  readonly #given: Circumstances
  readonly #onChange: (prefix: Prefix) => void
  readonly #destinations = new Map<Prefix, Destination>()
  /** Destinations whose paths in use were replaced since changes were last taken, each with what was in use then. */
  readonly #replaced = new Map<Prefix, readonly Path[]>()

  /** `onChange` hears of every change of a best path at once. */
  constructor(given: Circumstances, onChange: (prefix: Prefix) => void) {
    this.#given = given
    this.#onChange = onChange
  }

  /** Takes one path out, puts one in, or both; they have one prefix. */
  replace(before: Path | undefined, after: Path | undefined): void {
    const prefix = (after ?? before)!.prefix
    const rest = this.#destinations.get(prefix)?.all.filter((path) => path !== before) ?? []
    this.#place(prefix, after ? [after, ...rest] : rest)
  }

  best(prefix: Prefix): Path | undefined {
    return this.#used(prefix)[0]
  }

  /** Best first, each with the step that struck it out. */
  ranked(prefix: Prefix): RankedPath[] {
    const used = this.#used(prefix)
    const all = this.#destinations.get(prefix)?.all ?? NONE
    return rank(all, this.#given).map((one) =>
      used.includes(one.path) ? { ...one, lostBy: undefined } : one,
    )
  }

  prefixes(): IterableIterator<Prefix> {
    return this.#destinations.keys()
  }

  /** One change for each destination whose paths in use are others than when last asked. */
  takeChanges(): BestPathChange[] {
    const changes: BestPathChange[] = []
    for (const [prefix, before] of this.#replaced) {
      const used = this.#used(prefix)
      if (!samePaths(before, used)) changes.push({ prefix, best: used[0], equal: used.slice(1) })
    }
    this.#replaced.clear()
    return changes
  }

  #used(prefix: Prefix): readonly Path[] {
    return this.#destinations.get(prefix)?.used ?? NONE
  }

  #place(prefix: Prefix, all: readonly Path[]): void {
    const before = this.#used(prefix)
    const used = decide(all, this.#given)
    if (all.length > 0) this.#destinations.set(prefix, { all, used })
    else this.#destinations.delete(prefix)
    if (!samePaths(before, used) && !this.#replaced.has(prefix)) this.#replaced.set(prefix, before)
    if (used[0] !== before[0]) this.#onChange(prefix)
  }
}

function samePaths(a: readonly Path[], b: readonly Path[]): boolean {
  return a.length === b.length && a.every((path, i) => samePath(path, b[i]!))
}

/** Attributes are interned, and the next hop is one of them. */
function samePath(a: Path, b: Path): boolean {
  return a.peer === b.peer && a.pathId === b.pathId && a.attributes === b.attributes
}
