// Items the kernel would not take: why, how often, and when to ask again.

import { type Backoff, backoffMs } from './backoff.ts'
import type { Clock } from './clock.ts'
import type { Refused } from './kind.ts'

const RETRY: Backoff = { first: 100, most: 30_000 }

/** A refused item as status shows it. */
export interface Refusal extends Refused {
  /** How often it was tried in vain. */
  readonly attempts: number
  readonly retryAt: number
}

/** Each refused item waits twice as long as the time before, with jitter, and on its own: neighbours do not notice. */
export class Refusals {
  readonly #clock: Clock
  readonly #byKey = new Map<string, Refusal>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  add(refused: Refused): void {
    const attempts = (this.#byKey.get(refused.key)?.attempts ?? 0) + 1
    const retryAt = this.#clock.now() + backoffMs(attempts, this.#clock.random(), RETRY)
    this.#byKey.set(refused.key, { ...refused, attempts, retryAt })
  }

  forget(key: string): void {
    this.#byKey.delete(key)
  }

  /** Whose time has come. They stay listed until they are taken, refused again or forgotten. */
  due(): string[] {
    const now = this.#clock.now()
    return [...this.#byKey.values()].filter(({ retryAt }) => retryAt <= now).map(({ key }) => key)
  }

  next(): number | undefined {
    return earliest([...this.#byKey.values()].map(({ retryAt }) => retryAt))
  }

  keys(): readonly string[] {
    return [...this.#byKey.keys()]
  }

  list(): Refusal[] {
    return [...this.#byKey.values()]
  }
}

/** The smallest of the moments given, if any. */
export function earliest(moments: readonly (number | undefined)[]): number | undefined {
  return moments.reduce((a, b) => (a === undefined || (b !== undefined && b < a) ? b : a), undefined)
}
