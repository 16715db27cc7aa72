// Turns in a row, and what they come to: which members of an update group hear of each prefix, and what.
//
// Most turns come to the same as the one before: the same path, or none, in place of the same. That is looked for first,
// so that a table of 100,000 prefixes costs what its sets of attributes cost.

import { familyOf } from '../../inet/address.ts'
import type { Prefix } from '../../inet/prefix.ts'
import type { Nlri } from '../wire/message.ts'
import type { Told } from './export.ts'
import type { Feed } from './feeds.ts'
import type { Members } from './members.ts'
import { memo } from './memo.ts'
import { type Audience, announcedTo, type Outbound, Outbox } from './outbox.ts'

/** What a prefix was and has become. */
export interface Turn {
  readonly prefix: Prefix
  readonly before: Told | undefined
  readonly after: Told | undefined
  /** Those that were still to bring it. */
  readonly feeds: readonly Feed[]
}

/** What a turn comes to, whatever its prefix. */
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

export class Round {
  readonly #members: Members
  readonly #outbox = new Outbox()
  /** By all that they depend on. */
  readonly #hearers = new Map<string, Hearers>()
  /** Of the last turn. */
  #last: Outcome | undefined

  constructor(members: Members) {
    this.#members = members
  }

  /** Notes what a turn means to each member. `pathId`: the identifier of the path, 0 where there are none (RFC 7911). */
  add(turn: Turn, pathId: number): void {
    const outcome = this.#last && isAlike(turn, this.#last) ? this.#last : this.#outcome(turn)
    this.#last = outcome
    this.#members.count(outcome.hadNot, -1)
    this.#members.count(outcome.hasNot, 1)
    const nlri = { prefix: turn.prefix, pathId }
    outcome.withdrawn?.push(nlri)
    outcome.announced?.push(nlri)
  }

  /** What is to be sent. */
  outbound(): Outbound[] {
    return [...this.#outbox.outbound()]
  }

  #outcome(turn: Turn): Outcome {
    const { prefix, before, after, feeds } = turn
    const hadNot = this.#members.withheldFrom(before)
    const hasNot = this.#members.withheldFrom(after)
    const fed = feeds.map(({ id, told }) => [id, told?.has(prefix)])
    const key = [familyOf(prefix), !before, ...hadNot, !after, ...hasNot, isChange(turn), ...fed].join(' ')
    const { announce, withdraw } = memo(this.#hearers, key, () => this.#hear(turn, hadNot, hasNot))
    const announced = announce.to.length > 0 ? announcedTo(announce, after!.attributes) : undefined
    const withdrawn = withdraw.to.length > 0 ? withdraw.withdrawn : undefined
    return { before, after, feeds, hadNot, hasNot, announced, withdrawn }
  }

  #hear(turn: Turn, hadNot: readonly string[], hasNot: readonly string[]): Hearers {
    const { prefix, before, after, feeds } = turn
    const announce: string[] = []
    const withdraw: string[] = []
    for (const name of this.#members.names()) {
      const fedBy = feeds.filter(({ to }) => to.has(name))
      const joined = fedBy.find(({ told }) => told)
      const had = joined ? joined.told!.has(prefix) : before !== undefined && !hadNot.includes(name)
      const has = after !== undefined && !hasNot.includes(name)
      if (has && (isChange(turn) || !had || fedBy.length > 0)) announce.push(name)
      if (had && !has) withdraw.push(name)
    }
    const family = familyOf(prefix)
    return {
      announce: this.#outbox.audience(announce, family),
      withdraw: this.#outbox.audience(withdraw, family),
    }
  }
}

function isChange({ before, after }: Turn): boolean {
  return before?.attributes !== after?.attributes
}

/** True when a turn comes to what another came to, whatever their prefixes. */
function isAlike({ before, after, feeds }: Turn, other: Outcome): boolean {
  if (before !== other.before || after !== other.after || feeds.length !== other.feeds.length) return false
  return feeds.every((feed, i) => feed === other.feeds[i] && !feed.told?.size)
}
