// When node start-up runs (registration.ts): this node's own resource is written then, and what an empty cluster lacks. Calico
// node/pkg/lifecycle/startup.
//
// It runs once the datastore is in sync and may be acted upon, and again until it succeeds: where calico-node exits to be
// started anew, we say in status what is wrong and go on with all else. After that the addresses alone are looked
// at again, when interfaces have changed and now and then, as calico-node's -monitor-addresses does; but the datastore is
// asked only when something is different.

import { same } from '../cluster/same.ts'
import type { Change } from '../cluster/view.ts'
import type { Settings } from '../config/settings.ts'
import { startupVariables } from '../config/startup-settings.ts'
import type { SettingProblem } from '../config/types.ts'
import type { StartupStatus } from '../edge/control/api.ts'
import type { HostAccess } from '../edge/host/index.ts'
import type { Log } from '../edge/observe/log.ts'
import type { TimerClock } from '../reconcile/clock.ts'
import { StartupError } from '../startup/error.ts'
import { type Host, type Interface, isInternal, isSuitable } from '../startup/host.ts'
import type { KubernetesAccess } from './kubernetes-access.ts'
import { type Outcome, Registration, type RegistrationOptions } from './registration.ts'
import { retryMs } from './retry.ts'
import { lookAround } from './surroundings.ts'

export interface StartupOptions extends Omit<RegistrationOptions, 'mayWrite'> {
  readonly settings: () => { readonly values: Settings; readonly problems: readonly SettingProblem[] }
  readonly host: HostAccess
  readonly kubernetes?: Pick<KubernetesAccess, 'facts' | 'labelAffinities'> | undefined
  /** Called after each time that all is as it should be. */
  readonly onDone?: () => void
  readonly clock: TimerClock
  readonly log: Pick<Log, 'info' | 'warn'>
}

/**
 * From the first change of interfaces to the look at them: they come in bursts, and a DHCP client may take an address away
 * only to give it back. Later changes do not prolong it, or a node where something changes all the time would never look.
 */
const SETTLE_MS = 5_000

export class Startup {
  readonly #options: StartupOptions
  readonly #registration: Registration
  #interfaces: readonly Interface[] = []
  #isAllowed = false
  #isRunning = false
  /** Interfaces have changed since the last attempt began. */
  #isOutdated = false
  /** All of it has been done once. */
  #isDone = false
  /** What the datastore says of us may not be what it was when it was last read. */
  #isStale = true
  #host: Host | undefined
  #status: StartupStatus = { state: 'waiting' }
  #warnings: readonly string[] = []
  #failures = 0
  #cancel: () => void = () => {}

  constructor(options: StartupOptions) {
    this.#options = options
    this.#registration = new Registration({ ...options, mayWrite: () => this.#isAllowed })
  }

  /** Whether the datastore is in sync and ready. Otherwise nothing is read or written. */
  allow(isAllowed: boolean): void {
    const isNews = isAllowed && !this.#isAllowed
    this.#isAllowed = isAllowed
    if (!isNews || this.#isRunning) return
    if (this.#isDone) this.#runLater()
    else void this.#run()
  }

  /** The interfaces as they are now. */
  interfaces(interfaces: readonly Interface[]): void {
    const before = decisive(this.#interfaces)
    this.#interfaces = interfaces
    if (this.#isOutdated || decisive(interfaces) === before) return
    this.#isOutdated = true
    if (this.#isAllowed && !this.#isRunning) this.#runLater()
  }

  /** Something in the cluster is different. */
  changed({ kind, key, before }: Pick<Change, 'kind' | 'key' | 'before'>): void {
    const isOwn = key === `Node/${this.#settings.nodename}`
    if (!isOwn && kind !== 'ClusterInformation') return
    this.#isStale = true
    const wasMissing = isOwn && !before && this.#status.state === 'failed'
    if (wasMissing) void this.#run()
  }

  view(): { readonly status: StartupStatus; readonly warnings: readonly string[] } {
    return { status: this.#status, warnings: this.#warnings }
  }

  stop(): void {
    this.#isAllowed = false
    this.#cancel()
  }

  #runLater(): void {
    this.#cancel()
    this.#cancel = this.#options.clock.after(this.#pause(), () => void this.#run())
  }

  #pause(): number {
    if (this.#isOutdated) return SETTLE_MS
    if (this.#isDone && this.#failures === 0) return this.#settings.autodetectPollMs
    return retryMs(this.#failures, this.#options.clock)
  }

  async #run(): Promise<void> {
    if (!this.#isAllowed || this.#isRunning) return
    this.#cancel()
    this.#isRunning = true
    this.#isOutdated = false
    try {
      await this.#attempt()
      this.#failures = 0
    } catch (error) {
      this.#failed(error as Error)
    }
    this.#isRunning = false
    if (this.#isAllowed) this.#runLater()
  }

  #settle(outcome: Outcome): void {
    if ('warnings' in outcome) this.#succeeded(outcome.warnings)
    else if ('waitsFor' in outcome && !this.#isDone)
      this.#status = { state: 'waiting', reason: outcome.waitsFor }
  }

  #failed({ message }: Error): void {
    this.#failures++
    if (this.#status.reason !== message) this.#options.log.warn({ reason: message }, 'node start-up failed')
    this.#status = { state: 'failed', reason: message }
  }

  #succeeded(warnings: readonly string[]): void {
    const { log } = this.#options
    for (const warning of warnings)
      if (!this.#warnings.includes(warning)) log.warn({ warning }, 'node start-up')
    if (this.#status.state !== 'done') log.info({}, 'node start-up done')
    this.#warnings = warnings
    this.#status = { state: 'done' }
    this.#isDone = true
    this.#options.onDone?.()
  }

  async #attempt(): Promise<void> {
    refuseWrongSettings(this.#options.settings().problems)
    const { host: access, kubernetes } = this.#options
    const views = { settings: this.#settings, host: access, kubernetes }
    const host = await lookAround(views, this.#interfaces, { host: this.#host, isStale: this.#isStale })
    if (this.#isDone && !this.#isStale && same(host, this.#host)) return
    this.#isStale = false
    try {
      this.#settle(await this.#registration.run(host, !this.#isDone))
      this.#host = host
    } catch (error) {
      this.#isStale = true
      throw error
    }
  }

  get #settings(): Settings {
    return this.#options.settings().values
  }
}

/** @throws StartupError when one has a value that cannot be used */
function refuseWrongSettings(problems: readonly SettingProblem[]): void {
  const wrong = problems.find(({ subject }) => startupVariables.has(subject))
  if (wrong) throw new StartupError(wrong.subject, wrong.message)
}

/** What a node's address can depend on. Interfaces of pods, which come and go all the time, do not count. */
function decisive(interfaces: readonly Interface[]): string {
  const counting = interfaces.filter((one) => !isInternal(one) || one.addresses.some(isSuitable))
  return JSON.stringify(counting.map(({ name, index, addresses }) => ({ name, index, addresses })))
}
