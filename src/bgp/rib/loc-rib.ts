// Loc-RIB: all eligible paths of each destination, and which of them is in use. RFC 4271 §3.2, §9.1.2.

import type { Prefix } from '../../inet/prefix.ts'
import type { BestPathChange, Path } from '../types.ts'
import { type Circumstances, decide, type RankedPath, rank } from './decision.ts'

export class LocRib {
  readonly #given: Circumstances
  readonly #onChange: (prefix: Prefix) => void
  /** Best first, the rest in no order. */
  readonly #paths = new Map<Prefix, readonly Path[]>()
  /** Destinations whose best path was replaced since changes were last taken, each with what was best then. */
  readonly #replaced = new Map<Prefix, Path | undefined>()

  /** `onChange` hears of every change of a best path at once. */
  constructor(given: Circumstances, onChange: (prefix: Prefix) => void) {
    this.#given = given
    this.#onChange = onChange
  }

  /** Takes one path out, puts one in, or both; they have one prefix. */
  replace(before: Path | undefined, after: Path | undefined): void {
    const prefix = (after ?? before)!.prefix
    const old = this.#paths.get(prefix)
    const rest = old?.filter((path) => path !== before) ?? []
    const paths = bestFirst(after ? [after, ...rest] : rest, this.#given)
    if (paths.length > 0) this.#paths.set(prefix, paths)
    else this.#paths.delete(prefix)
    if (paths[0] !== old?.[0]) this.#changed(prefix, old?.[0])
  }

  best(prefix: Prefix): Path | undefined {
    return this.#paths.get(prefix)?.[0]
  }

  /** Best first, each with the step that struck it out. */
  ranked(prefix: Prefix): RankedPath[] {
    return rank(this.#paths.get(prefix) ?? [], this.#given)
  }

  prefixes(): IterableIterator<Prefix> {
    return this.#paths.keys()
  }

  /** One change for each destination whose best path is another than when last asked. */
  takeChanges(): BestPathChange[] {
    const changes: BestPathChange[] = []
    for (const [prefix, before] of this.#replaced) {
      const best = this.best(prefix)
      if (!samePath(before, best)) changes.push({ prefix, best })
    }
    this.#replaced.clear()
    return changes
  }

  #changed(prefix: Prefix, before: Path | undefined): void {
    if (!this.#replaced.has(prefix)) this.#replaced.set(prefix, before)
    this.#onChange(prefix)
  }
}

function bestFirst(paths: readonly Path[], given: Circumstances): readonly Path[] {
  const best = decide(paths, given)
  return best === paths[0] ? paths : [best!, ...paths.filter((path) => path !== best)]
}

/** Attributes are interned, and the next hop is one of them. */
function samePath(a: Path | undefined, b: Path | undefined): boolean {
  return a?.peer === b?.peer && a?.pathId === b?.pathId && a?.attributes === b?.attributes
}
