// Which interface has which name, in what state, and since when: to notice when one comes, goes or flaps.

interface Known {
  readonly name: string
  readonly running: boolean
  readonly mtu: number
  /** When it was first seen, on the clock. */
  readonly since: number
}

/** An interface as a reading or an event shows it. */
export interface LinkState {
  readonly index: number
  readonly name: string
  readonly running: boolean
  readonly mtu: number
}

export class LinkTable {
  /** By index, since a name may go from one interface to the next (Calico #11631). */
  readonly #known = new Map<number, Known>()

  /** Takes in one interface; names those whose state, or whose interface, is not what it was. */
  set({ index, name, running, mtu }: LinkState, now: number): readonly string[] {
    const before = this.#known.get(index)
    const since = before?.name === name ? before.since : now
    this.#known.set(index, { name, running, mtu, since })
    if (before?.name === name && before.running === running) return []
    return before && before.name !== name ? [before.name, name] : [name]
  }

  delete(index: number): readonly string[] {
    const before = this.#known.get(index)
    this.#known.delete(index)
    return before ? [before.name] : []
  }

  /** Takes in a reading of all interfaces. */
  replace(links: readonly LinkState[], now: number): readonly string[] {
    const present = new Set(links.map(({ index }) => index))
    const gone = [...this.#known.keys()].filter((index) => !present.has(index))
    return [...gone.flatMap((index) => this.delete(index)), ...links.flatMap((link) => this.set(link, now))]
  }

  mtu(index: number): number | undefined {
    return this.#known.get(index)?.mtu
  }

  isRunning(index: number): boolean {
    return this.#known.get(index)?.running ?? false
  }

  /** When the interface of this name was first seen; undefined when there is none. */
  since(name: string): number | undefined {
    return [...this.#known.values()].find((known) => known.name === name)?.since
  }
}
