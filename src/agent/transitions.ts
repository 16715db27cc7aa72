// When a pool whose encapsulation has changed is done with the old one: plan/transition.ts.

import type { IpPool, Node } from '../cluster/model.ts'
import type { Change } from '../cluster/view.ts'
import { tunnelAddresses } from '../plan/facts.ts'
import type { Plan } from '../plan/plan.ts'
import type { TimerClock } from '../reconcile/clock.ts'

export interface TransitionsOptions {
  readonly plan: Pick<Plan, 'retain' | 'isInTransition' | 'endTransitions'>
  readonly clock: Pick<TimerClock, 'after'>
  /** The plan has been told something. */
  readonly onEnd: () => void
}

/**
 * Counted from the last sign of progress: a pool that changes, or a node with a new tunnel address. Every node hears of
 * the pool within moments and has its address a few writes to the datastore later, but many want one at the same time.
 */
const TRANSITION_MS = 15_000

/**
 * So often that time may pass again, five minutes in all, while packets to some node still go as before. To end sooner
 * would cut it off, be it we who are not ready; one that is dead loses nothing by our waiting.
 */
const EXTENSIONS = 19

export class Transitions {
  readonly #options: TransitionsOptions
  #isUnderWay = false
  #cancel: () => void = () => {}

  constructor(options: TransitionsOptions) {
    this.#options = options
  }

  /** Something in the cluster is different; the plan has yet to be told. */
  changed({ before, after }: Change): void {
    if (before?.kind === 'IPPool' && after?.kind === 'IPPool' && !travelsAlike(before, after)) {
      this.#options.plan.retain(before)
      this.#wait()
    } else if (this.#isUnderWay && after?.kind === 'Node' && isReadier(before as Node | undefined, after)) {
      this.#wait()
    }
  }

  stop(): void {
    this.#cancel()
  }

  #wait(extensions = EXTENSIONS): void {
    const { plan, clock } = this.#options
    this.#isUnderWay = true
    this.#cancel()
    this.#cancel = clock.after(TRANSITION_MS, () => {
      if (extensions > 0 && plan.isInTransition) this.#wait(extensions - 1)
      else this.#end()
    })
  }

  #end(): void {
    this.#isUnderWay = false
    this.#options.plan.endTransitions()
    this.#options.onEnd()
  }
}

function travelsAlike(a: IpPool, b: IpPool): boolean {
  return a.ipipMode === b.ipipMode && a.vxlanMode === b.vxlanMode
}

function isReadier(before: Node | undefined, after: Node): boolean {
  return !tunnelAddresses(after).isSubsetOf(before ? tunnelAddresses(before) : new Set())
}
