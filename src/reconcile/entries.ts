// What is wanted and what the kernel holds: one record for each key, found once for all that is to be done with it.

import type { Kind } from './kind.ts'

/** What is known of one key. */
export interface Entry<T> {
  readonly key: string
  readonly wanted: T | undefined
  /** What we believe the kernel holds. */
  readonly actual: T | undefined
  /** The kernel is known to hold what is wanted. */
  readonly inForce: boolean
}

export interface InForceChange {
  readonly key: string
  readonly inForce: boolean
}

type Mutable<T> = { -readonly [F in keyof Entry<T>]: Entry<T>[F] }

export class Entries<T> {
  readonly #kind: Pick<Kind<T>, 'same' | 'device'>
  /** Of each key that is wanted, that the kernel holds, or whose end is still to be told. */
  readonly #byKey = new Map<string, Mutable<T>>()
  /** Those the kernel holds something of, by the interface that hangs on. */
  readonly #byDevice = new Map<string, Set<Entry<T>>>()
  /** Those that came into force or out of it since this was last asked. */
  readonly #turned = new Set<Entry<T>>()
  readonly #count = { wanted: 0, inForce: 0 }

  constructor(kind: Pick<Kind<T>, 'same' | 'device'>) {
    this.#kind = kind
  }

  /** How many are wanted, and how many of these in force. */
  get count(): { readonly wanted: number; readonly inForce: number } {
    return this.#count
  }

  get(key: string): Entry<T> {
    return this.#byKey.get(key) ?? nothing(key)
  }

  values(): IterableIterator<Entry<T>> {
    return this.#byKey.values()
  }

  /** The keys of what hangs on an interface. */
  on(device: string): string[] {
    return [...(this.#byDevice.get(device) ?? [])].map(({ key }) => key)
  }

  deviceOf(item: T | undefined): string | undefined {
    return item && this.#kind.device?.(item)
  }

  want(key: string, item: T | undefined): Entry<T> {
    const entry = this.#of(key)
    this.#count.wanted += Number(item !== undefined) - Number(entry.wanted !== undefined)
    entry.wanted = item
    return this.#settled(entry)
  }

  believe(key: string, item: T | undefined): Entry<T> {
    const entry = this.#of(key)
    const [from, to] = [this.deviceOf(entry.actual), this.deviceOf(item)]
    entry.actual = item
    if (from !== to) {
      this.#hang(from, (entries) => entries.delete(entry))
      this.#hang(to, (entries) => entries.add(entry))
    }
    return this.#settled(entry)
  }

  /** Those that came into force or out of it since the last call. */
  takeTurned(): readonly InForceChange[] {
    const turned = [...this.#turned]
    this.#turned.clear()
    for (const entry of turned) this.#forgetIfOver(entry)
    return turned.map(({ key, inForce }) => ({ key, inForce }))
  }

  #of(key: string): Mutable<T> {
    const known = this.#byKey.get(key)
    if (known) return known
    const entry = nothing<T>(key)
    this.#byKey.set(key, entry)
    return entry
  }

  #hang(device: string | undefined, change: (entries: Set<Entry<T>>) => void): void {
    if (device === undefined) return
    const entries = this.#byDevice.get(device) ?? new Set()
    change(entries)
    if (entries.size > 0) this.#byDevice.set(device, entries)
    else this.#byDevice.delete(device)
  }

  #settled(entry: Mutable<T>): Entry<T> {
    const { wanted, actual } = entry
    const inForce =
      wanted !== undefined && actual !== undefined && (wanted === actual || this.#kind.same(wanted, actual))
    if (entry.inForce !== inForce) {
      entry.inForce = inForce
      this.#count.inForce += inForce ? 1 : -1
      // There and back between two calls of `takeTurned` is no news.
      if (!this.#turned.delete(entry)) this.#turned.add(entry)
    }
    this.#forgetIfOver(entry)
    return entry
  }

  #forgetIfOver(entry: Entry<T>): void {
    if (!entry.wanted && !entry.actual && !this.#turned.has(entry)) this.#byKey.delete(entry.key)
  }
}

function nothing<T>(key: string): Mutable<T> {
  return { key, wanted: undefined, actual: undefined, inForce: false }
}
