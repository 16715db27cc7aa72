// The kernel of this node, kept as the plan wants it: the reconcilers, their loop, and the events that drive them.

import { familyOf } from '../../inet/address.ts'
import type { TunnelKind } from '../../plan/encap/local.ts'
import type { ForeignRoute, Link } from '../../plan/underlay.ts'
import { type InterfaceAddress, isTunnelName, type Neighbor, type Sysctl } from '../../plan/wanted.ts'
import { abreast } from '../../reconcile/abreast.ts'
import type { TimerClock } from '../../reconcile/clock.ts'
import type { Seen } from '../../reconcile/kind.ts'
import { Loop, type Paced, type Reconcilable } from '../../reconcile/loop.ts'
import { Reconciler, type ReconcilerView } from '../../reconcile/reconciler.ts'
import { Addresses } from './addresses.ts'
import { Batch } from './batch.ts'
import { openConnections } from './connections.ts'
import { type ConnectionTable, Conntrack } from './conntrack.ts'
import { Fdb, type KernelFdbEntry } from './fdb.ts'
import type { KernelRoute } from './kernel-route.ts'
import { latest } from './latest.ts'
import { LinkTable } from './link-table.ts'
import { readLinks } from './links.ts'
import {
  type AddressEvent,
  type KernelEvent,
  type LinkEvent,
  type Monitor,
  type MonitorHandlers,
  openMonitor,
  type Watched,
} from './monitor.ts'
import { Nat, type NatOptions } from './nat.ts'
import { Neighbors } from './neighbors.ts'
import { openRouteTable, type RouteWriter } from './open-route-table.ts'
import { isWorkloadDevice, type Ownership } from './ownership.ts'
import type { RouteNews, RouteTable } from './route-table.ts'
import { Routes } from './routes.ts'
import { openBridge, openIp, openProgram, type Program } from './run.ts'
import type { SavedState } from './saved-state.ts'
import { Sysctls } from './sysctls.ts'
import { Tenants } from './tenants.ts'
import type { KernelTunnel } from './tunnel-text.ts'
import { Tunnels } from './tunnels.ts'

export interface KernelOptions {
  readonly clock: TimerClock
  readonly saved: SavedState
  /** Settings that may change at any time; they are looked at anew whenever they count. */
  readonly settings: Ownership['settings'] &
    NatOptions['settings'] & {
      /** Between two readings of everything, in milliseconds; 0 switches them off (Calico routeRefreshInterval). */
      readonly resyncMs: number
    }
  /** How routes get to the kernel and back. */
  readonly routeWriter: RouteWriter
  /** Where sysctls are; absent: /proc/sys. */
  readonly procSys?: string
  /** Network namespace, as in `ip netns`; for tests. Sysctls are always those of our own. */
  readonly namespace?: string
  /** Whether the datastore would tell us of a new pod by now. While it would not, what the CNI plugin wrote stays. */
  isInformed(): boolean
  /** Interfaces, addresses or routes of others are not what they were. */
  onUnderlay(links: readonly Link[], foreign: readonly ForeignRoute[]): void
  /** Some routes were written: their `takeInForce` may have news, and `backlog` is less. */
  onWritten(): void
  /** Everything that there was to write was tried: `view` and `unsupported` may have news. */
  onRound(): void
  /** False while more may be wanted of what is known already. */
  mayPrune(): boolean
  /** Reading failed, events were lost, an optional setting was refused. We go on; a person may want to know. */
  onWarning(what: string, reason: string): void
}

/** A new workload interface's routes are left alone for so long: the CNI plugin is ahead of the datastore (Felix). */
const GRACE_MS = 10_000
/** Between two looks at what happened to tunnel devices: each of our own changes is an event too. */
const TUNNELS_GAP_MS = 20
/** The longest that we wait for the news of a device we made. */
const NEWS_MS = 1_000

export class Kernel {
  readonly routes: Reconciler<KernelRoute>
  readonly neighbors: Reconciler<Neighbor>
  readonly sysctls: Reconciler<Sysctl>
  readonly addresses: Reconciler<InterfaceAddress>
  readonly tunnels: Reconciler<KernelTunnel>
  readonly fdb: Reconciler<KernelFdbEntry>
  readonly nat: Nat
  readonly #options: KernelOptions
  readonly #ip: Program
  readonly #batch: Batch
  readonly #bridgeBatch: Batch
  readonly #links = new LinkTable()
  readonly #table: RouteTable
  readonly #routeKind: Routes
  readonly #connections: ConnectionTable
  readonly #tenants: Tenants
  readonly #neighborKind: Neighbors
  readonly #addressKind: Addresses
  readonly #tunnelKind: Tunnels
  readonly #fdbKind: Fdb
  /** Neighbours and routes. */
  readonly #ways: Reconcilable
  readonly #loop: Loop
  #monitor: Monitor | undefined
  #routeNews: RouteNews | undefined
  /** What waits for an interface to be told of as running, by its index. */
  readonly #awaited = new Map<number, () => void>()
  readonly #readUnderlay = latest(() => this.#underlay())

  constructor(options: KernelOptions) {
    const { clock, saved, settings, namespace, onWarning } = options
    const ownership: Ownership = { settings, owns: saved.owns }
    this.#options = options
    this.#ip = openIp(namespace)
    this.#batch = new Batch(this.#ip)
    const bridge = openBridge(namespace)
    this.#bridgeBatch = new Batch(bridge)
    this.#tunnelKind = new Tunnels({
      ip: this.#ip,
      ethtool: openProgram('ethtool', namespace),
      onMaking: (name) => this.#doubt([name], true),
      onMade: (index) => this.#told(index),
    })
    this.#fdbKind = new Fdb(bridge, this.#bridgeBatch)
    this.#neighborKind = new Neighbors(this.#ip, this.#batch, ownership)
    this.#addressKind = new Addresses(this.#ip, this.#batch, ownership)
    this.#table = openRouteTable({
      writer: options.routeWriter,
      ip: this.#ip,
      batch: this.#batch,
      namespace,
      onFallback: (reason) => onWarning('routes go by ip(8), since rtnetlink cannot be had', reason),
    })
    this.#routeKind = new Routes({
      table: this.#table,
      ownership,
      saved,
      graceOf: (device) => this.#graceOf(device),
      onForeign: () => this.#refreshUnderlay(),
    })
    this.#connections = openConnections(options.routeWriter, openProgram('conntrack', namespace), namespace)
    this.#tenants = new Tenants({
      routes: this.#routeKind,
      conntrack: new Conntrack({
        table: this.#connections,
        onWarning: (reason) => onWarning('connections of former pods stay', reason),
      }),
      isWorkloadDevice: (device) => isWorkloadDevice(device, ownership),
    })
    this.routes = new Reconciler<KernelRoute>(this.#tenants, clock, { onWritten: () => options.onWritten() })
    this.neighbors = new Reconciler<Neighbor>(this.#neighborKind, clock)
    this.sysctls = new Reconciler(
      new Sysctls({ onWarning, ...(options.procSys !== undefined && { root: options.procSys }) }),
      clock,
    )
    this.addresses = new Reconciler<InterfaceAddress>(this.#addressKind, clock)
    this.tunnels = new Reconciler<KernelTunnel>(this.#tunnelKind, clock)
    this.fdb = new Reconciler<KernelFdbEntry>(this.#fdbKind, clock)
    this.nat = new Nat({
      open: (name) => openProgram(name, namespace),
      clock,
      settings,
      resync: (which, gapMs) => this.#loop.resyncSoon(which, gapMs),
      onWarning,
    })
    const paced = (reconciler: Reconcilable): Paced => ({ reconciler, resyncMs: () => settings.resyncMs })
    const devices = [this.sysctls, this.addresses, this.tunnels, this.fdb].map(paced)
    // Rules before routes: a packet that takes a new route must find them. For a neighbour the kernel has it wait.
    this.#ways = abreast(this.neighbors, this.routes)
    this.#loop = new Loop([...devices, ...this.nat.paced, paced(this.#ways)], {
      clock,
      mayPrune: () => options.mayPrune(),
      onRound: () => this.#onRound(),
      onError: (error) => onWarning('reading the kernel', (error as Error).message),
    })
  }

  /** Follows the kernel and reads everything once. Rejects when ip(8) cannot be used. */
  async start(): Promise<void> {
    const handlers: MonitorHandlers = {
      onEvent: (event) => this.#event(event),
      onLost: (reason) => this.#lost(reason),
    }
    this.#routeNews = this.#table.watch?.(handlers)
    const others: readonly Watched[] = ['address', 'neigh']
    this.#monitor = openMonitor(this.#ip, this.#routeNews ? others : ['link', 'route', ...others], handlers)
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

  /** How much waits to be written. */
  get backlog(): number {
    return this.#loop.backlog
  }

  /** Every kind, for people who ask. */
  views(): readonly ReconcilerView[] {
    const { routes, tunnels, neighbors, fdb, addresses, sysctls } = this
    const { sets, members, chains } = this.nat
    const all = [routes, tunnels, neighbors, fdb, addresses, sets, members, chains, sysctls]
    return all.map((one) => one.view())
  }

  /** How long the round under way has been going on, in milliseconds. Many seconds: a program does not answer. */
  get roundMs(): number {
    const { clock } = this.#options
    return clock.now() - (this.#loop.roundSince ?? clock.now())
  }

  /** The kinds of tunnel devices that the kernel would not make when it was last asked. */
  get unsupported(): ReadonlySet<TunnelKind> {
    return this.#tunnelKind.unsupported()
  }

  /** Every tunnel device is as wanted, or the kernel has said why it cannot be. */
  get hasTriedTunnels(): boolean {
    const { wanted, inForce, refused } = this.tunnels.view()
    return wanted === inForce + refused.length
  }

  /** Leaves the kernel as it is. */
  async stop(): Promise<void> {
    await Promise.all([this.#monitor?.close(), this.#routeNews?.close()])
    await this.#loop.stop()
    this.nat.close()
    this.#connections.close()
    await Promise.all([this.#table.close(), this.#batch.close(), this.#bridgeBatch.close()])
  }

  #onRound(): void {
    void this.nat.watch()
    this.#options.onRound()
  }

  #graceOf(device: string): number {
    const { clock, isInformed } = this.#options
    // An interface that we have not heard of is as new as can be: its route was told of before it was.
    const since = isInformed() ? this.#links.since(device) : undefined
    return (since ?? clock.now()) + GRACE_MS
  }

  #event(event: KernelEvent): void {
    if (event.kind !== 'route' && event.kind !== 'link') this.#routeNews?.catchUp() // of what happened before it
    if (event.kind === 'link') this.#link(event)
    if (event.kind === 'address') this.#address(event)
    if (event.kind === 'route') this.#route(event)
    if (event.kind === 'fdb') this.#saw(this.fdb, this.#fdbKind.event(event.entry, event.deleted))
    if (event.kind === 'neighbor') {
      this.#saw(this.neighbors, this.#neighborKind.event(event.neighbor, event.deleted))
    }
  }

  #route({ route, deleted }: Extract<KernelEvent, { kind: 'route' }>): void {
    const seen = this.#routeKind.event(route, deleted)
    if (seen?.item) this.#tenants.saw(seen.item)
    this.#saw(this.routes, seen)
  }

  #saw<T>(reconciler: Reconciler<T>, seen: Seen<T> | undefined): void {
    if (!seen) return
    reconciler.saw(seen.key, seen.item)
    this.#loop.nudge()
  }

  #link(event: LinkEvent): void {
    const { index, name, deleted, up, running, mtu } = event
    this.#touchTunnel(name)
    const hasOtherMtu = this.#links.mtu(index) !== mtu
    const changed = deleted ? this.#links.delete(index) : this.#links.set(event, this.#options.clock.now())
    if (changed.length > 0 && (deleted || !up)) this.#routeKind.deviceDown(name)
    if (deleted) this.#tenants.deviceGone(name)
    this.#doubt(changed)
    if (running) this.#awaited.get(index)?.()
    // The plan speaks first: what we wrote before it does would only be refused.
    if (changed.length > 0 || hasOtherMtu) this.#refreshUnderlay()
  }

  #address(event: AddressEvent): void {
    const { deleted, device, address } = event
    this.#touchTunnel(device)
    this.#saw(this.addresses, this.#addressKind.event(event))
    if (deleted && familyOf(address.address) === 'ipv4') this.#lostAddress(device)
    this.#refreshUnderlay()
  }

  /** IPv4 routes with this source address went with it, and if it was the interface's last, all through it: without a word. */
  #lostAddress(device: string): void {
    this.#loop.resyncSoon()
    if (isTunnelName(device)) this.#loop.resyncSoon([this.#ways], TUNNELS_GAP_MS)
  }

  /** Something happened to this interface. If it is a tunnel of ours, what, we have to look up. */
  #touchTunnel(device: string): void {
    if (isTunnelName(device)) this.#loop.resyncSoon([this.tunnels], TUNNELS_GAP_MS)
  }

  /**
   * Resolves when the monitor has told that this interface is running, and so of all that went with the one before it:
   * heard later, that would look as if someone had removed what we have written since.
   */
  #told(index: number): Promise<void> {
    if (this.#links.isRunning(index)) return Promise.resolve()
    return new Promise((resolve) => {
      const done = (): void => {
        cancel()
        this.#awaited.delete(index)
        resolve()
      }
      const cancel = this.#options.clock.after(NEWS_MS, done)
      this.#awaited.set(index, done)
    })
  }

  #lost(reason: string): void {
    this.#options.onWarning('events of the kernel may be lost', reason)
    this.#loop.resyncSoon()
    this.#refreshUnderlay()
  }

  #doubt(devices: readonly string[], ours = false): void {
    if (devices.length === 0) return
    for (const batch of [this.#batch, this.#bridgeBatch]) batch.renew(devices)
    for (const device of devices) {
      for (const kind of [this.sysctls, this.addresses, this.neighbors, this.fdb, this.routes])
        kind.doubt(device, ours)
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
