// Adj-RIB-In: what one peer has told us, by prefix and path identifier. RFC 4271 §3.2, RFC 7911 §3.
// What we originate ourselves is kept in one too.
//
// Paths that policy refuses are kept too, apart, since the peer takes them for
// delivered: they are counted and shown, but are no candidates.
//
// Paths may be marked stale: they stay in use, and what the peer has not told us
// again by the time of the sweep is gone (RFC 4724 §4.2, RFC 7313 §4).

import { type Family, familyOf } from '../../inet/address.ts'
import type { Prefix } from '../../inet/prefix.ts'
import type { Path } from '../types.ts'
import type { Nlri } from '../wire/message.ts'

/** Where eligible paths go. */
export interface Candidates {
  /** One of the two is given at least, both when one path takes the place of another. */
  replace(before: Path | undefined, after: Path | undefined): void
}

export class AdjRibIn {
  readonly #candidates: Candidates
  readonly #eligible = new Map<string, Path>()
  readonly #ineligible = new Map<string, Path>()
  readonly #stale = new Set<string>()

  constructor(candidates: Candidates) {
    this.#candidates = candidates
  }

  /** All paths held, eligible or not. */
  get size(): number {
    return this.#eligible.size + this.#ineligible.size
  }

  /** Takes a path in, in place of the one of the same prefix and identifier. `path.attributes` must be interned. */
  announce(path: Path, eligible: boolean): void {
    const key = keyOf(path)
    this.#stale.delete(key)
    const before = this.#eligible.get(key)
    if (before?.attributes === path.attributes) return
    const [to, other] = eligible ? [this.#eligible, this.#ineligible] : [this.#ineligible, this.#eligible]
    other.delete(key)
    to.set(key, path)
    if (before || eligible) this.#candidates.replace(before, eligible ? path : undefined)
  }

  withdraw(nlri: Nlri): void {
    const key = keyOf(nlri)
    const before = this.#eligible.get(key)
    this.#stale.delete(key)
    this.#ineligible.delete(key)
    this.#eligible.delete(key)
    if (before) this.#candidates.replace(before, undefined)
  }

  clear(): void {
    for (const path of this.#eligible.values()) this.#candidates.replace(path, undefined)
    this.#eligible.clear()
    this.#ineligible.clear()
    this.#stale.clear()
  }

  /** Offers all paths again, as if just announced: the decision knows other things of the peer now. */
  offerAgain(): void {
    for (const [key, path] of this.#eligible) {
      const again = { ...path }
      this.#eligible.set(key, again)
      this.#candidates.replace(path, again)
    }
  }

  markStale(family: Family): void {
    for (const paths of [this.#eligible, this.#ineligible])
      for (const [key, { prefix }] of paths) if (familyOf(prefix) === family) this.#stale.add(key)
  }

  /** Withdraws what was marked and not announced since. */
  sweep(family: Family): void {
    for (const key of this.#stale) {
      const path = this.#eligible.get(key) ?? this.#ineligible.get(key)!
      if (familyOf(path.prefix) === family) this.withdraw(path)
    }
  }

  /** The paths to `prefix` that may not be used. For people: it looks at all of them. */
  ineligible(prefix: Prefix): Path[] {
    return [...this.#ineligible.values()].filter((path) => path.prefix === prefix)
  }
}

/** Without ADD-PATH the identifier is 0 and the key costs nothing. */
function keyOf({ prefix, pathId }: Nlri): string {
  return pathId === 0 ? prefix : `${prefix} ${pathId}`
}
