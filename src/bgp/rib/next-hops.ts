// The next hops of received paths: whether each can be reached, and how far it is. RFC 4271 §9.1.2.1.
//
// The answer is kept as long as a path has the next hop, so that all paths are weighed by the same, and so that
// a review can tell which of them to weigh again.

import type { Address } from '../../inet/address.ts'

/** `metric` is the distance: lower is nearer. Or why packets for the next hop would go nowhere. */
export type Reach = { readonly metric: number } | { readonly unresolved: string }

interface Held {
  readonly reach: Reach
  readonly paths: number
}

export class NextHops {
  readonly #ask: (nextHop: Address) => Reach
  readonly #held = new Map<Address, Held>()

  constructor(ask: (nextHop: Address) => Reach) {
    this.#ask = ask
  }

  /** One path more has this next hop. */
  hold(nextHop: Address): void {
    const { reach, paths } = this.#held.get(nextHop) ?? { reach: this.#ask(nextHop), paths: 0 }
    this.#held.set(nextHop, { reach, paths: paths + 1 })
  }

  /** One path less has it. */
  release(nextHop: Address): void {
    const { reach, paths } = this.#held.get(nextHop)!
    if (paths === 1) this.#held.delete(nextHop)
    else this.#held.set(nextHop, { reach, paths: paths - 1 })
  }

  /** Of a next hop that some path has. */
  reach(nextHop: Address): Reach {
    return this.#held.get(nextHop)!.reach
  }

  /** Asks again, and names the next hops whose answer is another. */
  review(): ReadonlySet<Address> {
    const changed = new Set<Address>()
    for (const [nextHop, { reach: before, paths }] of this.#held) {
      const reach = this.#ask(nextHop)
      if (sameReach(before, reach)) continue
      this.#held.set(nextHop, { reach, paths })
      changed.add(nextHop)
    }
    return changed
  }
}

function sameReach(a: Reach, b: Reach): boolean {
  return 'metric' in a
    ? 'metric' in b && a.metric === b.metric
    : 'unresolved' in b && a.unresolved === b.unresolved
}
