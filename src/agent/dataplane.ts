// The side of the agent that faces the kernel: what an earlier run or another agent left there is taken over, and from then
// on it is kept as the plan wants it.

import { join } from 'node:path'
import type { Change } from '../cluster/view.ts'
import type { Settings } from '../config/settings.ts'
import { Kernel, type KernelOptions } from '../edge/kernel/kernel.ts'
import { openSavedState } from '../edge/kernel/saved-state.ts'
import type { Log } from '../edge/observe/log.ts'
import type { Prefix } from '../inet/prefix.ts'
import type { TunnelKind } from '../plan/encap/local.ts'
import type { Plan, PlanChanges } from '../plan/plan.ts'
import type { TimerClock } from '../reconcile/clock.ts'
import { mtuFile } from './mtu-file.ts'
import { PoolClaims } from './pool-claims.ts'
import { kernelSettings, stateFile } from './settings.ts'
import { TakeOver, type TakeOverOptions } from './take-over.ts'
import { KernelWishes } from './wishes.ts'

export interface DataplaneOptions {
  readonly settings: () => Settings
  readonly plan: Plan
  readonly clock: TimerClock
  readonly log: Log
  /** What the datastore says is all there is. */
  isWhole(): boolean
  /** And it is to be carried out. */
  isReady(): boolean
  readonly onUnderlay: KernelOptions['onUnderlay']
  readonly onBegin: TakeOverOptions['onBegin']
  /** The kernel holds our route to this destination now, or does not any more. */
  onRoute(destination: Prefix): void
  /** Something was written: less waits for the kernel. */
  onWritten(): void
}

export class Dataplane {
  readonly kernel: Kernel
  readonly #options: DataplaneOptions
  readonly #wishes: KernelWishes
  readonly #pools: PoolClaims
  readonly #takeOver: TakeOver
  readonly #recordMtu: (mtu: number) => void
  #unsupported: ReadonlySet<TunnelKind> = new Set()

  constructor(options: DataplaneOptions) {
    const { settings, plan, clock, log, isReady, onUnderlay, onBegin } = options
    const { procSys, routeWriter, stateDir } = settings()
    const saved = openSavedState(stateFile(settings(), 'caracal-routes'))
    this.#options = options
    this.kernel = new Kernel({
      clock,
      saved,
      settings: kernelSettings(settings),
      procSys,
      routeWriter,
      isInformed: isReady,
      onUnderlay,
      mayPrune: () => !plan.dirty,
      onWritten: () => this.#onWritten(),
      onRound: () => this.#onRound(),
      onWarning: (what, reason) => log.warn({ what, reason }, 'kernel'),
    })
    const { routes } = this.kernel
    this.#wishes = new KernelWishes(this.kernel)
    this.#pools = new PoolClaims({
      saved,
      current: () => plan.facts.pools(),
      routes: () => routes.actual(),
    })
    this.#takeOver = new TakeOver({ kernel: this.kernel, pools: this.#pools, plan, log, onBegin })
    this.#recordMtu = mtuFile(join(stateDir, 'mtu'), log)
  }

  /** Resolves when the kernel has been read. Rejects when ip(8) cannot be used. */
  async start(): Promise<void> {
    await this.kernel.start()
  }

  /** The kernel is left as it is. */
  async stop(): Promise<void> {
    await this.kernel.stop()
  }

  /** Takes over what there is, as far as the cluster is known. Resolves when the first of the plan has been handed on. */
  begin(): Promise<void> {
    return this.#takeOver.begin()
  }

  /** All is known: what nobody wants may go. */
  async allowPrune(): Promise<void> {
    await this.begin()
    this.kernel.allowPrune()
  }

  /** Something in the cluster is different. @throws when a new pool cannot be written down as ours */
  changed({ after }: Change): void {
    if (after?.kind === 'IPPool') this.#takeOver.claim(after.cidr)
  }

  /** Settings are others now. */
  reconfigure(): void {
    this.kernel.nat.reconfigure()
    this.#takeOver.doubt()
  }

  /** Notes what is different in the plan. Nothing is written before `write`. */
  want(changes: PlanChanges): void {
    const { plan, isReady } = this.#options
    if (isReady()) this.#recordMtu(plan.podMtu)
    this.#wishes.want(changes)
  }

  write(): void {
    this.kernel.changed()
  }

  /** The kernel holds every route that is wanted. */
  get hasAllRoutes(): boolean {
    const { wanted, inForce } = this.kernel.routes.view()
    return wanted === inForce
  }

  #onWritten(): void {
    const { onRoute, onWritten } = this.#options
    for (const { key } of this.kernel.routes.takeInForce()) onRoute(key as Prefix)
    onWritten()
  }

  #onRound(): void {
    this.#onWritten()
    this.#noteUnsupported()
    if (this.#options.isWhole()) this.#pools.release()
  }

  /** Pools that need a kind of tunnel device the kernel cannot make are not in force, and the plan says so. */
  #noteUnsupported(): void {
    const { unsupported } = this.kernel
    if (unsupported.symmetricDifference(this.#unsupported).size === 0) return
    this.#unsupported = unsupported
    this.#options.plan.unsupported(unsupported)
  }
}
