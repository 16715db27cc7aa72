// NetworkUnavailable, the condition by which the scheduler knows whether a node can have pods (Calico
// node/pkg/lifecycle/utils, SetNodeNetworkUnavailableCondition; node/cmd/calico-node, -shutdown). It is taken away once our
// routes are in place, and said again when we stop; while nobody runs, a file tells since when.

import { timestamp } from '../cluster/timestamp.ts'
import type { Log } from '../edge/observe/log.ts'
import type { TimerClock } from '../reconcile/clock.ts'
import type { NodeCondition } from './kubernetes-access.ts'
import { retryMs } from './retry.ts'

export interface NetworkConditionOptions {
  set(condition: NodeCondition): Promise<void>
  /** What the datastore asks of this node is being carried out. */
  isBegun(): boolean
  /** All of it is in force, and peers have said what they have. */
  isWhole(): boolean
  /** Writes down when we stopped; undefined takes that back. */
  recordShutdown(at: string | undefined): Promise<void>
  readonly clock: Pick<TimerClock, 'after' | 'random'>
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly log: Pick<Log, 'info' | 'warn'>
}

/** As long as calico-node waits for what the kernel refuses, or a peer does not say, before it lets pods come. */
const PATIENCE_MS = 300_000
/** kubelet may kill us two seconds after it has told us to stop. */
const FAREWELL_MS = 1_500

export class NetworkCondition {
  readonly #options: NetworkConditionOptions
  #state: 'waiting' | 'saying' | 'said' | 'over' = 'waiting'
  #saying = Promise.resolve()
  #isImpatient = false
  #failures = 0
  #cancelPatience: (() => void) | undefined
  #cancelRetry: () => void = () => {}

  constructor(options: NetworkConditionOptions) {
    this.#options = options
  }

  /** `isBegun` or `isWhole` may have another answer. */
  settle(): void {
    const { isBegun, isWhole, clock } = this.#options
    if (this.#state !== 'waiting' || !isBegun()) return
    if (isWhole() || this.#isImpatient) {
      this.#saying = this.#say()
      return
    }
    this.#cancelPatience ??= clock.after(PATIENCE_MS, () => {
      this.#isImpatient = true
      this.settle()
    })
  }

  /** Resolves soon, whether the API server is there or not. */
  async stop(): Promise<void> {
    const { clock, now, set, recordShutdown, log } = this.#options
    this.#state = 'over'
    this.#cancelPatience?.()
    this.#cancelRetry()
    const enough = Promise.withResolvers<void>()
    const cancel = clock.after(FAREWELL_MS, enough.resolve)
    const farewell = async (): Promise<void> => {
      await this.#saying
      await recordShutdown(timestamp(now()))
      await set(condition('True', now()))
    }
    const said = farewell().catch((error: Error) =>
      log.warn({ reason: error.message }, 'NetworkUnavailable could not be set'),
    )
    await Promise.race([said, enough.promise])
    cancel()
  }

  async #say(): Promise<void> {
    const { set, recordShutdown, now, log } = this.#options
    this.#state = 'saying'
    try {
      await set(condition('False', now()))
      await recordShutdown(undefined)
      log.info({}, 'routes are in place: pods may come')
      this.#to('said')
    } catch (error) {
      const { message } = error as Error
      if (this.#failures++ === 0) log.warn({ reason: message }, 'NetworkUnavailable could not be taken away')
      this.#sayLater()
    }
  }

  #sayLater(): void {
    if (this.#state === 'over') return
    const { clock } = this.#options
    this.#cancelRetry = clock.after(retryMs(this.#failures, clock), () => {
      this.#to('waiting')
      this.settle()
    })
  }

  #to(state: 'waiting' | 'said'): void {
    if (this.#state !== 'over') this.#state = state
  }
}

const words = {
  True: { reason: 'CalicoIsDown', message: 'Calico is shutting down on this node' },
  False: { reason: 'CalicoIsUp', message: 'Calico is running on this node' },
}

function condition(status: 'True' | 'False', now: number): NodeCondition {
  const at = timestamp(now)
  return {
    type: 'NetworkUnavailable',
    status,
    ...words[status],
    lastHeartbeatTime: at,
    lastTransitionTime: at,
  }
}
