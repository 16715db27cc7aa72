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
import type { PathAttributes } from '../wire/message.ts'
import type { Told } from './export.ts'
import { type Audience, announce, type Outbound, Outbox } from './outbox.ts'
import type { GroupTraits, RibPeer } from './peer.ts'

/** What a table is made of. */
export interface Contents {
  /** What the group is to be told of a prefix now; undefined: nothing. */
  tell(prefix: Prefix): Told | undefined
  /** The identifier of all its paths of a family; 0 where there are none (RFC 7911). */
  pathId(family: Family): number
}

/** What a member has been told so far. */
export interface Standing {
  /** Announced and not withdrawn. */
  readonly told: ReadonlySet<Prefix>
  /** True when it still awaits End-of-RIB. */
  readonly initial: boolean
}

/** Part of the table on its way to some of the members. */
interface Feed {
  /** True for members whose session is new: they await End-of-RIB. */
  readonly initial: boolean
  /** What members that joined had been told before; undefined: what the table holds. */
  readonly told: ReadonlySet<Prefix> | undefined
  readonly to: Set<string>
  readonly pending: Set<Prefix>
}

/** What one prefix was and has become. */
interface Turn {
  readonly prefix: Prefix
  /** What was announced so far, and the members it was withheld from. */
  readonly before: Told | undefined
  readonly hadNot: readonly string[]
  /** What is to be announced, and the members it is withheld from. */
  readonly after: Told | undefined
  readonly hasNot: readonly string[]
  readonly changed: boolean
  /** Those that were still to bring it. */
  readonly feeds: readonly Feed[]
}

/** Who is to hear of a turn. Many turns have the same. */
interface Hearers {
  readonly announce: Audience
  readonly withdraw: Audience
}

const NOBODY: readonly string[] = []
const NOTHING: ReadonlySet<Prefix> = new Set()

export class AdjRibOut {
  readonly #traits: GroupTraits
  readonly #contents: Contents
  readonly #members = new Map<string, RibPeer>()
  readonly #byAddress = new Map<string, string>()
  /** What has been announced. */
  readonly #table = new Map<Prefix, Told>()
  /** How many paths of the table are withheld from each member. */
  readonly #withheldCount = new Map<string, number>()
  /** Prefixes whose best path, or what policy says of it, may have changed since their last turn. */
  readonly #dirty = new Set<Prefix>()
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
    return this.#dirty.size > 0 || this.#feeds.length > 0
  }

  /**
   * Adds a member, which will get the whole table and then End-of-RIB; or, when it comes from another group, what makes
   * right what it was told there.
   */
  join(peer: RibPeer, standing?: Standing): void {
    this.#members.set(peer.name, peer)
    this.#byAddress.set(peer.address, peer.name)
    const withheld = [...this.#table.values()].filter((told) => this.#withheldFrom(told).includes(peer.name))
    this.#withheldCount.set(peer.name, withheld.length)
    if (standing) this.#feed([...this.#table.keys(), ...standing.told], standing).to.add(peer.name)
    else this.#joinNew(peer.name)
  }

  /** What a member has been announced and not withdrawn, but for what a turn is still due for. */
  *announced(name: string): Generator<{ prefix: Prefix; attributes: PathAttributes }> {
    const { told } = this.standing(name)
    for (const prefix of told) {
      const now = this.#table.get(prefix)
      if (now) yield { prefix, attributes: now.attributes }
    }
  }

  /** Where a member stands, for the group it goes to next. */
  standing(name: string): Standing {
    const due = this.#feeds.find(({ told, to }) => told && to.has(name))
    const told = new Set<Prefix>()
    for (const [prefix, each] of this.#table) {
      if (!due?.pending.has(prefix) && !this.#withheldFrom(each).includes(name)) told.add(prefix)
    }
    for (const prefix of due?.pending ?? []) if (due!.told!.has(prefix)) told.add(prefix)
    return { told, initial: due?.initial ?? false }
  }

  leave(name: string): void {
    this.#byAddress.delete(this.#members.get(name)!.address)
    this.#members.delete(name)
    this.#withheldCount.delete(name)
    for (const feed of this.#feeds) feed.to.delete(name)
    this.#feeds = this.#feeds.filter((feed) => feed.to.size > 0)
    this.#joining = undefined
  }

  /** Gives a prefix a turn: its best path, or what policy says of it, may have changed. */
  touch(prefix: Prefix): void {
    this.#dirty.add(prefix)
  }

  /** True when something of a prefix has been announced. */
  holds(prefix: Prefix): boolean {
    return this.#table.has(prefix)
  }

  /** Sends a member all of one family again, for ROUTE-REFRESH (RFC 2918 §4). */
  resend(name: string, family: Family): void {
    const prefixes = [...this.#table.keys()].filter((prefix) => familyOf(prefix) === family)
    this.#feed(prefixes, {}).to.add(name)
  }

  /** How many prefixes a member was announced and not withdrawn. */
  advertised(name: string): number {
    let held = this.#table.size - this.#withheldCount.get(name)!
    const due = this.#feeds.find(({ told, to }) => told && to.has(name))
    for (const prefix of due?.pending ?? []) {
      const told = this.#table.get(prefix)
      if (told && !this.#withheldFrom(told).includes(name)) held--
      if (due!.told!.has(prefix)) held++
    }
    return held
  }

  /** Gives at most `limit` prefixes their turn, changed ones before feeds, and returns what is to be sent for them. */
  take(limit: number): Outbound[] {
    this.#joining = undefined
    const outbox = new Outbox()
    const hearers = new Map<string, Hearers>()
    for (const prefix of this.#next(limit)) this.#settle(this.#turn(prefix), outbox, hearers)
    return [...outbox.outbound()]
  }

  /** Drops the feeds that have brought everything, with End-of-RIB for those who joined. */
  finish(): Outbound[] {
    if (this.#dirty.size > 0) return []
    const done = this.#feeds.filter(({ pending }) => pending.size === 0)
    this.#feeds = this.#feeds.filter((feed) => !done.includes(feed))
    const joined = done.filter(({ initial }) => initial)
    return joined.flatMap(({ to }) =>
      this.#traits.families.map((family) => ({ to: [...to], family, endOfRib: true as const })),
    )
  }

  #joinNew(name: string): void {
    this.#joining ??= this.#feed(this.#table.keys(), { initial: true, told: NOTHING })
    this.#joining.to.add(name)
  }

  #feed(
    prefixes: Iterable<Prefix>,
    { initial = false, told }: Partial<Pick<Feed, 'initial' | 'told'>>,
  ): Feed {
    const feed: Feed = { initial, told, to: new Set(), pending: new Set(prefixes) }
    this.#feeds.push(feed)
    return feed
  }

  *#next(limit: number): Generator<Prefix> {
    let left = limit
    for (const queue of [this.#dirty, ...this.#feeds.map(({ pending }) => pending)]) {
      for (const prefix of queue) {
        if (left-- <= 0) return
        yield prefix
      }
    }
  }

  /** Takes a prefix out of all queues and brings the table up to date. */
  #turn(prefix: Prefix): Turn {
    const before = this.#table.get(prefix)
    const after = this.#dirty.delete(prefix) ? this.#contents.tell(prefix) : before
    if (after) this.#table.set(prefix, after)
    else this.#table.delete(prefix)
    const [hadNot, hasNot] = [this.#withheldFrom(before), this.#withheldFrom(after)]
    this.#count(hadNot, -1)
    this.#count(hasNot, 1)
    const changed = before?.attributes !== after?.attributes
    const feeds = this.#feeds.filter(({ pending }) => pending.delete(prefix))
    return { prefix, before, hadNot, after, hasNot, changed, feeds }
  }

  /** Sends each member what the turn means to it. */
  #settle(turn: Turn, outbox: Outbox, known: Map<string, Hearers>): void {
    const { prefix, before, hadNot, after, hasNot, changed } = turn
    const feeds = turn.feeds.map((feed) => [this.#feeds.indexOf(feed), feed.told?.has(prefix)])
    const key = [familyOf(prefix), !before, ...hadNot, !after, ...hasNot, changed, ...feeds].join(' ')
    const hearers = known.get(key) ?? this.#hearers(turn, outbox)
    known.set(key, hearers)
    const nlri = { prefix, pathId: this.#contents.pathId(familyOf(prefix)) }
    if (hearers.withdraw.to.length > 0) hearers.withdraw.withdrawn.push(nlri)
    if (hearers.announce.to.length > 0) announce(hearers.announce, after!.attributes, nlri)
  }

  #hearers({ prefix, before, hadNot, after, hasNot, changed, feeds }: Turn, outbox: Outbox): Hearers {
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

  /** The members that must not have a path: the one it came from, and the one that is its next hop. */
  #withheldFrom(told: Told | undefined): readonly string[] {
    if (!told) return NOBODY
    const { source: peer, attributes } = told
    const source = peer !== null && this.#members.has(peer) ? peer : undefined
    const target = this.#byAddress.get(attributes.nextHop!)
    if (source === undefined && target === undefined) return NOBODY
    return [...new Set([source, target])].filter((name) => name !== undefined)
  }

  #count(withheldFrom: readonly string[], by: 1 | -1): void {
    for (const name of withheldFrom) this.#withheldCount.set(name, this.#withheldCount.get(name)! + by)
  }
}
