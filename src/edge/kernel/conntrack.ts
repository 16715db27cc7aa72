// Forgets the connections of an address. Calico felix/conntrack/conntrack.go.
//
// A pod that gets the address of one that is gone must not inherit the translations and
// accepted flows that connection tracking still holds (Calico issues #618, #623).

import type { Address } from '../../inet/address.ts'
import type { Outcome } from './batch.ts'

/** Which way of a connection: as it was begun, or as it is answered. */
export type Direction = 'orig' | 'reply'

/** The connections that the kernel tracks, as one way of talking to it offers them: ctnetlink or conntrack(8). */
export interface ConnectionTable {
  /** Forgets those that come from an address in this direction. Never rejects. */
  forget(address: Address, direction: Direction): Promise<Outcome>
  /** Gives up what it has open. */
  close(): void
}

export interface ConntrackOptions {
  readonly table: ConnectionTable
  onWarning(reason: string): void
}

const DIRECTIONS: readonly Direction[] = ['orig', 'reply']
const ATTEMPTS = 4
/**
 * Addresses at once: for each the whole table of connections is gone through, on one of the four threads by which routes go
 * to the kernel, too.
 */
const WORKERS = 2

export class Conntrack {
  readonly #options: ConntrackOptions
  readonly #waiting = new Map<Address, () => void>()
  readonly #pending = new Map<Address, Promise<void>>()
  #workers = 0
  #warned = false

  constructor(options: ConntrackOptions) {
    this.#options = options
  }

  /** Resolves when the entries of this address are gone, or cannot be removed, which is not worth waiting for. */
  flush(address: Address): Promise<void> {
    const pending = this.#pending.get(address)
    if (pending && this.#waiting.has(address)) return pending // which has not begun
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#pending.set(address, promise)
    this.#waiting.set(address, () => {
      if (this.#pending.get(address) === promise) this.#pending.delete(address)
      resolve()
    })
    if (this.#workers < WORKERS) void this.#work()
    return promise
  }

  /** Undefined when no entries of this address are being removed. */
  pending(address: Address): Promise<void> | undefined {
    return this.#pending.get(address)
  }

  async #work(): Promise<void> {
    this.#workers++
    for (const [address, done] of this.#waiting) {
      this.#waiting.delete(address)
      for (const direction of DIRECTIONS) await this.#forget(address, direction)
      done()
    }
    this.#workers--
  }

  async #forget(address: Address, direction: Direction): Promise<void> {
    let reason: string | undefined
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      reason = await this.#options.table.forget(address, direction)
      if (reason === undefined) return
    }
    if (!this.#warned) this.#options.onWarning(reason!)
    this.#warned = true
  }
}
