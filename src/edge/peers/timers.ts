// The speaker's timers, on Node's. Armed again, a timer begins anew.

import type { TimerId } from '../../bgp/events.ts'

export class Timers {
  readonly #timeouts = new Map<TimerId, { readonly timeout: NodeJS.Timeout }>()

  /**
   * Calls `expired` in `ms` milliseconds, unless the timer is disarmed before; also by `lastLook`, which comes just before.
   * Sockets are polled between a timeout and the next immediate: what came in while we were busy is seen first.
   */
  arm(timer: TimerId, ms: number, lastLook: () => void, expired: () => void): void {
    this.disarm(timer)
    const due = (): void => {
      lastLook()
      if (this.#timeouts.get(timer) !== armed) return
      this.#timeouts.delete(timer)
      expired()
    }
    const armed = { timeout: setTimeout(() => setImmediate(due), ms) }
    this.#timeouts.set(timer, armed)
  }

  disarm(timer: TimerId): void {
    clearTimeout(this.#timeouts.get(timer)?.timeout)
    this.#timeouts.delete(timer)
  }
}
