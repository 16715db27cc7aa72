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
  /** As received. */
  readonly #paths = new Map<string, Path>()
  /** What policy made of those it did not leave as they came. */
  readonly #judged = new Map<Path, Path | undefined>()
  readonly #stale: Readonly<Record<Family, Set<Path>>> = { ipv4: new Set(), ipv6: new Set() }
  readonly #held: Record<Family, number> = { ipv4: 0, ipv6: 0 }
  readonly #weight = new AttributeWeight()

  constructor(candidates: Candidates, judge: Judge) {
    this.#candidates = candidates
    this.#judge = judge
  }

  /** All paths held, eligible or not. */
  get size(): number {
    return this.#paths.size
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
    const former = this.#paths.get(key)
    if (former?.attributes !== path.attributes) this.#place(key, path, former)
    else this.#staleOf(former).delete(former)
  }

  withdraw(nlri: Nlri): void {
    const key = keyOf(nlri)
    const former = this.#paths.get(key)
    if (!former) return
    const before = this.#eligible(former)
    this.#paths.delete(key)
    this.#forget(former)
    if (before) this.#candidates.replace(before, undefined)
  }

  clear(): void {
    for (const path of this.#paths.values()) {
      const before = this.#eligible(path)
      if (before) this.#candidates.replace(before, undefined)
    }
    this.#paths.clear()
    this.#judged.clear()
    this.#weight.clear()
    for (const family of FAMILIES) {
      this.#stale[family].clear()
      this.#held[family] = 0
    }
  }

  /** Judges all paths again, and offers them as if just announced: other things are known of the peer now. */
  judgeAgain(): void {
    for (const [key, former] of this.#paths) this.#replace(key, { ...former }, former)
  }

  markStale(family: Family): void {
    for (const path of this.#paths.values())
      if (familyOf(path.prefix) === family) this.#stale[family].add(path)
  }

  /** What is marked goes on with other attributes, interned; or is withdrawn, when there are none. */
  ageStale(family: Family, aged: (attributes: PathAttributes) => PathAttributes | undefined): void {
    for (const path of [...this.#stale[family]]) {
      const attributes = aged(path.attributes)
      if (attributes) this.#replace(keyOf(path), { ...path, attributes }, path)
      else this.withdraw(path)
    }
  }

  /** Withdraws what was marked and not announced since. */
  sweep(family: Family): void {
    for (const path of this.#stale[family]) this.withdraw(path)
  }

  /** The paths to `prefix` that may not be used. For people: it looks at all of them. */
  ineligible(prefix: Prefix): Path[] {
    return [...this.#paths.values()].filter((path) => path.prefix === prefix && !this.#eligible(path))
  }

  /** Every path as it came. */
  received(): Iterable<Path> {
    return this.#paths.values()
  }

  /** The path in use for one that was received, if it may be used. */
  #eligible(received: Path): Path | undefined {
    return this.#judged.has(received) ? this.#judged.get(received) : received
  }

  /** The same path, seen in another light: it is as stale as it was. */
  #replace(key: string, path: Path, former: Path): void {
    const stale = this.#staleOf(former)
    const wasStale = stale.has(former)
    this.#place(key, path, former)
    if (wasStale) stale.add(path)
  }

  /** `former` is the path that has been received under this key, if any. */
  #place(key: string, path: Path, former: Path | undefined): void {
    const before = former && this.#eligible(former)
    const used = this.#judge(path)
    if (former) this.#forget(former)
    this.#paths.set(key, path)
    this.#held[familyOf(path.prefix)]++
    this.#weight.add(path.attributes)
    if (used !== path) this.#judged.set(path, used)
    if (before || used) this.#candidates.replace(before, used)
  }

  #staleOf({ prefix }: Nlri): Set<Path> {
    return this.#stale[familyOf(prefix)]
  }

  #forget(received: Path): void {
    const family = familyOf(received.prefix)
    this.#held[family]--
    this.#stale[family].delete(received)
    this.#judged.delete(received)
    this.#weight.remove(received.attributes)
  }
}

/** Without ADD-PATH the identifier is 0 and the key costs nothing. */
function keyOf({ prefix, pathId }: Nlri): string {
  return pathId === 0 ? prefix : `${prefix} ${pathId}`
}
