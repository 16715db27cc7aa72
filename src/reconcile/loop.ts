// When the reconcilers run: when something is dirty, when a retry is due, and for a slow reading of everything.
//
// A round puts in dependency order, then prunes in reverse: nothing goes while
// something still leans on it. Rounds never overlap.

import type { TimerClock } from './clock.ts'
import { earliest } from './refusals.ts'

/** As much of a `Reconciler` as its driver needs. */
export interface Reconcilable {
  resync(): Promise<void>
  put(): Promise<void>
  prune(): Promise<void>
  pending(prune: boolean): boolean
  nextRetry(): number | undefined
}

export interface LoopOptions {
  readonly clock: TimerClock
  /** Looked at anew for each reading: it may change. */
  readonly settings: {
    /** Between two readings of everything; 0 switches them off (Calico routeRefreshInterval). */
    readonly resyncMs: number
  }
  /** After every round. */
  onRound(): void
  /** The kernel could not be read. It is tried again. */
  onError(error: unknown): void
}

/** After events were lost or a reading failed; also the least time between two readings. */
const RESYNC_SOON_MS = 1_000
/** Share of the interval added at random, so that nodes started together drift apart (Calico jitter). */
const JITTER = 0.1

export class Loop {
  readonly #reconcilers: readonly Reconcilable[]
  readonly #options: LoopOptions
  #resyncAt: number | undefined
  #lastResync = Number.NEGATIVE_INFINITY
  #pruning = false
  #stopped = false
  #running: Promise<void> | undefined
  #cancelTimer: () => void = () => {}

  /** `reconcilers` in dependency order. */
  constructor(reconcilers: readonly Reconcilable[], options: LoopOptions) {
    this.#reconcilers = reconcilers
    this.#options = options
    this.#resyncAt = options.clock.now()
  }

  /** The datastore is in sync: from now on what nobody wants is removed. */
  allowPrune(): void {
    this.#pruning = true
    this.nudge()
  }

  /** The first round, which reads everything. Resolves when it is over. */
  async start(): Promise<void> {
    this.nudge()
    await this.#running
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

  /** What is believed about the kernel may be wrong: read everything, soon but not all the time. */
  resyncSoon(): void {
    const soonest = Math.max(this.#options.clock.now(), this.#lastResync + RESYNC_SOON_MS)
    this.#resyncAt = earliest([this.#resyncAt, soonest])
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

  async #rounds(): Promise<void> {
    do await this.#round()
    while (!this.#stopped && this.#pending())
  }

  #due(): boolean {
    const now = this.#options.clock.now()
    const next = this.#nextMoment()
    return this.#pending() || (next !== undefined && next <= now)
  }

  #nextMoment(): number | undefined {
    return earliest([this.#resyncAt, ...this.#reconcilers.map((one) => one.nextRetry())])
  }

  #pending(): boolean {
    return this.#reconcilers.some((one) => one.pending(this.#pruning))
  }

  async #round(): Promise<void> {
    await this.#resyncIfDue()
    for (const one of this.#reconcilers) await one.put()
    if (this.#pruning) for (const one of this.#reconcilers.toReversed()) await one.prune()
    this.#options.onRound()
  }

  async #resyncIfDue(): Promise<void> {
    const { clock, settings } = this.#options
    const { resyncMs } = settings
    if (this.#resyncAt === undefined || this.#resyncAt > clock.now()) return
    this.#lastResync = clock.now()
    this.#resyncAt = resyncMs > 0 ? this.#lastResync + resyncMs * (1 + JITTER * clock.random()) : undefined
    try {
      for (const one of this.#reconcilers) await one.resync()
    } catch (error) {
      this.#resyncAt = clock.now() + RESYNC_SOON_MS
      this.#options.onError(error)
    }
  }

  #sleep(): void {
    const wakeAt = this.#nextMoment()
    if (this.#stopped || wakeAt === undefined) return
    const { clock } = this.#options
    this.#cancelTimer = clock.after(Math.max(0, wakeAt - clock.now()), () => this.nudge())
  }
}
