// Parts of a table on their way to some members of an update group: all of it to one that joins, a family to one that asks
// for it again (RFC 2918 §4), nothing but an end to one that awaits that.

import type { Prefix } from '../../inet/prefix.ts'
import type { End, Outbound } from './outbox.ts'

export interface Feed {
  /** Another for each. */
  readonly id: number
  /** What they are told when it is over. */
  readonly ends: readonly End[]
  /** How many of the changed prefixes, counted from the first, have their turn before that. */
  after: number
  /** What members that joined had been told before; undefined: what the table holds. */
  readonly told: ReadonlySet<Prefix> | undefined
  readonly to: Set<string>
  readonly pending: Set<Prefix>
}

/** To members that joined. */
interface JoiningFeed extends Feed {
  readonly told: ReadonlySet<Prefix>
}

/** What a feed is begun with. */
interface Beginning extends Pick<Feed, 'ends' | 'after'> {
  readonly prefixes: Iterable<Prefix>
  readonly told?: ReadonlySet<Prefix>
}

const NONE: readonly Feed[] = []

export class Feeds {
  #feeds: Feed[] = []
  #begun = 0
  /** The one that members who join now can share, since no turn was taken after it was begun. */
  #shared: Feed | undefined

  get pending(): boolean {
    return this.#feeds.length > 0
  }

  /** How many turns they ask for. One that takes a prefix serves all that are to bring it. */
  get due(): number {
    return this.#feeds.reduce((sum, { pending }) => sum + pending.size, 0)
  }

  begin(name: string, { prefixes, ends, after, told }: Beginning): Feed {
    const feed = { id: this.#begun++, ends, after, told, to: new Set([name]), pending: new Set(prefixes) }
    this.#feeds.push(feed)
    return feed
  }

  /** As `begin`, but together with all who come before the next turn. */
  share(name: string, after: number, beginning: () => Omit<Beginning, 'after'>): void {
    this.#shared ??= this.begin(name, { ...beginning(), after })
    this.#shared.after = after
    this.#shared.to.add(name)
  }

  /** A turn is taken: who comes from now on needs a feed of its own. */
  seal(): void {
    this.#shared = undefined
  }

  leave(name: string): void {
    for (const feed of this.#feeds) feed.to.delete(name)
    this.#feeds = this.#feeds.filter((feed) => feed.to.size > 0)
    this.#shared = undefined
  }

  /** The one that makes right what a member had been told before it joined, as long as it is under way. */
  joining(name: string): JoiningFeed | undefined {
    const isJoining = (feed: Feed): feed is JoiningFeed => feed.told !== undefined && feed.to.has(name)
    return this.#feeds.find(isJoining)
  }

  /** What a member awaits. */
  ends(name: string): End[] {
    return this.#feeds.filter(({ to }) => to.has(name)).flatMap(({ ends }) => ends)
  }

  /** So many of the prefixes that are to be brought, each to be taken before the next is asked for. */
  *next(limit: number): Generator<Prefix> {
    let left = limit
    for (const { pending } of this.#feeds)
      for (const prefix of pending) {
        if (left-- <= 0) return
        yield prefix
      }
  }

  /** A prefix has its turn. Answers with the feeds that were still to bring it. */
  take(prefix: Prefix): readonly Feed[] {
    return this.#feeds.length === 0 ? NONE : this.#feeds.filter(({ pending }) => pending.delete(prefix))
  }

  /** Drops those that are over when so many changed prefixes have had their turn, and says so to those who await it. */
  finish(taken: number): Outbound[] {
    const isOver = ({ pending, after }: Feed): boolean => pending.size === 0 && after <= taken
    const over = this.#feeds.filter(isOver)
    this.#feeds = this.#feeds.filter((feed) => !isOver(feed))
    return over.flatMap(({ to, ends }) => ends.map((end) => ({ to: [...to], ...end })))
  }
}
