// Adj-RIB-Out: what an update group has been told. RFC 4271 §3.2 and §9.2, End-of-RIB RFC 4724 §2.
//
// Peers that are announced the same routes in the same bytes form an update
// group and share one table, so a hundred of them cost about what one does.
// What a member has been told is the table, except for
//   - paths withheld from it: those it sent us itself, and those whose next hop
//     it is (it would send the packets back to us);
//   - what a feed still has to bring: a member that joins late gets the table
//     as a feed of its own, and so does one that asks for it again.
//
// Work is by prefix: what a prefix has become is settled when its turn comes,
// for all members at once, so however often it changes it is sent once.

import { type Family, familyOf } from '../../inet/address.ts'
import type { Prefix } from '../../inet/prefix.ts'
import type { Path } from '../types.ts'
import type { PathAttributes } from '../wire/message.ts'
import type { Told } from './export.ts'
import { Feeds } from './feeds.ts'
import { Members } from './members.ts'
import { memo } from './memo.ts'
import type { End, Outbound } from './outbox.ts'
import type { GroupTraits, RibPeer } from './peer.ts'
import { Round } from './round.ts'

/** What a table is made of. */
export interface Contents {
  /**
   * What the group is to be told of a prefix now, whose best path is this; undefined: nothing. The same object for all
   * prefixes of which the same is told.
   */
  tell(prefix: Prefix, best: Path | undefined): Told | undefined
  /** The identifier of all its paths of a family; 0 where there are none (RFC 7911). */
  pathId(family: Family): number
}

/** What a member has been told so far. */
export interface Standing {
  /** Announced and not withdrawn. */
  readonly told: ReadonlySet<Prefix>
  /** What it still awaits. */
  readonly ends: readonly End[]
}

/** A prefix of which the group has been told something, or may have to be. */
interface Entry {
  readonly prefix: Prefix
  /** What has been announced. */
  told: Told | undefined
  /** The best path, or what policy says of it, may have changed since the last turn: it is in the queue. */
  isDue: boolean
  /** That path, when it is due. */
  best: Path | undefined
}

export class AdjRibOut {
  readonly #traits: GroupTraits
  readonly #contents: Contents
  readonly #members = new Members()
  readonly #feeds = new Feeds()
  readonly #entries = new Map<Prefix, Entry>()
  /** How many of them have been announced. */
  #told = 0
  /** Those that are due, in the order in which they came. */
  readonly #queue: Entry[] = []
  /** How many have had their turn. */
  #taken = 0

  constructor(traits: GroupTraits, contents: Contents) {
    this.#traits = traits
    this.#contents = contents
  }

  /** Number of members. */
  get size(): number {
    return this.#members.size
  }

  get pending(): boolean {
    return this.#queue.length > 0 || this.#feeds.pending
  }

  /** How many turns are due. A prefix may have fewer than are counted, since one serves all feeds. */
  get due(): number {
    return this.#queue.length + this.#feeds.due
  }

  /**
   * Adds a member, which will get the whole table and then End-of-RIB; or, when it comes from another group, what makes
   * right what it was told there.
   */
  join(peer: RibPeer, standing?: Standing): void {
    const { name } = peer
    const announced = this.#announced()
    this.#members.add(peer, announced)
    if (standing) {
      const prefixes = [...prefixesOf(announced), ...standing.told]
      this.#feeds.begin(name, { ...standing, prefixes, after: this.#queued })
      return
    }
    const ends = this.#traits.families.map((family) => ({ family, endOf: 'rib' as const }))
    this.#feeds.share(name, this.#queued, () => ({ ends, prefixes: prefixesOf(announced), told: new Set() }))
  }

  /** What a member has been announced and not withdrawn, but for what a turn is still due for. */
  *announced(name: string): Generator<{ prefix: Prefix; attributes: PathAttributes }> {
    const { told } = this.standing(name)
    for (const prefix of told) {
      const now = this.#entries.get(prefix)?.told
      if (now) yield { prefix, attributes: now.attributes }
    }
  }

  /** Where a member stands, for the group it goes to next. */
  standing(name: string): Standing {
    const due = this.#feeds.joining(name)
    const told = new Set<Prefix>()
    for (const { prefix, told: now } of this.#announced())
      if (!due?.pending.has(prefix) && !this.#members.withheldFrom(now).includes(name)) told.add(prefix)
    for (const prefix of due?.pending ?? []) if (due!.told.has(prefix)) told.add(prefix)
    return { told, ends: this.#feeds.ends(name) }
  }

  leave(name: string): void {
    this.#members.delete(name)
    this.#feeds.leave(name)
  }

  /** Gives a prefix a turn: its best path is this, and may be another than before, or what policy says of it. */
  touch(prefix: Prefix, best: Path | undefined): void {
    const entry = memo(this.#entries, prefix, () => newEntry(prefix))
    entry.best = best
    if (entry.isDue) return
    entry.isDue = true
    this.#queue.push(entry)
  }

  /** True when something of a prefix has been announced, or may have to be. */
  holds(prefix: Prefix): boolean {
    return this.#entries.has(prefix)
  }

  /** Sends a member all of one family again, for ROUTE-REFRESH (RFC 2918 §4), and these ends after it. */
  resend(name: string, family: Family, ends: readonly End[]): void {
    const prefixes = prefixesOf(this.#announced()).filter((prefix) => familyOf(prefix) === family)
    this.#feeds.begin(name, { prefixes, ends, after: this.#queued })
  }

  /** Tells a member of an end, after all that is due by now. */
  end(name: string, end: End): void {
    this.#feeds.begin(name, { prefixes: [], ends: [end], after: this.#queued })
  }

  /** How many prefixes a member was announced and not withdrawn. */
  advertised(name: string): number {
    let held = this.#told - this.#members.withheld(name)
    const due = this.#feeds.joining(name)
    for (const prefix of due?.pending ?? []) {
      const told = this.#entries.get(prefix)?.told
      if (told && !this.#members.withheldFrom(told).includes(name)) held--
      if (due!.told.has(prefix)) held++
    }
    return held
  }

  /** Gives at most `limit` prefixes their turn, changed ones before feeds, and returns what is to be sent for them. */
  take(limit: number): Outbound[] {
    this.#feeds.seal()
    const round = new Round(this.#members)
    const due = this.#queue.splice(0, limit)
    this.#taken += due.length
    for (const entry of due) this.#turn(entry, this.#contents.tell(entry.prefix, entry.best), round)
    for (const prefix of this.#feeds.next(limit - due.length)) {
      const entry = this.#entries.get(prefix) ?? newEntry(prefix)
      this.#turn(entry, entry.told, round)
    }
    return round.outbound()
  }

  /** Drops the feeds that have brought everything, and what was due before them, and says so to those who await it. */
  finish(): Outbound[] {
    return this.#feeds.finish(this.#taken)
  }

  /** How many prefixes have been given a turn, had or to come. */
  get #queued(): number {
    return this.#taken + this.#queue.length
  }

  /** Takes a prefix out of all queues, brings the table up to date, and notes what that means to each member. */
  #turn(entry: Entry, after: Told | undefined, round: Round): void {
    const { prefix, told: before } = entry
    this.#put(entry, after)
    const feeds = this.#feeds.take(prefix)
    if (before === after && feeds.length === 0) return
    round.add({ prefix, before, after, feeds }, this.#contents.pathId(familyOf(prefix)))
  }

  #put(entry: Entry, told: Told | undefined): void {
    this.#told += Number(told !== undefined) - Number(entry.told !== undefined)
    entry.told = told
    entry.best = undefined
    entry.isDue = false
    if (!told) this.#entries.delete(entry.prefix)
  }

  /** Those that have been announced. */
  #announced(): (Entry & { readonly told: Told })[] {
    return [...this.#entries.values()].filter((entry) => entry.told) as (Entry & { readonly told: Told })[]
  }
}

function newEntry(prefix: Prefix): Entry {
  return { prefix, told: undefined, isDue: false, best: undefined }
}

function prefixesOf(entries: readonly Entry[]): Prefix[] {
  return entries.map(({ prefix }) => prefix)
}
