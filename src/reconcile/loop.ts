// When the reconcilers run: when something is dirty, when a retry is due, and for a slow reading of everything.
//
// A round puts in dependency order, then prunes in reverse: nothing comes before
// what it leans on, and nothing goes while something still leans on it. Rounds
// never overlap.

import type { TimerClock } from './clock.ts'
import { earliest } from './refusals.ts'

/** As much of a `Reconciler` as its driver needs. */
export interface Reconcilable {
  resync(): Promise<void>
  put(): Promise<void>
  prune(): Promise<void>
  backlog(prune: boolean): number
  nextRetry(): number | undefined
}

/** A reconciler, and how often the kernel is read for it. */
export interface Paced {
  readonly reconciler: Reconcilable
  /** Between two readings, in milliseconds; 0 switches them off. Looked at anew all the time: it may change. */
  readonly resyncMs: () => number
}

export interface LoopOptions {
  readonly clock: TimerClock
  /** False while more may be wanted of what is known already: what is old goes when all that is new is there. */
  mayPrune(): boolean
  /** After every round. */
  onRound(): void
  /** The kernel could not be read. It is tried again. */
  onError(error: unknown): void
}

/** After a reading failed; also the least time between two readings. */
const RESYNC_SOON_MS = 1_000
/** Times in a round that a stream of changes may hold up the last in the order. */
const MOST_RETURNS = 16
/** Share of the interval added at random, so that nodes started together drift apart (Calico jitter). */
const JITTER = 0.1

interface Member extends Paced {
  /** When it was read last, and when somebody asked that it be read again. */
  readAt: number
  askedFor: number | undefined
  /** Of the interval under way, so that nodes started together drift apart. */
  stretch: number
}

export class Loop {
  readonly #members: readonly Member[]
  readonly #options: LoopOptions
  #isPruneAllowed = false
  #stopped = false
  #running: Promise<void> | undefined
  /** When the round under way began. */
  #roundSince: number | undefined
  #cancelTimer: () => void = () => {}

  /** `members` in dependency order. */
  constructor(members: readonly Paced[], options: LoopOptions) {
    const askedFor = options.clock.now()
    this.#members = members.map((paced) => ({
      ...paced,
      readAt: Number.NEGATIVE_INFINITY,
      askedFor,
      stretch: 1,
    }))
    this.#options = options
  }

  /** The datastore is in sync: from now on what nobody wants is removed. */
  allowPrune(): void {
    this.#isPruneAllowed = true
    this.nudge()
  }

  /** The first round, which reads everything. Resolves when it is over. */
  async start(): Promise<void> {
    this.nudge()
    await this.#running
  }

  /** How many items wait to be written or, if that is allowed at all, to be removed. */
  get backlog(): number {
    return this.#members.reduce((sum, { reconciler }) => sum + reconciler.backlog(this.#isPruneAllowed), 0)
  }

  /** Something may be dirty, now or later. */
  nudge(): void {
    if (this.#stopped || this.#running) return
    this.#cancelTimer()
    if (this.#due()) this.#run()
    else this.#sleep()
  }

  #run(): void {
    this.#running = this.#rounds().finally(() => {
      this.#running = undefined
      if (this.#pending())
        this.nudge() // marked while the last round was ending
      else this.#sleep()
    })
  }

  /**
   * What is believed about the kernel may be wrong: read it, for all or for these, soon but no sooner than `gapMs` after
   * the last time.
   */
  resyncSoon(which?: readonly Reconcilable[], gapMs = RESYNC_SOON_MS): void {
    const now = this.#options.clock.now()
    for (const member of this.#members) {
      if (which && !which.includes(member.reconciler)) continue
      member.askedFor = earliest([member.askedFor, Math.max(now, member.readAt + gapMs)])
    }
    if (this.#running) return
    this.#cancelTimer()
    this.#sleep()
  }

  /** No new round begins; resolves when the one under way has ended. The kernel stays as it is. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#cancelTimer()
    await this.#running
  }

  /** When the round began that has not ended, on the clock: undefined between rounds. */
  get roundSince(): number | undefined {
    return this.#roundSince
  }

  async #rounds(): Promise<void> {
    do {
      this.#roundSince = this.#options.clock.now()
      await this.#round()
    } while (!this.#stopped && this.#pending())
    this.#roundSince = undefined
  }

  #due(): boolean {
    const now = this.#options.clock.now()
    const next = this.#nextMoment()
    return this.#pending() || (next !== undefined && next <= now)
  }

  #nextMoment(): number | undefined {
    return earliest(this.#members.flatMap((member) => [nextReading(member), member.reconciler.nextRetry()]))
  }

  #pending(): boolean {
    return this.#members.some(({ reconciler }) => reconciler.backlog(this.#prunes) > 0)
  }

  get #prunes(): boolean {
    return this.#isPruneAllowed && this.#options.mayPrune()
  }

  async #round(): Promise<void> {
    for (const member of this.#members) await this.#resyncIfDue(member)
    await this.#put()
    for (const { reconciler } of this.#members.toReversed())
      if (this.#prunes && reconciler.backlog(true) > 0) await reconciler.prune()
    this.#options.onRound()
  }

  /** What is wanted meanwhile may come with something for those whose turn is over: they go first again. */
  async #put(): Promise<void> {
    let returns = 0
    for (let at = 0; at < this.#members.length; at++) {
      const { reconciler } = this.#members[at]!
      if (this.#hasToPut(reconciler)) await reconciler.put()
      const dirty = this.#members.findIndex(({ reconciler }) => reconciler.backlog(false) > 0)
      if (dirty < 0 || dirty > at || returns++ === MOST_RETURNS) continue
      at = dirty - 1
    }
  }

  #hasToPut(reconciler: Reconcilable): boolean {
    const retry = reconciler.nextRetry()
    return reconciler.backlog(false) > 0 || (retry !== undefined && retry <= this.#options.clock.now())
  }

  async #resyncIfDue(member: Member): Promise<void> {
    const { clock, onError } = this.#options
    const due = nextReading(member)
    if (due === undefined || due > clock.now()) return
    member.readAt = clock.now()
    member.askedFor = undefined
    member.stretch = 1 + JITTER * clock.random()
    try {
      await member.reconciler.resync()
    } catch (error) {
      member.askedFor = clock.now() + RESYNC_SOON_MS
      onError(error)
    }
  }

  #sleep(): void {
    const wakeAt = this.#nextMoment()
    if (this.#stopped || wakeAt === undefined) return
    const { clock } = this.#options
    this.#cancelTimer = clock.after(Math.max(0, wakeAt - clock.now()), () => this.nudge())
  }
}

function nextReading({ askedFor, readAt, stretch, resyncMs }: Member): number | undefined {
  const interval = resyncMs()
  return earliest([askedFor, interval > 0 ? readAt + interval * stretch : undefined])
}
