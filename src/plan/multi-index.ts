// An index from a key to the things that mention it.

export class MultiIndex<K, V> {
  readonly #sets = new Map<K, Set<V>>()

  /** Adds or removes one mention. */
  place(key: K, value: V, present: boolean): void {
    const set = this.#sets.get(key) ?? new Set()
    if (present) this.#sets.set(key, set.add(value))
    else if (set.delete(value) && set.size === 0) this.#sets.delete(key)
  }

  get(key: K): ReadonlySet<V> {
    return this.#sets.get(key) ?? none
  }

  has(key: K): boolean {
    return this.#sets.has(key)
  }

  keys(): Iterable<K> {
    return this.#sets.keys()
  }
}

const none: ReadonlySet<never> = new Set()
