// Routes in a pool are ours even if another agent wrote them. A pool that is gone stays ours to clean up until no route
// inside it is left.

import type { SavedState } from '../edge/kernel/saved-state.ts'
import { contains, type Prefix } from '../inet/prefix.ts'

export interface PoolClaimsOptions {
  readonly saved: Pick<SavedState, 'claim' | 'release' | 'pools'>
  /** The pools that there are. */
  readonly current: () => Iterable<{ readonly cidr: Prefix }>
  /** The destinations of the routes that the kernel holds and that are ours. */
  readonly routes: () => Iterable<{ readonly prefix: Prefix }>
}

export class PoolClaims {
  readonly #options: PoolClaimsOptions

  constructor(options: PoolClaimsOptions) {
    this.#options = options
  }

  /** True when that is news: the kernel may hold routes that were not taken for ours before. @throws when it cannot be written down */
  claim(pool: Prefix): boolean {
    return this.#options.saved.claim('pool', [pool])
  }

  /** Gives up what is gone and empty. To be called when all pools are known. @throws when it cannot be written down */
  release(): void {
    const { saved, current, routes } = this.#options
    const pools = new Set([...current()].map(({ cidr }) => cidr))
    const gone = saved.pools().filter((pool) => !pools.has(pool))
    if (gone.length === 0) return
    const destinations = [...routes()].map(({ prefix }) => prefix)
    const empty = gone.filter((pool) => !destinations.some((prefix) => contains(pool, prefix)))
    if (empty.length > 0) saved.release('pool', empty)
  }
}
