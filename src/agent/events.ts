// Troubles of this node as Events of Kubernetes. An API server that is away, or gives no right to write them, costs a few
// requests each time there is something to say, and what could not be said is counted and forgotten.

import type { EventWriter, NodeEvent } from '../edge/datastore/kubernetes/events.ts'
import type { Log } from '../edge/observe/log.ts'
import type { TimerClock } from '../reconcile/clock.ts'
import { TroubleBook, type Watched } from './troubles.ts'

export interface EventsOptions {
  readonly write: EventWriter
  /** How things are now. */
  readonly watched: () => Watched
  readonly clock: Pick<TimerClock, 'after'>
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly log: Pick<Log, 'info'>
}

/** All in milliseconds. */
const LOOK_MS = 10_000
const RETRIES_MS: readonly number[] = [5_000, 20_000]

export class Events {
  readonly #options: EventsOptions
  readonly #book = new TroubleBook()
  /** Still to be written, by reason: the newest of each. */
  readonly #waiting = new Map<string, NodeEvent>()
  #isWriting = false
  #isRefused = false
  readonly #cancels = new Set<() => void>()
  /** Since the start. */
  readonly counts = { written: 0, dropped: 0 }

  constructor(options: EventsOptions) {
    this.#options = options
    this.#after(LOOK_MS, () => this.#look())
  }

  stop(): void {
    for (const cancel of this.#cancels) cancel()
    this.#waiting.clear()
  }

  #after(ms: number, run: () => void): void {
    const cancel = this.#options.clock.after(ms, () => {
      this.#cancels.delete(cancel)
      run()
    })
    this.#cancels.add(cancel)
  }

  #look(): void {
    const { watched, now } = this.#options
    for (const event of this.#book.look(watched(), now())) {
      if (this.#waiting.has(event.reason)) this.counts.dropped++
      this.#waiting.set(event.reason, event)
    }
    if (!this.#isWriting) this.#next()
    this.#after(LOOK_MS, () => this.#look())
  }

  #next(): void {
    const [event] = this.#waiting.values()
    this.#isWriting = event !== undefined
    if (!event) return
    this.#waiting.delete(event.reason)
    void this.#write(event, 0)
  }

  async #write(event: NodeEvent, attempt: number): Promise<void> {
    try {
      await this.#options.write(event)
      this.counts.written++
      this.#said(undefined)
    } catch (error) {
      this.#said(error as Error)
      const pause = RETRIES_MS[attempt]
      if (pause !== undefined) return this.#after(pause, () => void this.#write(event, attempt + 1))
      this.counts.dropped++
    }
    this.#next()
  }

  /** Once when it begins, once when it ends. */
  #said(error: Error | undefined): void {
    const { log } = this.#options
    if (this.#isRefused === (error !== undefined)) return
    this.#isRefused = error !== undefined
    if (error) log.info({ reason: error.message }, 'Events cannot be written')
    else log.info({}, 'Events are written again')
  }
}
