// What may be announced now. A prefix is announced once the kernel has acknowledged a
// route that leads to it, and withdrawn before that route is torn down: a peer that
// hears of us may send at once.

import type { Origination } from '../bgp/types.ts'
import type { Prefix } from '../inet/prefix.ts'
import { Derived, sameRecord } from './derived.ts'

export interface AnnouncementInputs {
  /** What the plan wants announced. */
  wanted(prefix: Prefix): Origination | undefined
  /** The routes of ours of which the kernel must hold one first; none: it may be announced at once. */
  leansOn(prefix: Prefix): readonly Prefix[]
  /** True when the kernel holds our route to this destination. */
  inForce(route: Prefix): boolean
}

/** What changed since the last time, as the speaker takes it. */
export interface AnnouncementChanges {
  readonly set: readonly Origination[]
  readonly withdraw: readonly Prefix[]
}

export class Announcements {
  readonly #current: Derived<Prefix, Origination>

  constructor({ wanted, leansOn, inForce }: AnnouncementInputs) {
    const isReady = (routes: readonly Prefix[]) => routes.length === 0 || routes.some(inForce)
    this.#current = new Derived((prefix) => {
      const origination = wanted(prefix) // asked first: of the routes that come into force hardly any is our own
      return origination && isReady(leansOn(prefix)) ? origination : undefined
    }, sameRecord)
  }

  /** Something the answer depends on may have changed for this prefix. */
  touch(prefix: Prefix): void {
    this.#current.touch(prefix)
  }

  /** True when this prefix is announced, as of the last `settle`. */
  has(prefix: Prefix): boolean {
    return this.#current.get(prefix) !== undefined
  }

  settle(): AnnouncementChanges {
    const set: Origination[] = []
    const withdraw: Prefix[] = []
    for (const [prefix, origination] of this.#current.settle()) {
      if (origination) set.push(origination)
      else withdraw.push(prefix)
    }
    return { set, withdraw }
  }
}
