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
import type { Nlri, PathAttributes } from '../wire/message.ts'
import type { Told } from './export.ts'
import { memo } from './memo.ts'
import { type Audience, announcedTo, type End, type Outbound, Outbox } from './outbox.ts'
import type { GroupTraits, RibPeer } from './peer.ts'

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

/** Part of the table on its way to some of the members. */
interface Feed {
  /** What they are told when it is over. */
  readonly ends: readonly End[]
  /** How many of the changed prefixes, counted from the first, have their turn before that. */
  after: number
  /** What members that joined had been told before; undefined: what the table holds. */
  readonly told: ReadonlySet<Prefix> | undefined
  readonly to: Set<string>
  readonly pending: Set<Prefix>
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

/** What a prefix was and has become. */
interface Turn {
  readonly prefix: Prefix
  readonly before: Told | undefined
  readonly after: Told | undefined
  /** Those that were still to bring it. */
  readonly feeds: readonly Feed[]
}

/** What a turn comes to: the same as the turn before, mostly. */
interface Outcome extends Omit<Turn, 'prefix'> {
  /** The members it was withheld from, and those it is withheld from. */
  readonly hadNot: readonly string[]
  readonly hasNot: readonly string[]
  /** Where the prefix goes, if anybody is to hear of it. */
  readonly announced: Nlri[] | undefined
  readonly withdrawn: Nlri[] | undefined
}

/** Who is to hear of a turn. */
interface Hearers {
  readonly announce: Audience
  readonly withdraw: Audience
}

/** Turns in a row. */
interface Round {
  readonly outbox: Outbox
  /** By all that they depend on. */
  readonly hearers: Map<string, Hearers>
  /** Of the last turn. */
  last: Outcome | undefined
}

const NOBODY: readonly string[] = []
const NONE: readonly Feed[] = []
const NOTHING: ReadonlySet<Prefix> = new Set()

export class AdjRibOut {
  readonly #traits: GroupTraits
  readonly #contents: Contents
  readonly #members = new Map<string, RibPeer>()
  readonly #byAddress = new Map<string, string>()
  readonly #entries = new Map<Prefix, Entry>()
  /** How many of them have been announced. */
  #told = 0
  /** How many paths of the table are withheld from each member. */
  readonly #withheldCount = new Map<string, number>()
  /** Those that are due, in the order in which they came. */
  readonly #queue: Entry[] = []
  /** How many have had their turn. */
  #taken = 0
  #feeds: Feed[] = []
  /** The feed that members who join now can share, since no turn was taken after it was made. */
  #joining: Feed | undefined

  constructor(traits: GroupTraits, contents: Contents) {
    this.#traits = traits
    this.#contents = contents
  }

  /** Number of members. */
  get size(): number {
    return this.#members.size
  }

  get pending(): boolean {
    return this.#queue.length > 0 || this.#feeds.length > 0
  }

  /** How many turns are due. A prefix may have fewer than are counted, since one serves all feeds. */
  get due(): number {
    return this.#feeds.reduce((sum, { pending }) => sum + pending.size, this.#queue.length)
  }

  /**
   * Adds a member, which will get the whole table and then End-of-RIB; or, when it comes from another group, what makes
   * right what it was told there.
   */
  join(peer: RibPeer, standing?: Standing): void {
    this.#members.set(peer.name, peer)
    this.#byAddress.set(peer.address, peer.name)
    this.#withheldCount.set(peer.name, this.#countWithheld(peer.name))
    if (standing) this.#feed([...this.#prefixes(), ...standing.told], standing).to.add(peer.name)
    else this.#joinNew(peer.name)
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
    const due = this.#feeds.find(({ told, to }) => told && to.has(name))
    const told = new Set<Prefix>()
    for (const { prefix, told: now } of this.#announced())
      if (!due?.pending.has(prefix) && !this.#withheldFrom(now).includes(name)) told.add(prefix)
    for (const prefix of due?.pending ?? []) if (due!.told!.has(prefix)) told.add(prefix)
    return { told, ends: this.#feeds.filter(({ to }) => to.has(name)).flatMap(({ ends }) => ends) }
  }

  leave(name: string): void {
    this.#byAddress.delete(this.#members.get(name)!.address)
    this.#members.delete(name)
    this.#withheldCount.delete(name)
    for (const feed of this.#feeds) feed.to.delete(name)
    this.#feeds = this.#feeds.filter((feed) => feed.to.size > 0)
    this.#joining = undefined
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
    const prefixes = this.#prefixes().filter((prefix) => familyOf(prefix) === family)
    this.#feed(prefixes, { ends }).to.add(name)
  }

  /** Tells a member of an end, after all that is due by now. */
  end(name: string, end: End): void {
    this.#feed([], { ends: [end] }).to.add(name)
  }

  /** How many prefixes a member was announced and not withdrawn. */
  advertised(name: string): number {
    let held = this.#told - this.#withheldCount.get(name)!
    const due = this.#feeds.find(({ told, to }) => told && to.has(name))
    for (const prefix of due?.pending ?? []) {
      const told = this.#entries.get(prefix)?.told
      if (told && !this.#withheldFrom(told).includes(name)) held--
      if (due!.told!.has(prefix)) held++
    }
    return held
  }

  /** Gives at most `limit` prefixes their turn, changed ones before feeds, and returns what is to be sent for them. */
  take(limit: number): Outbound[] {
    this.#joining = undefined
    const round: Round = { outbox: new Outbox(), hearers: new Map(), last: undefined }
    const due = this.#queue.splice(0, limit)
    this.#taken += due.length
    for (const entry of due) this.#turn(entry, this.#contents.tell(entry.prefix, entry.best), round)
    for (const entry of this.#fed(limit - due.length)) this.#turn(entry, entry.told, round)
    return [...round.outbox.outbound()]
  }

  /** Drops the feeds that have brought everything, and what was due before them, and says so to those who await it. */
  finish(): Outbound[] {
    const isOver = ({ pending, after }: Feed): boolean => pending.size === 0 && after <= this.#taken
    const over = this.#feeds.filter(isOver)
    this.#feeds = this.#feeds.filter((feed) => !isOver(feed))
    return over.flatMap(({ to, ends }) => ends.map((end) => ({ to: [...to], ...end })))
  }

  #joinNew(name: string): void {
    const ends = this.#traits.families.map((family) => ({ family, endOf: 'rib' as const }))
    this.#joining ??= this.#feed(this.#prefixes(), { ends, told: NOTHING })
    this.#joining.after = this.#queued
    this.#joining.to.add(name)
  }

  #feed(prefixes: Iterable<Prefix>, { ends, told }: Pick<Feed, 'ends'> & Partial<Pick<Feed, 'told'>>): Feed {
    const feed: Feed = { ends, told, to: new Set(), pending: new Set(prefixes), after: this.#queued }
    this.#feeds.push(feed)
    return feed
  }

  /** How many prefixes have been given a turn, had or to come. */
  get #queued(): number {
    return this.#taken + this.#queue.length
  }

  /** Those that feeds are to bring next. */
  *#fed(limit: number): Generator<Entry> {
    let left = limit
    for (const { pending } of this.#feeds)
      for (const prefix of pending) {
        if (left-- <= 0) return
        yield this.#entries.get(prefix) ?? newEntry(prefix)
      }
  }

  /** Takes a prefix out of all queues, brings the table up to date, and sends each member what that means to it. */
  #turn(entry: Entry, after: Told | undefined, round: Round): void {
    const { prefix, told: before } = entry
    this.#put(entry, after)
    const feeds =
      this.#feeds.length === 0 ? NONE : this.#feeds.filter(({ pending }) => pending.delete(prefix))
    if (before === after && feeds.length === 0) return
    const turn = { prefix, before, after, feeds }
    const outcome = round.last && isAlike(turn, round.last) ? round.last : this.#outcome(turn, round)
    round.last = outcome
    this.#count(outcome.hadNot, -1)
    this.#count(outcome.hasNot, 1)
    const nlri = { prefix, pathId: this.#contents.pathId(familyOf(prefix)) }
    outcome.withdrawn?.push(nlri)
    outcome.announced?.push(nlri)
  }

  #put(entry: Entry, told: Told | undefined): void {
    this.#told += Number(told !== undefined) - Number(entry.told !== undefined)
    entry.told = told
    entry.best = undefined
    entry.isDue = false
    if (!told) this.#entries.delete(entry.prefix)
  }

  #outcome(turn: Turn, { outbox, hearers }: Round): Outcome {
    const { prefix, before, after, feeds } = turn
    const [hadNot, hasNot] = [this.#withheldFrom(before), this.#withheldFrom(after)]
    const changed = before?.attributes !== after?.attributes
    const fed = feeds.map((feed) => [this.#feeds.indexOf(feed), feed.told?.has(prefix)])
    const key = [familyOf(prefix), !before, ...hadNot, !after, ...hasNot, changed, ...fed].join(' ')
    const { announce, withdraw } = memo(hearers, key, () => this.#hearers(turn, { hadNot, hasNot }, outbox))
    const announced = announce.to.length > 0 ? announcedTo(announce, after!.attributes) : undefined
    const withdrawn = withdraw.to.length > 0 ? withdraw.withdrawn : undefined
    return { before, after, feeds, hadNot, hasNot, announced, withdrawn }
  }

  #hearers(
    { prefix, before, after, feeds }: Turn,
    { hadNot, hasNot }: Pick<Outcome, 'hadNot' | 'hasNot'>,
    outbox: Outbox,
  ): Hearers {
    const changed = before?.attributes !== after?.attributes
    const announce: string[] = []
    const withdraw: string[] = []
    for (const name of this.#members.keys()) {
      const fedBy = feeds.filter(({ to }) => to.has(name))
      const joined = fedBy.find(({ told }) => told)
      const had = joined ? joined.told!.has(prefix) : before !== undefined && !hadNot.includes(name)
      const has = after !== undefined && !hasNot.includes(name)
      if (has && (changed || !had || fedBy.length > 0)) announce.push(name)
      if (had && !has) withdraw.push(name)
    }
    const family = familyOf(prefix)
    return { announce: outbox.audience(announce, family), withdraw: outbox.audience(withdraw, family) }
  }

  /** Those that have been announced. */
  #announced(): (Entry & { readonly told: Told })[] {
    return [...this.#entries.values()].filter((entry) => entry.told) as (Entry & { readonly told: Told })[]
  }

  #prefixes(): Prefix[] {
    return this.#announced().map(({ prefix }) => prefix)
  }

  /** The members that must not have a path: the one it came from, and the one that is its next hop. */
  #withheldFrom(told: Told | undefined): readonly string[] {
    if (!told) return NOBODY
    const { source: peer, attributes } = told
    const source = peer !== null && this.#members.has(peer) ? peer : undefined
    const target = this.#byAddress.get(attributes.nextHop!)
    if (source === undefined && target === undefined) return NOBODY
    return [...new Set([source, target])].filter((name) => name !== undefined)
  }

  #countWithheld(name: string): number {
    const isWithheld = new Map<Told, boolean>()
    return this.#announced().filter(({ told }) =>
      memo(isWithheld, told, () => this.#withheldFrom(told).includes(name)),
    ).length
  }

  #count(withheldFrom: readonly string[], by: 1 | -1): void {
    for (const name of withheldFrom) this.#withheldCount.set(name, this.#withheldCount.get(name)! + by)
  }
}

/** True when a turn comes to what another came to, whatever their prefixes. */
function isAlike({ before, after, feeds }: Turn, other: Outcome): boolean {
  if (before !== other.before || after !== other.after || feeds.length !== other.feeds.length) return false
  return feeds.every((feed, i) => feed === other.feeds[i] && (feed.told ?? NOTHING).size === 0)
}

function newEntry(prefix: Prefix): Entry {
  return { prefix, told: undefined, isDue: false, best: undefined }
}
