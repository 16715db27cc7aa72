// Which keys the kernel is known to hold as wanted, and what is new about that.

export interface InForceChange {
  readonly key: string
  readonly inForce: boolean
}

export class InForce {
  readonly #keys = new Set<string>()
  readonly #changes = new Map<string, boolean>()

  get size(): number {
    return this.#keys.size
  }

  has(key: string): boolean {
    return this.#keys.has(key)
  }

  set(key: string, inForce: boolean): void {
    if (this.#keys.has(key) === inForce) return
    if (inForce) this.#keys.add(key)
    else this.#keys.delete(key)
    // There and back between two calls of `take` is no news.
    if (!this.#changes.delete(key)) this.#changes.set(key, inForce)
  }

  /** What changed since the last call. */
  take(): readonly InForceChange[] {
    const changes = [...this.#changes].map(([key, inForce]) => ({ key, inForce }))
    this.#changes.clear()
    return changes
  }
}
