// What may be announced now. A prefix is announced once the kernel has acknowledged the
// route that leads to it, and withdrawn before that route is torn down: a peer that
// hears of us may send at once.

import type { Origination } from '../bgp/types.ts'
import type { Prefix } from '../inet/prefix.ts'
import { Derived, sameRecord } from './derived.ts'

export interface AnnouncementInputs {
  /** What the plan wants announced. */
  wanted(prefix: Prefix): Origination | undefined
  /** True when no route of ours has to lead there: blocks of one address, or route writing switched off. */
  needsNoRoute(prefix: Prefix): boolean
  /** True when the kernel holds our route to it. */
  inForce(prefix: Prefix): boolean
}

/** What changed since the last time, as the speaker takes it. */
export interface AnnouncementChanges {
  readonly set: readonly Origination[]
  readonly withdraw: readonly Prefix[]
}

export class Announcements {
  readonly #current: Derived<Prefix, Origination>

  constructor({ wanted, needsNoRoute, inForce }: AnnouncementInputs) {
    const ready = (prefix: Prefix): boolean => needsNoRoute(prefix) || inForce(prefix)
    this.#current = new Derived((prefix) => (ready(prefix) ? wanted(prefix) : undefined), sameRecord)
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
