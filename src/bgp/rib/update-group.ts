// What an update group has been told, in full: the best path of each destination, or with ADD-PATH (RFC 7911) the others
// after it, as far as they would tell the group anything else.
//
// Each place in the order of the paths has a table of its own, and is the identifier: the best path is 1. A path that
// comes to a place is announced under its identifier, which replaces what was there (RFC 7911 §3), and places that are
// left empty are withdrawn. So no identifier has to be remembered, and a destination has no more of them than places.

import { type Family, familyOf } from '../../inet/address.ts'
import type { Prefix } from '../../inet/prefix.ts'
import type { Path } from '../types.ts'
import type { PathAttributes } from '../wire/message.ts'
import { AdjRibOut, type Standing } from './adj-rib-out.ts'
import type { Exporter, Told } from './export.ts'
import { memo } from './memo.ts'
import type { End, Outbound } from './outbox.ts'
import type { GroupTraits, RibPeer } from './peer.ts'

/** Paths of one destination at most; as many next hops as one route has. */
const MAX_PATHS = 16

const NEVER_TOLD: Standing = { told: new Set(), ends: [] }

export interface GroupOptions {
  readonly traits: GroupTraits
  readonly exporter: Exporter
  /** All paths that may be used, the best first. */
  usable(prefix: Prefix): readonly Path[]
  /** How many paths there are, usable or not: cheaper than to rank them. */
  count(prefix: Prefix): number
}

export class UpdateGroup {
  readonly #options: GroupOptions
  readonly #members = new Map<string, RibPeer>()
  /** By place; there are as many as some destination once needed, and one at least. */
  readonly #places: AdjRibOut[] = []
  /** What the paths of a destination come to, as long as turns are due: each place asks for it. */
  readonly #told = new Map<Prefix, readonly Told[]>()

  constructor(options: GroupOptions) {
    this.#options = options
    this.#place(0)
  }

  /** Number of members. */
  get size(): number {
    return this.#members.size
  }

  get pending(): boolean {
    return this.#places.some(({ pending }) => pending)
  }

  /** How many turns are due. */
  get due(): number {
    return this.#places.reduce((sum, { due }) => sum + due, 0)
  }

  /** As `AdjRibOut.join`; `standings` is what another group said of the member. */
  join(peer: RibPeer, standings?: readonly Standing[]): void {
    for (const place of standings?.keys() ?? []) this.#place(place)
    for (const [place, table] of this.#places.entries())
      table.join(peer, standings ? (standings[place] ?? NEVER_TOLD) : place === 0 ? undefined : NEVER_TOLD)
    this.#members.set(peer.name, peer)
  }

  leave(name: string): void {
    this.#members.delete(name)
    for (const table of this.#places) table.leave(name)
  }

  /** Where a member stands, by place. */
  standing(name: string): readonly Standing[] {
    return this.#places.map((table) => table.standing(name))
  }

  /** What a member has been announced and not withdrawn. */
  *announced(name: string): Generator<{ prefix: Prefix; attributes: PathAttributes }> {
    for (const table of this.#places) yield* table.announced(name)
  }

  /** How many paths a member was announced and not withdrawn. */
  advertised(name: string): number {
    return this.#places.reduce((sum, table) => sum + table.advertised(name), 0)
  }

  /**
   * The paths of a destination, or what policy says of them, may have changed. `best` is the best one; `isBest`: that may
   * have. What the group may not have, and has not had, costs no turn: in a mesh that is nearly everything.
   */
  touch(prefix: Prefix, best: Path | undefined, isBest: boolean): void {
    if (this.#hasMany(familyOf(prefix))) {
      this.#touchAll(prefix)
      return
    }
    const first = this.#places[0]!
    if (isBest && ((best && this.#options.exporter.permits(best)) || first.holds(prefix)))
      first.touch(prefix, best)
  }

  /** Sends a member all of one family again, and these ends after it. */
  resend(name: string, family: Family, ends: readonly End[]): void {
    for (const table of this.#places) table.resend(name, family, ends)
  }

  /** Tells a member of an end, after all that is due by now. */
  end(name: string, end: End): void {
    this.#places[0]!.end(name, end)
  }

  /** As `AdjRibOut.take`, with the ends when all places have said what they had. */
  take(limit: number): Outbound[] {
    const [first, ...others] = this.#places as [AdjRibOut, ...AdjRibOut[]]
    const share = Math.ceil(limit / this.#places.filter(({ pending }) => pending).length)
    const outbound = this.#places.flatMap((table) => table.take(share))
    if (!this.pending) this.#told.clear()
    for (const table of others) table.finish() // an end is the first's to tell
    return others.some(({ pending }) => pending) ? outbound : [...outbound, ...first.finish()]
  }

  /** Gives all places their turn that have or will have a path. */
  #touchAll(prefix: Prefix): void {
    this.#told.delete(prefix)
    const count = Math.min(this.#options.count(prefix), MAX_PATHS)
    for (let place = 0; place < Math.max(count, this.#places.length); place++)
      if (place < count || this.#places[place]!.holds(prefix)) this.#place(place).touch(prefix, undefined)
  }

  #place(place: number): AdjRibOut {
    const known = this.#places[place]
    if (known) return known
    const { traits } = this.#options
    const table = new AdjRibOut(traits, {
      tell: (prefix, best) => this.#tell(prefix, best, place),
      pathId: (family) => (this.#hasMany(family) ? place + 1 : 0),
    })
    for (const peer of this.#members.values()) table.join(peer, NEVER_TOLD)
    this.#places[place] = table
    return table
  }

  #tell(prefix: Prefix, best: Path | undefined, place: number): Told | undefined {
    const { exporter, usable } = this.#options
    if (this.#hasMany(familyOf(prefix)))
      return memo(this.#told, prefix, () => distinct(usable(prefix), exporter))[place]
    return best && exporter.tell(best)
  }

  #hasMany(family: Family): boolean {
    return this.#options.traits.addPathSend[family]
  }
}

/** What the group may be told of some paths, each thing once. */
function distinct(paths: readonly Path[], exporter: Exporter): Told[] {
  const told = new Map<PathAttributes, Told>()
  for (const path of paths) {
    const one = exporter.tell(path)
    if (one && !told.has(one.attributes)) told.set(one.attributes, one)
  }
  return [...told.values()].slice(0, MAX_PATHS)
}
