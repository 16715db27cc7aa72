// Values derived by key, recomputed only where something changed.
//
// This is what keeps the cost of a change proportional to what it touches: whoever
// knows that an input changed marks the keys it bears on, and one pure function
// computes each of them again. Marking everything is the full recomputation.

export class Derived<K, V> {
  readonly #derive: (key: K) => V | undefined
  readonly #same: (a: V, b: V) => boolean
  readonly #values = new Map<K, V>()
  readonly #dirty = new Set<K>()

  constructor(derive: (key: K) => V | undefined, same: (a: V, b: V) => boolean) {
    this.#derive = derive
    this.#same = same
  }

  /** The inputs of `key` may have changed. */
  touch(key: K): void {
    this.#dirty.add(key)
  }

  /** Every key that has a value. Keys that should get their first one are for the caller to touch. */
  touchAll(): void {
    for (const key of this.#values.keys()) this.#dirty.add(key)
  }

  get dirty(): boolean {
    return this.#dirty.size > 0
  }

  /** Recomputes what was touched; hands out only what came out different. */
  settle(): Map<K, V | undefined> {
    const changes = new Map<K, V | undefined>()
    for (const key of this.#dirty) {
      const before = this.#values.get(key)
      const after = this.#derive(key)
      if (before === undefined && after === undefined) continue
      if (before !== undefined && after !== undefined && this.#same(before, after)) continue
      if (after === undefined) this.#values.delete(key)
      else this.#values.set(key, after)
      changes.set(key, after)
    }
    this.#dirty.clear()
    return changes
  }

  get(key: K): V | undefined {
    return this.#values.get(key)
  }

  get values(): ReadonlyMap<K, V> {
    return this.#values
  }
}

/** Equality of records whose fields are plain, or short lists. Good for everything in `wanted.ts`. */
export function sameRecord<T extends object>(a: T, b: T): boolean {
  const keys = Object.keys(a) as (keyof T)[]
  return keys.length === Object.keys(b).length && keys.every((key) => sameField(a[key], b[key]))
}

function sameField(a: unknown, b: unknown): boolean {
  return a === b || (Array.isArray(a) && sameJson(a, b))
}

/** For values with lists and records in them, all of them small. */
export function sameJson(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}
