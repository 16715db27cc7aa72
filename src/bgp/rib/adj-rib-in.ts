// Adj-RIB-In: what one peer has told us, by prefix and path identifier. RFC 4271 §3.2, RFC 7911 §3.
// What we originate ourselves is kept in one too.
//
// Paths that policy refuses or changes are kept as they came too, since the peer
// takes them for delivered and says them once: when policy changes they are judged
// again (`judge`).
//
// Paths may be marked stale: they stay in use, and what the peer has not told us
// again by the time of the sweep is gone (RFC 4724 §4.2, RFC 7313 §4). In between they may become the last resort
// (RFC 9494 §4.2).

import { FAMILIES, type Family, familyOf } from '../../inet/address.ts'
import type { Prefix } from '../../inet/prefix.ts'
import type { Path } from '../types.ts'
import type { Nlri, PathAttributes } from '../wire/message.ts'
import { AttributeWeight } from './attribute-weight.ts'

/** Where eligible paths go. */
export interface Candidates {
  /** One of the two is given at least, both when one path takes the place of another. */
  replace(before: Path | undefined, after: Path | undefined): void
}

/** The path to use in place of a received one, mostly that itself; undefined when it may not be used. */
export type Judge = (received: Path) => Path | undefined

/** How much a peer has with us of one family. */
export interface Holding {
  /** Paths, those not told again since a restart included. */
  readonly held: number
  /** Those it has told in this session. */
  readonly fresh: number
}

export class AdjRibIn {
  readonly #candidates: Candidates
  readonly #judge: Judge
  readonly #eligible = new Map<string, Path>()
  readonly #ineligible = new Map<string, Path>()
  /** As received, those of the eligible that policy has changed. */
  readonly #originals = new Map<string, Path>()
  readonly #stale: Readonly<Record<Family, Set<string>>> = { ipv4: new Set(), ipv6: new Set() }
  readonly #held: Record<Family, number> = { ipv4: 0, ipv6: 0 }
  readonly #weight = new AttributeWeight()

  constructor(candidates: Candidates, judge: Judge) {
    this.#candidates = candidates
    this.#judge = judge
  }

  /** All paths held, eligible or not. */
  get size(): number {
    return this.#eligible.size + this.#ineligible.size
  }

  holding(family: Family): Holding {
    const held = this.#held[family]
    return { held, fresh: held - this.#stale[family].size }
  }

  /** About how many octets the attributes of all paths take, each set of them counted once. */
  get weight(): number {
    return this.#weight.octets
  }

  /** Takes a path in, in place of the one of the same prefix and identifier. `path.attributes` must be interned. */
  announce(path: Path): void {
    const key = keyOf(path)
    this.#staleOf(path).delete(key)
    const former = this.#received(key)
    if (former?.attributes !== path.attributes) this.#place(key, path, former)
  }

  withdraw(nlri: Nlri): void {
    const key = keyOf(nlri)
    this.#staleOf(nlri).delete(key)
    const former = this.#received(key)
    const before = former && this.#eligible.get(key)
    if (former) this.#forget(key, former)
    if (before) this.#candidates.replace(before, undefined)
  }

  clear(): void {
    for (const path of this.#eligible.values()) this.#candidates.replace(path, undefined)
    this.#eligible.clear()
    this.#ineligible.clear()
    this.#originals.clear()
    this.#weight.clear()
    for (const family of FAMILIES) {
      this.#stale[family].clear()
      this.#held[family] = 0
    }
  }

  /** Judges all paths again, and offers them as if just announced: other things are known of the peer now. */
  judgeAgain(): void {
    for (const key of [...this.#eligible.keys(), ...this.#ineligible.keys()]) {
      const former = this.#received(key)!
      this.#place(key, { ...former }, former)
    }
  }

  markStale(family: Family): void {
    for (const paths of [this.#eligible, this.#ineligible])
      for (const [key, { prefix }] of paths) if (familyOf(prefix) === family) this.#stale[family].add(key)
  }

  /** What is marked goes on with other attributes, interned; or is withdrawn, when there are none. */
  ageStale(family: Family, aged: (attributes: PathAttributes) => PathAttributes | undefined): void {
    for (const key of this.#stale[family]) {
      const path = this.#received(key)!
      const attributes = aged(path.attributes)
      if (attributes) this.#place(key, { ...path, attributes }, path)
      else this.withdraw(path)
    }
  }

  /** Withdraws what was marked and not announced since. */
  sweep(family: Family): void {
    for (const key of this.#stale[family]) this.withdraw(this.#received(key)!)
  }

  /** The paths to `prefix` that may not be used. For people: it looks at all of them. */
  ineligible(prefix: Prefix): Path[] {
    return [...this.#ineligible.values()].filter((path) => path.prefix === prefix)
  }

  /** Every path as it came. */
  *received(): Generator<Path> {
    for (const [key, path] of this.#eligible) yield this.#originals.get(key) ?? path
    yield* this.#ineligible.values()
  }

  #received(key: string): Path | undefined {
    return this.#originals.get(key) ?? this.#eligible.get(key) ?? this.#ineligible.get(key)
  }

  /** `former` is the path that has been received under this key, if any. */
  #place(key: string, path: Path, former: Path | undefined): void {
    const before = former && this.#eligible.get(key)
    const used = this.#judge(path)
    if (former) this.#forget(key, former)
    this.#held[familyOf(path.prefix)]++
    this.#weight.add(path.attributes)
    if (used) this.#eligible.set(key, used)
    else this.#ineligible.set(key, path)
    if (used && used !== path) this.#originals.set(key, path)
    if (before || used) this.#candidates.replace(before, used)
  }

  #staleOf({ prefix }: Nlri): Set<string> {
    return this.#stale[familyOf(prefix)]
  }

  #forget(key: string, received: Path): void {
    this.#held[familyOf(received.prefix)]--
    this.#weight.remove(received.attributes)
    for (const paths of [this.#eligible, this.#ineligible, this.#originals]) paths.delete(key)
  }
}

/** Without ADD-PATH the identifier is 0 and the key costs nothing. */
function keyOf({ prefix, pathId }: Nlri): string {
  return pathId === 0 ? prefix : `${prefix} ${pathId}`
}
