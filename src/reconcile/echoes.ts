// Our own recent writes, so that their echo in the kernel's event stream is not taken for someone else's doing.
//
// An event may arrive after we have already written something newer. It still makes
// the key dirty, since one write too many does no harm; it only must not be counted.

import type { Clock } from './clock.ts'

/** How long after a write its event may still be on its way. */
const ECHO_MS = 1_000

interface Write<T> {
  readonly at: number
  readonly item: T | undefined
}

type Writes<T> = Map<string, readonly Write<T>[]>

export class Echoes<T> {
  readonly #clock: Clock
  readonly #same: (a: T, b: T) => boolean
  /**
   * By key, of this span of a second and of the one before: a span is dropped as a whole, as taking key after key out of
   * the front of a map leaves gaps that each later look would have to step over.
   */
  #current: Writes<T> = new Map()
  #former: Writes<T> = new Map()
  #since: number

  constructor(clock: Clock, same: (a: T, b: T) => boolean) {
    this.#clock = clock
    this.#same = same
    this.#since = clock.now()
  }

  /** We have just made `key` hold `item`, or nothing. */
  wrote(key: string, item: T | undefined): void {
    const now = this.#clock.now()
    this.#forgetBefore(now - ECHO_MS)
    const write = { at: now, item }
    const before = this.#current.get(key)
    this.#current.set(key, before ? [...before, write] : [write])
  }

  /** True when `item` is what we made of `key` a moment ago. */
  has(key: string, item: T | undefined): boolean {
    const oldest = this.#clock.now() - ECHO_MS
    return [this.#current, this.#former].some((writes) =>
      writes.get(key)?.some((write) => write.at >= oldest && this.#isSame(write.item, item)),
    )
  }

  #isSame(a: T | undefined, b: T | undefined): boolean {
    return a && b ? this.#same(a, b) : a === b
  }

  #forgetBefore(oldest: number): void {
    if (this.#since >= oldest) return
    this.#former = this.#current
    this.#current = new Map()
    this.#since = oldest + ECHO_MS
  }
}
