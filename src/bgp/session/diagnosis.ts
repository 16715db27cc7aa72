// What people are told of a peer: since when there is a session or none, why there is none, and what may help.
//
// What went wrong first is not covered by what came of it: a peer that found fault lets nobody in for a while, as BIRD
// does for a minute, and what it found says more than that.

import type { PeerConfig, SessionState } from '../types.ts'
import { adviceIn, adviceOn } from './advice.ts'
import { type Failure, failureText } from './failure.ts'
import type { State } from './fsm.ts'

export class Diagnosis {
  readonly #told: (reason: string) => void
  /** When the session came up or, without one, when that began. Milliseconds since the epoch. */
  since: number
  /** Why there is no session; undefined when there is one, or nothing went wrong yet. */
  reason: string | undefined
  /** On the reason. */
  #advice: string | undefined

  /** `told` hears of each reason that is another than the one before. */
  constructor(now: number, told: (reason: string) => void) {
    this.since = now
    this.#told = told
  }

  /** There is a session. */
  up(now: number): void {
    this.since = now
    this.forget()
  }

  /** The session is over. */
  down(now: number, failure: Failure): void {
    this.since = now
    this.reason = failureText(failure)
  }

  /** An attempt came to nothing, or the session to its end. */
  failed(failure: Failure, from: State, peer: PeerConfig): void {
    this.tell(failureText(failure), adviceOn(failure, from, peer))
  }

  tell(reason: string, advice?: string): void {
    if (reason !== this.reason) this.#told(reason)
    this.reason = reason
    this.#advice = advice
  }

  forget(): void {
    this.reason = undefined
    this.#advice = undefined
  }

  /** What to do about there being no session, where there is a guess. */
  advice(state: SessionState, peer: PeerConfig): string | undefined {
    const now = adviceIn(state, peer)
    // To wait is no fault; to be stuck says more than what went wrong before.
    return state === 'Passive' ? (this.#advice ?? now) : (now ?? this.#advice)
  }
}
