// Adj-RIB-In: what one peer has told us, by prefix and path identifier. RFC 4271 §3.2, RFC 7911 §3.
// What we originate ourselves is kept in one too.
//
// Paths that policy leaves as they came, which are nearly all, are where all candidates are, and nowhere else. Those it
// refuses or changes are kept apart as they came, since the peer takes them for delivered and says them once: when policy
// changes they are judged again (`judge`).
//
// Paths may be marked stale: they stay in use, and what the peer has not told us
// again by the time of the sweep is gone (RFC 4724 §4.2, RFC 7313 §4). In between they may become the last resort
// (RFC 9494 §4.2).

import { FAMILIES, type Family, familyOf } from '../../inet/address.ts'
import type { Prefix } from '../../inet/prefix.ts'
import type { Path } from '../types.ts'
import type { Nlri, PathAttributes } from '../wire/message.ts'
import { AttributeWeight } from './attribute-weight.ts'
import type { Destination, LocRib } from './loc-rib.ts'

/** Where eligible paths go. */
export type Candidates = Pick<LocRib, 'find' | 'replace' | 'destinations'>

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
  /** Its name; null for ourselves. */
  readonly #peer: string | null
  readonly #judge: Judge
  /** As received, those that policy refuses or changes. */
  readonly #apart = new Map<string, Path>()
  readonly #stale: Readonly<Record<Family, Set<Path>>> = { ipv4: new Set(), ipv6: new Set() }
  readonly #held: Record<Family, number> = { ipv4: 0, ipv6: 0 }
  readonly #weight = new AttributeWeight()

  constructor(candidates: Candidates, peer: string | null, judge: Judge) {
    this.#candidates = candidates
    this.#peer = peer
    this.#judge = judge
  }

  /** All paths held, eligible or not. */
  get size(): number {
    return this.#held.ipv4 + this.#held.ipv6
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
    const at = this.#candidates.find(path.prefix)
    const before = this.#eligible(at, path)
    const former = this.#apart.get(keyOf(path)) ?? before
    if (former?.attributes === path.attributes) this.#stale[familyOf(path.prefix)].delete(former)
    else this.#place(at, { former, before, path })
  }

  withdraw(nlri: Nlri): void {
    const at = this.#candidates.find(nlri.prefix)
    const before = this.#eligible(at, nlri)
    const former = this.#apart.get(keyOf(nlri)) ?? before
    if (former) this.#forget(former)
    if (before) this.#candidates.replace(at, before, undefined)
  }

  clear(): void {
    for (const at of this.#candidates.destinations())
      for (const path of at.all) if (path.peer === this.#peer) this.#candidates.replace(at, path, undefined)
    this.#apart.clear()
    this.#weight.clear()
    for (const family of FAMILIES) {
      this.#stale[family].clear()
      this.#held[family] = 0
    }
  }

  /** Judges all paths again, and offers them as if just announced: other things are known of the peer now. */
  judgeAgain(): void {
    for (const path of [...this.received()]) this.#change(path, path.attributes)
  }

  markStale(family: Family): void {
    for (const path of this.received()) if (familyOf(path.prefix) === family) this.#stale[family].add(path)
  }

  /** What is marked goes on with other attributes, interned; or is withdrawn, when there are none. */
  ageStale(family: Family, aged: (attributes: PathAttributes) => PathAttributes | undefined): void {
    for (const path of [...this.#stale[family]]) {
      const attributes = aged(path.attributes)
      if (attributes) this.#change(path, attributes)
      else this.withdraw(path)
    }
  }

  /** Withdraws what was marked and not announced since. */
  sweep(family: Family): void {
    for (const path of this.#stale[family]) this.withdraw(path)
  }

  /** The paths to `prefix` that may not be used. For people: it looks at all that policy does not leave as they came. */
  ineligible(prefix: Prefix): Path[] {
    const at = this.#candidates.find(prefix)
    return [...this.#apart.values()].filter((path) => path.prefix === prefix && !this.#eligible(at, path))
  }

  /** Every path as it came. The cost is that of all tables. */
  *received(): Generator<Path> {
    for (const { all } of this.#candidates.destinations())
      for (const path of all) if (path.peer === this.#peer && !this.#apart.has(keyOf(path))) yield path
    yield* this.#apart.values()
  }

  /** The path of this peer that may be used. */
  #eligible(at: Destination | undefined, { pathId }: Nlri): Path | undefined {
    return at?.all.find((path) => path.peer === this.#peer && path.pathId === pathId)
  }

  /** The same path, seen in another light: it is as stale as it was. */
  #change(former: Path, attributes: PathAttributes): void {
    const stale = this.#stale[familyOf(former.prefix)]
    const wasStale = stale.has(former)
    const at = this.#candidates.find(former.prefix)
    const path = { ...former, attributes }
    this.#place(at, { former, before: this.#eligible(at, former), path })
    if (wasStale) stale.add(path)
  }

  /** `former` is the path that was received before, if any, and `before` the one that was in use for it. */
  #place(
    at: Destination | undefined,
    { former, before, path }: { former: Path | undefined; before: Path | undefined; path: Path },
  ): void {
    const used = this.#judge(path)
    if (former) this.#forget(former)
    this.#held[familyOf(path.prefix)]++
    this.#weight.add(path.attributes)
    if (used !== path) this.#apart.set(keyOf(path), path)
    if (before || used) this.#candidates.replace(at, before, used)
  }

  #forget(received: Path): void {
    const family = familyOf(received.prefix)
    this.#held[family]--
    this.#stale[family].delete(received)
    this.#apart.delete(keyOf(received))
    this.#weight.remove(received.attributes)
  }
}

/** Without ADD-PATH the identifier is 0 and the key costs nothing. */
function keyOf({ prefix, pathId }: Nlri): string {
  return pathId === 0 ? prefix : `${prefix} ${pathId}`
}
