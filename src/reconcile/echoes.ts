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

export class Echoes<T> {
  readonly #clock: Clock
  readonly #same: (a: T, b: T) => boolean
  /** In the order of their last write. */
  readonly #byKey = new Map<string, readonly Write<T>[]>()

  constructor(clock: Clock, same: (a: T, b: T) => boolean) {
    this.#clock = clock
    this.#same = same
  }

  /** We have just made `key` hold `item`, or nothing. */
  wrote(key: string, item: T | undefined): void {
    const now = this.#clock.now()
    const write = { at: now, item }
    const before = this.#byKey.get(key)
    if (before) this.#byKey.delete(key) // and to the end with it
    this.#byKey.set(key, before ? [...this.#recent(before), write] : [write])
    this.#forgetBefore(now - ECHO_MS)
  }

  /** True when `item` is what we made of `key` a moment ago. */
  has(key: string, item: T | undefined): boolean {
    return this.#recent(this.#byKey.get(key) ?? []).some((write) =>
      write.item && item ? this.#same(write.item, item) : write.item === item,
    )
  }

  #recent(writes: readonly Write<T>[]): readonly Write<T>[] {
    const oldest = this.#clock.now() - ECHO_MS
    return writes.filter(({ at }) => at >= oldest)
  }

  #forgetBefore(oldest: number): void {
    for (const [key, writes] of this.#byKey) {
      if (writes.at(-1)!.at >= oldest) return
      this.#byKey.delete(key)
    }
  }
}
