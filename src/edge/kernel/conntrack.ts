// Forgets the connections of an address. Calico felix/conntrack/conntrack.go.
//
// A pod that gets the address of one that is gone must not inherit the translations and
// accepted flows that connection tracking still holds (Calico issues #618, #623).

import { type Address, familyOf } from '../../inet/address.ts'
import { cureFor } from './cures.ts'
import type { CommandError, Program } from './run.ts'

export interface ConntrackOptions {
  readonly conntrack: Program
  onWarning(reason: string): void
}

/** One way each: the address as it sends, and as it answers. */
const DIRECTIONS = ['--orig-src', '--reply-src']
const ATTEMPTS = 4
/** Processes at once: each goes through the whole table of connections. */
const WORKERS = 4

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

  async #forget(address: Address, direction: string): Promise<void> {
    let reason: string | undefined
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      reason = await this.#delete(address, direction)
      if (reason === undefined) return
    }
    if (!this.#warned) this.#options.onWarning(reason!)
    this.#warned = true
  }

  /** Undefined when it is done, else why not. */
  async #delete(address: Address, direction: string): Promise<string | undefined> {
    const { conntrack } = this.#options
    return conntrack.text('--family', familyOf(address), '--delete', direction, address).then(
      () => undefined,
      ({ stderr }: CommandError) =>
        stderr.includes(' 0 flow entries') ? undefined : cureFor(conntrack.name, stderr),
    )
  }
}
