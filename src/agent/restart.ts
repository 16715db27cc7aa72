// What an agent that starts again waits for: to have announced all that is its own, and to have heard its peers. Until
// then peers keep what they had of us, and the kernel keeps what they had taught us (RFC 4724 §4.1).

import type { TimerClock } from '../reconcile/clock.ts'

export interface RestartOptions {
  readonly clock: Pick<TimerClock, 'after'>
  /** Everything that is to be announced of our own accord is. */
  announcedAll(): boolean
  /** Each peer has said all that it has, or is not there. */
  heardAll(): boolean
  /** The peers may be told that there is no more of it. */
  onAnnounced(): void
  /** Each peer has spoken, or is not waited for any longer: routes that none has taught again may go. */
  onHeard(): void
}

/** The longest that routes of an earlier run wait for the peers that taught them (BIRD's 240 s halved). */
const DEADLINE_MS = 120_000

export class Restart {
  readonly #options: RestartOptions
  #isAnnounced = false
  #isHeard = false
  #cancel: () => void = () => {}

  constructor(options: RestartOptions) {
    this.#options = options
  }

  /** All that was waited for has come, or is not waited for any longer. */
  get isOver(): boolean {
    return this.#isHeard
  }

  /** The peers may come in from now on. */
  begin(): void {
    this.#cancel = this.#options.clock.after(DEADLINE_MS, () => this.#heard())
  }

  /** Looks whether a wait is over. */
  settle(): void {
    if (this.#isAnnounced && this.#isHeard) return
    if (!this.#isAnnounced && this.#options.announcedAll()) {
      this.#isAnnounced = true
      this.#options.onAnnounced()
    }
    if (this.#isAnnounced && this.#options.heardAll()) this.#heard()
  }

  stop(): void {
    this.#cancel()
  }

  #heard(): void {
    if (this.#isHeard) return
    this.#isHeard = true
    this.#options.onHeard()
  }
}
