// What one step of the speaker asks for, and what is to happen when its timers expire.
//
// A timer that is armed many times in a step, as the hold timer is by every
// UPDATE of a burst, is asked for once.

import type { Action, ConnectionId, TimerId } from './events.ts'

type TimerAction = Extract<Action, { kind: 'arm' | 'disarm' }>

export class ActionQueue {
  #actions: Action[] = []
  readonly #timerActions = new Map<TimerId, TimerAction>()
  readonly #armed = new Map<TimerId, () => void>()

  act(action: Action): void {
    this.#actions.push(action)
  }

  /** Runs `expired` after `ms`, unless the timer is armed again or disarmed by then. */
  arm(timer: TimerId, ms: number, expired: () => void, unless?: ConnectionId): void {
    this.#armed.set(timer, expired)
    this.#timerActions.set(timer, { kind: 'arm', timer, ms, ...(unless !== undefined && { unless }) })
  }

  disarm(timer: TimerId): void {
    if (this.#armed.delete(timer)) this.#timerActions.set(timer, { kind: 'disarm', timer })
  }

  /** A timer ran out. One that was disarmed meanwhile is passed over. */
  expire(timer: TimerId): void {
    const expired = this.#armed.get(timer)
    this.#armed.delete(timer)
    expired?.()
  }

  disarmAll(): void {
    for (const timer of [...this.#armed.keys()]) this.disarm(timer)
  }

  /** What was asked for since this was last called, in order; timers come last. */
  take(): Action[] {
    const actions = [...this.#actions, ...this.#timerActions.values()]
    this.#actions = []
    this.#timerActions.clear()
    return actions
  }
}
