// The kernel as an earlier run or another agent has left it: what of it is ours, and the moment from which on we change it.

import type { Kernel } from '../edge/kernel/kernel.ts'
import type { Log } from '../edge/observe/log.ts'
import type { Prefix } from '../inet/prefix.ts'
import type { Plan } from '../plan/plan.ts'
import type { PoolClaims } from './pool-claims.ts'

export interface TakeOverOptions {
  readonly kernel: Pick<Kernel, 'routes' | 'reread'>
  readonly pools: Pick<PoolClaims, 'claim'>
  readonly plan: Pick<Plan, 'adopt'>
  readonly log: Pick<Log, 'info' | 'warn'>
  /** From now on the plan is carried out. `adopted`: how many routes of ours there were. */
  onBegin(adopted: number): void
}

export class TakeOver {
  readonly #options: TakeOverOptions
  #begun: Promise<void> | undefined
  /** What was read at the start may have been taken for others'. */
  #isInDoubt = false

  constructor(options: TakeOverOptions) {
    this.#options = options
  }

  /** What the kernel holds in a pool is ours, also what was read before we knew of the pool. */
  claim(pool: Prefix): void {
    if (this.#options.pools.claim(pool)) this.doubt()
  }

  /** More or less of what the kernel holds may be ours now. It is read again, once it is taken over. */
  doubt(): void {
    if (this.#begun) void this.#reread()
    else this.#isInDoubt = true
  }

  /** Resolves when the first of the plan has been handed on. */
  begin(): Promise<void> {
    this.#begun ??= this.#takeOver()
    return this.#begun
  }

  async #takeOver(): Promise<void> {
    const { kernel, plan, log, onBegin } = this.#options
    if (this.#isInDoubt) await this.#reread()
    const found = [...kernel.routes.actual()]
    // Whatever metric they have: ours is put beside, and the old one goes when pruning is allowed.
    plan.adopt(found.filter(({ protocol }) => protocol === 'bird').map(({ metric: _, ...route }) => route))
    log.info({ adopted: found.length }, 'carrying out the plan')
    onBegin(found.length)
  }

  async #reread(): Promise<void> {
    const { kernel, log } = this.#options
    await kernel.reread().catch((error: Error) => log.warn({ reason: error.message }, 'kernel'))
  }
}
