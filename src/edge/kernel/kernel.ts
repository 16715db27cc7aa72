// The kernel of this node, kept as the plan wants it: the reconcilers, their loop, and the events that drive them.

import { familyOf } from '../../inet/address.ts'
import type { ForeignRoute, Link } from '../../plan/underlay.ts'
import type { Neighbor, Sysctl } from '../../plan/wanted.ts'
import type { TimerClock } from '../../reconcile/clock.ts'
import { Loop, type Paced, type Reconcilable } from '../../reconcile/loop.ts'
import { Reconciler } from '../../reconcile/reconciler.ts'
import { Batch } from './batch.ts'
import { latest } from './latest.ts'
import { LinkTable } from './link-table.ts'
import { readLinks } from './links.ts'
import { type AddressEvent, type KernelEvent, type LinkEvent, type Monitor, openMonitor } from './monitor.ts'
import { Nat, type NatOptions } from './nat.ts'
import { Neighbors } from './neighbors.ts'
import type { Ownership } from './ownership.ts'
import type { KernelRoute } from './route-text.ts'
import { Routes, type Seen } from './routes.ts'
import { openIp, openProgram, type Program } from './run.ts'
import type { SavedState } from './saved-state.ts'
import { Sysctls } from './sysctls.ts'

export interface KernelOptions {
  readonly clock: TimerClock
  readonly saved: SavedState
  /** Settings that may change at any time; they are looked at anew whenever they count. */
  readonly settings: Ownership['settings'] &
    NatOptions['settings'] & {
      /** Between two readings of everything, in milliseconds; 0 switches them off (Calico routeRefreshInterval). */
      readonly resyncMs: number
    }
  /** Network namespace, as in `ip netns`; for tests. Sysctls are always those of our own. */
  readonly namespace?: string
  /** Whether the datastore would tell us of a new pod by now. While it would not, what the CNI plugin wrote stays. */
  isInformed(): boolean
  /** Interfaces, addresses or routes of others are not what they were. */
  onUnderlay(links: readonly Link[], foreign: readonly ForeignRoute[]): void
  /** Something was read or written: `takeInForce` and `view` may have news. */
  onRound(): void
  /** Reading failed, events were lost, an optional setting was refused. We go on; a person may want to know. */
  onWarning(what: string, reason: string): void
}

/** A new workload interface's routes are left alone for so long: the CNI plugin is ahead of the datastore (Felix). */
const GRACE_MS = 10_000

export class Kernel {
  readonly routes: Reconciler<KernelRoute>
  readonly neighbors: Reconciler<Neighbor>
  readonly sysctls: Reconciler<Sysctl>
  readonly nat: Nat
  readonly #options: KernelOptions
  readonly #ip: Program
  readonly #batch: Batch
  readonly #links = new LinkTable()
  readonly #routeKind: Routes
  readonly #neighborKind: Neighbors
  readonly #loop: Loop
  #monitor: Monitor | undefined
  readonly #readUnderlay = latest(() => this.#underlay())

  constructor(options: KernelOptions) {
    const { clock, saved, settings, namespace, onWarning } = options
    const ownership: Ownership = { settings, owns: saved.owns }
    this.#options = options
    this.#ip = openIp(namespace)
    this.#batch = new Batch(this.#ip)
    this.#neighborKind = new Neighbors(this.#ip, this.#batch, ownership)
    this.#routeKind = new Routes({
      ip: this.#ip,
      batch: this.#batch,
      ownership,
      saved,
      graceOf: (device) => this.#graceOf(device),
      onForeign: () => this.#refreshUnderlay(),
    })
    this.routes = new Reconciler(this.#routeKind, clock)
    this.neighbors = new Reconciler<Neighbor>(this.#neighborKind, clock)
    this.sysctls = new Reconciler(new Sysctls({ onWarning }), clock)
    this.nat = new Nat({
      open: (name) => openProgram(name, namespace),
      clock,
      settings,
      resync: (which, gapMs) => this.#loop.resyncSoon(which, gapMs),
      onWarning,
    })
    const paced = (reconciler: Reconcilable): Paced => ({ reconciler, resyncMs: () => settings.resyncMs })
    // Rules before routes: a packet that takes a new route must find them.
    const members = [paced(this.sysctls), ...this.nat.paced, paced(this.neighbors), paced(this.routes)]
    this.#loop = new Loop(members, {
      clock,
      onRound: () => this.#onRound(),
      onError: (error) => onWarning('reading the kernel', (error as Error).message),
    })
  }

  /** Follows the kernel and reads everything once. Rejects when ip(8) cannot be used. */
  async start(): Promise<void> {
    this.#monitor = openMonitor(this.#ip, {
      onEvent: (event) => this.#event(event),
      onLost: (reason) => this.#lost(reason),
    })
    await this.#monitor.ready
    await this.#readUnderlay()
    await this.#loop.start()
  }

  /** `want` was called on one of the reconcilers. */
  changed(): void {
    this.#loop.nudge()
  }

  /** The datastore is in sync: what nobody wants may go. */
  allowPrune(): void {
    this.#loop.allowPrune()
  }

  /** More of what the kernel holds may be ours now, since a pool was claimed. Rejects when it cannot be read. */
  reread(): Promise<void> {
    return this.routes.resync()
  }

  /** Leaves the kernel as it is. */
  async stop(): Promise<void> {
    await this.#monitor?.close()
    await this.#loop.stop()
    this.nat.close()
    await this.#batch.close()
  }

  #onRound(): void {
    void this.nat.watch()
    this.#options.onRound()
  }

  #graceOf(device: string): number {
    const { clock, isInformed } = this.#options
    const since = isInformed() ? this.#links.since(device) : clock.now()
    return (since ?? Number.NEGATIVE_INFINITY) + GRACE_MS
  }

  #event(event: KernelEvent): void {
    if (event.kind === 'link') this.#link(event)
    if (event.kind === 'address') this.#address(event)
    if (event.kind === 'route') this.#saw(this.routes, this.#routeKind.event(event.route, event.deleted))
    if (event.kind === 'neighbor') {
      this.#saw(this.neighbors, this.#neighborKind.event(event.neighbor, event.deleted))
    }
  }

  #saw<T>(reconciler: Reconciler<T>, seen: Seen<T> | undefined): void {
    if (!seen) return
    reconciler.saw(seen.key, seen.item)
    this.#loop.nudge()
  }

  #link(event: LinkEvent): void {
    const changed = event.deleted
      ? this.#links.delete(event.index)
      : this.#links.set(event, this.#options.clock.now())
    if (changed.length === 0) return
    if (event.deleted || !event.up) this.#routeKind.deviceDown(event.name)
    this.#doubt(changed)
    this.#refreshUnderlay() // the plan speaks first: what we wrote before it does would only be refused
  }

  #address({ deleted, address }: AddressEvent): void {
    // IPv4 routes with this source address go with it, without a word.
    if (deleted && familyOf(address.address) === 'ipv4') this.#loop.resyncSoon()
    this.#refreshUnderlay()
  }

  #lost(reason: string): void {
    this.#options.onWarning('events of the kernel may be lost', reason)
    this.#loop.resyncSoon()
    this.#refreshUnderlay()
  }

  #doubt(devices: readonly string[]): void {
    if (devices.length > 0) this.#batch.renew()
    for (const device of devices) {
      for (const reconciler of [this.sysctls, this.neighbors, this.routes]) reconciler.doubt(device)
    }
  }

  #refreshUnderlay(): void {
    this.#readUnderlay().catch((error: Error) => {
      this.#options.onWarning('reading interfaces', error.message)
      this.#loop.resyncSoon() // which asks for the interfaces again
    })
  }

  async #underlay(): Promise<void> {
    const links = await readLinks(this.#ip)
    this.#doubt(this.#links.replace(links, this.#options.clock.now()))
    this.#options.onUnderlay(links, this.#routeKind.foreign())
    this.#loop.nudge()
  }
}
