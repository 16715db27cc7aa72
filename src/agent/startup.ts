// Node start-up: this node's own resource, and what an empty cluster lacks (Calico node/pkg/lifecycle/startup).
//
// It runs once the datastore is in sync and may be acted upon, and again until it succeeds: where calico-node exits to be
// started anew, we say in status what is wrong and go on with all else. After that the addresses alone are looked
// at again, when interfaces have changed and now and then, as calico-node's -monitor-addresses does; but the datastore is
// asked only when something is different.

import { type Datastore, type Document, documentId } from '../cluster/feed.ts'
import { untilUndisturbed } from '../cluster/races.ts'
import { same } from '../cluster/same.ts'
import type { Change } from '../cluster/view.ts'
import type { Settings } from '../config/settings.ts'
import { startupVariables } from '../config/startup-settings.ts'
import type { SettingProblem } from '../config/types.ts'
import type { StartupStatus } from '../edge/control/api.ts'
import type { HostAccess } from '../edge/host/index.ts'
import type { Log } from '../edge/observe/log.ts'
import type { TimerClock } from '../reconcile/clock.ts'
import { conflictError, conflictsOf, released } from '../startup/conflict.ts'
import { clusterInformation, configurations } from '../startup/defaults.ts'
import { StartupError } from '../startup/error.ts'
import { type Host, type Interface, isInternal, isSuitable } from '../startup/host.ts'
import { type NodeAnswer, type NodeWish, nodeDocument } from '../startup/node-document.ts'
import { defaultPools } from '../startup/pools.ts'
import type { KubernetesAccess } from './kubernetes-access.ts'
import { retryMs } from './retry.ts'
import { lookAround } from './surroundings.ts'

export interface StartupOptions {
  readonly datastore: Pick<Datastore, 'get' | 'list' | 'create' | 'update'>
  /** Looked at anew in every attempt. */
  readonly settings: () => { readonly values: Settings; readonly problems: readonly SettingProblem[] }
  readonly host: HostAccess
  /** Kubernetes beside the datastore; undefined where none is used. */
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
/** Attempts in a row while others write: there are six resources to lose a race for. */
const RACES = 10

export class Startup {
  readonly #options: StartupOptions
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
    this.#refuseWrongSettings()
    const { host: access, kubernetes } = this.#options
    const views = { settings: this.#settings, host: access, kubernetes }
    const host = await lookAround(views, this.#interfaces, { host: this.#host, isStale: this.#isStale })
    if (this.#isDone && !this.#isStale && same(host, this.#host)) return
    this.#isStale = false
    try {
      // Whoever else writes is answered by reading anew: what is there by then need not be written.
      await untilUndisturbed(() => this.#once(host), RACES)
      this.#host = host
    } catch (error) {
      this.#isStale = true
      throw error
    }
  }

  #refuseWrongSettings(): void {
    const wrong = this.#options.settings().problems.find(({ subject }) => startupVariables.has(subject))
    if (wrong) throw new StartupError(wrong.subject, wrong.message)
  }

  /** Everything is known before anything is written. */
  async #once(host: Host): Promise<void> {
    const { datastore, kubernetes } = this.#options
    const { nodename, datastoreType } = this.#settings
    const information = await datastore.get('ClusterInformation', 'default')
    if (isFrozen(information)) return this.#standStill()
    const stored = await datastore.get('Node', nodename)
    if (!stored && datastoreType === 'kubernetes') throw unregistered(nodename)
    const wish = this.#wish()
    const node = nodeDocument(wish, stored, host)
    const others = this.#isDone ? [] : await this.#missing(information, host)
    if (node.isMoved && !this.#settings.disableNodeIpCheck)
      await this.#refuseConflict(node, stored, wish, host)
    await this.#write([...(node.isChanged ? [node.document] : []), ...others])
    if (!this.#isAllowed) return
    if (!this.#isDone) await kubernetes?.labelAffinities()
    if (!this.#isDone) await this.#options.host.recordNodename(this.#settings.nodenameFile, nodename)
    this.#succeeded(node.warnings)
  }

  #standStill(): void {
    if (!this.#isDone)
      this.#status = { state: 'waiting', reason: 'ClusterInformation/default says datastoreReady: false' }
  }

  /** AS number and reference are set once, so that an edit of the resource holds as long as the process. */
  #wish(): NodeWish {
    const { nodename, networkingBackend, ip, ip6, ipMethod, ip6Method, asn, k8sNodeRef } = this.#settings
    const isRouting = networkingBackend !== 'none'
    return {
      name: nodename,
      addresses: isRouting
        ? { ipv4: { given: ip, method: ipMethod }, ipv6: { given: ip6, method: ip6Method } }
        : undefined,
      asn: isRouting && !this.#isDone ? asn : undefined,
      k8sNodeRef: this.#isDone ? undefined : k8sNodeRef,
    }
  }

  /** What the cluster lacks: the pools, its ClusterInformation, and in etcd the configurations. */
  async #missing(information: Document | undefined, host: Host): Promise<readonly Document[]> {
    const { datastore, host: access } = this.#options
    const settings = this.#settings
    const pools = defaultPools(settings, await datastore.list('IPPool'), host, access.randomBytes)
    const { datastoreType, clusterType, nodename } = settings
    const types = [
      clusterType,
      ...(host.kubernetes?.madeWith ?? []),
      ...(datastoreType === 'kubernetes' ? ['kdd'] : []),
    ]
    const completed = clusterInformation(information, types, access.randomBytes)
    const wanted = configurations(datastoreType, nodename)
    const there = await Promise.all(wanted.map(({ kind, metadata }) => datastore.get(kind, metadata.name)))
    return [
      ...pools,
      ...(completed === information ? [] : [completed]),
      ...wanted.filter((_, at) => there[at] === undefined),
    ]
  }

  async #refuseConflict(node: NodeAnswer, stored: Document | undefined, wish: NodeWish, host: Host) {
    const conflicts = conflictsOf(node.document, await this.#options.datastore.list('Node'))
    if (conflicts.length === 0) return
    const lessened = stored && released(stored, conflicts, wish, host)
    if (lessened) await this.#write([lessened])
    throw conflictError(conflicts)
  }

  async #write(documents: readonly Document[]): Promise<void> {
    const { datastore, log } = this.#options
    for (const document of documents) {
      if (!this.#isAllowed) return
      const isNew = document.metadata.resourceVersion === undefined
      await (isNew ? datastore.create(document) : datastore.update(document))
      log.info({ subject: documentId(document) }, 'node start-up wrote')
    }
  }

  get #settings(): Settings {
    return this.#options.settings().values
  }
}

function unregistered(nodename: string): StartupError {
  return new StartupError(
    `Node ${nodename}`,
    'kubelet has not registered it yet, or NODENAME is not its name',
  )
}

function isFrozen(information: Document | undefined): boolean {
  return (information?.spec as { datastoreReady?: unknown } | undefined)?.datastoreReady === false
}

/** What a node's address can depend on. Interfaces of pods, which come and go all the time, do not count. */
function decisive(interfaces: readonly Interface[]): string {
  const counting = interfaces.filter((one) => !isInternal(one) || one.addresses.some(isSuitable))
  return JSON.stringify(counting.map(({ name, index, addresses }) => ({ name, index, addresses })))
}
