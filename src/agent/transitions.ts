// When a pool whose encapsulation has changed is done with the old one: plan/transition.ts.

import type { IpPool } from '../cluster/model.ts'
import type { Change } from '../cluster/view.ts'
import type { Plan } from '../plan/plan.ts'
import type { TimerClock } from '../reconcile/clock.ts'

export interface TransitionsOptions {
  readonly plan: Pick<Plan, 'retain' | 'endTransitions'>
  readonly clock: Pick<TimerClock, 'after'>
  /** The plan has been told something. */
  readonly onEnd: () => void
}

/**
 * Counted from the last change. Every node hears of it within moments, and has its tunnel address a few writes to the
 * datastore later; a node that takes longer than this is not waited for.
 */
const TRANSITION_MS = 15_000

export class Transitions {
  readonly #options: TransitionsOptions
  #cancel: () => void = () => {}

  constructor(options: TransitionsOptions) {
    this.#options = options
  }

  /** Something in the cluster is different; the plan has yet to be told. */
  changed({ before, after }: Change): void {
    if (before?.kind !== 'IPPool' || after?.kind !== 'IPPool' || travelsAlike(before, after)) return
    const { plan, clock, onEnd } = this.#options
    plan.retain(before)
    this.#cancel()
    this.#cancel = clock.after(TRANSITION_MS, () => {
      plan.endTransitions()
      onEnd()
    })
  }

  stop(): void {
    this.#cancel()
  }
}

function travelsAlike(a: IpPool, b: IpPool): boolean {
  return a.ipipMode === b.ipipMode && a.vxlanMode === b.vxlanMode
}
