// When a peer is left alone. RFC 4271 §8.1.1 (DampPeerOscillations), and §6.7 for one that announced more than it may.
//
// After a protocol error it is for a while, which doubles from one error to the next and is forgotten after a time without
// any. A peer over its limit is for as long as was configured, or until somebody wants it back.

import { type PeerTimer, TIMERS } from './timers.ts'

/** Seconds. */
const LONGEST_WAIT = 30

export interface DampingHost {
  arm(timer: PeerTimer, seconds: number, expired: () => void): void
  disarm(timer: PeerTimer): void
  /** The wait is over. */
  resume(): void
}

export class Damping {
  readonly #host: DampingHost
  /** Seconds of the last wait after an error; 0 when errors are forgotten. */
  #errorWait = 0
  #waiting = false
  #isOverLimit = false

  constructor(host: DampingHost) {
    this.#host = host
  }

  /** Nothing is dialled or accepted. */
  get waiting(): boolean {
    return this.#waiting
  }

  /** The peer told more than it may. */
  get isOverLimit(): boolean {
    return this.#isOverLimit
  }

  /** There was an error not long ago. */
  get wary(): boolean {
    return this.#errorWait > 0
  }

  /** One of the two spoke wrongly. */
  fault(): void {
    this.#errorWait = nextErrorWait(this.#errorWait)
    this.#wait('error-wait', this.#errorWait)
    this.#host.arm('amnesia', TIMERS.amnesia.seconds, () => {
      this.#errorWait = 0
    })
  }

  /** The peer is over its limit; `seconds` absent: nothing but `forgive` ends the wait. */
  overLimit(seconds: number | undefined): void {
    this.#waiting = true
    this.#isOverLimit = true
    if (seconds !== undefined) this.#wait('over-limit', seconds)
  }

  /** There is a session. Errors still count for a while. */
  up(): void {
    this.#waiting = false
    this.#host.disarm('error-wait')
  }

  /** Forgets errors, and the wait after them, without a `resume`. */
  forgive(): void {
    this.#waiting = false
    this.#isOverLimit = false
    this.#errorWait = 0
    for (const timer of ['error-wait', 'over-limit', 'amnesia'] as const) this.#host.disarm(timer)
  }

  #wait(timer: PeerTimer, seconds: number): void {
    this.#waiting = true
    this.#host.arm(timer, seconds, () => {
      this.#waiting = false
      this.#isOverLimit = false
      this.#host.resume()
    })
  }
}

/** Seconds to wait after an error, given the wait after the one before; 0: there was none. */
export function nextErrorWait(last: number): number {
  return last === 0 ? TIMERS['error-wait'].seconds : Math.min(2 * last, LONGEST_WAIT)
}
