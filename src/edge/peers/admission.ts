// Who is let in: peers only, and not too many connections of each.

import type { ScopedAddress } from '../../inet/address.ts'
import type { Limits } from './limits.ts'

/** Why a connection is refused. */
export type Refusal = 'not a peer' | 'too many connections' | 'too many connections in a second'

export class Admission {
  readonly refused: Record<Refusal, number> = {
    'not a peer': 0,
    'too many connections': 0,
    'too many connections in a second': 0,
  }
  readonly #limits: Limits
  readonly #knows: (address: ScopedAddress) => boolean
  readonly #open = new Map<ScopedAddress, number>()
  /** Connections let in during the second that began at `#second`. */
  readonly #recent = new Map<ScopedAddress, number>()
  #recentOverall = 0
  #second = 0

  constructor(knows: (address: ScopedAddress) => boolean, limits: Limits) {
    this.#knows = knows
    this.#limits = limits
  }

  /** Lets a connection in, which is to be given back by `leave`, or counts why not. `now` in milliseconds. */
  enter(from: ScopedAddress, now: number): boolean {
    const refusal = this.#refusal(from, now)
    if (refusal) {
      this.refused[refusal]++
      return false
    }
    this.#open.set(from, this.#openOf(from) + 1)
    this.#recent.set(from, (this.#recent.get(from) ?? 0) + 1)
    this.#recentOverall++
    return true
  }

  leave(from: ScopedAddress): void {
    const left = this.#openOf(from) - 1
    if (left > 0) this.#open.set(from, left)
    else this.#open.delete(from)
  }

  #refusal(from: ScopedAddress, now: number): Refusal | undefined {
    if (!this.#knows(from)) return 'not a peer'
    if (this.#openOf(from) >= this.#limits.acceptedPerAddress) return 'too many connections'
    this.#turn(now)
    const { perAddress, overall } = this.#limits.acceptsPerSecond
    const tooMany = (this.#recent.get(from) ?? 0) >= perAddress || this.#recentOverall >= overall
    return tooMany ? 'too many connections in a second' : undefined
  }

  #turn(now: number): void {
    if (now - this.#second < 1000) return
    this.#second = now
    this.#recent.clear()
    this.#recentOverall = 0
  }

  #openOf(address: ScopedAddress): number {
    return this.#open.get(address) ?? 0
  }
}
