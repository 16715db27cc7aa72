// The next hops of received paths: whether each can be reached, and how far it is. RFC 4271 §9.1.2.1.
//
// The answer is kept as long as a path has the next hop, so that all paths are weighed by the same, and so that
// a review can tell which of them to weigh again.

import type { Address } from '../../inet/address.ts'
import { memo } from './memo.ts'

/** `metric` is the distance: lower is nearer. Or why packets for the next hop would go nowhere. */
export type Reach = { readonly metric: number } | { readonly unresolved: string }

interface Held {
  reach: Reach
  paths: number
}

export class NextHops {
  readonly #ask: (nextHop: Address) => Reach
  readonly #held = new Map<Address, Held>()

  constructor(ask: (nextHop: Address) => Reach) {
    this.#ask = ask
  }

  /** One path more has this next hop. */
  hold(nextHop: Address): void {
    const held = memo(this.#held, nextHop, () => ({ reach: this.#ask(nextHop), paths: 0 }))
    held.paths++
  }

  /** One path less has it. */
  release(nextHop: Address): void {
    if (--this.#held.get(nextHop)!.paths === 0) this.#held.delete(nextHop)
  }

  /** Of a next hop that some path has. */
  reach(nextHop: Address): Reach {
    return this.#held.get(nextHop)!.reach
  }

  /** Asks again, and names the next hops whose answer is another. */
  review(): ReadonlySet<Address> {
    const changed = new Set<Address>()
    for (const [nextHop, held] of this.#held) {
      const reach = this.#ask(nextHop)
      if (sameReach(held.reach, reach)) continue
      held.reach = reach
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
