// The composition root: builds every edge, wires the flow, owns shutdown.
//
//   datastore ──▶ cluster view ──▶ plan ──▶ speaker ⇄ peers
//                                  │  ▲        │ best paths
//                                  │  └────────┘
//                                  ▼
//                             reconcilers ──▶ kernel ──events──▶ plan, reconcilers
//
// Inputs are noted as they come and settled together a moment later, in `#turn`.

import { join } from 'node:path'
import { answers } from './agent/answers.ts'
import { Events } from './agent/events.ts'
import { Intake } from './agent/intake.ts'
import { type KubernetesPart, kubernetesPart } from './agent/kubernetes.ts'
import { LiveSettings } from './agent/live-settings.ts'
import { mtuFile } from './agent/mtu-file.ts'
import { nodeReport, type Reported } from './agent/node-report.ts'
import { NodeStatuses } from './agent/node-statuses.ts'
import { Observers } from './agent/observers.ts'
import { Recollection } from './agent/recollection.ts'
import { Restart } from './agent/restart.ts'
import { Services } from './agent/services.ts'
import {
  datastorePlace,
  datastoreSettings,
  hasKubernetes,
  kernelSettings,
  planSettings,
  stateFile,
} from './agent/settings.ts'
import { Startup } from './agent/startup.ts'
import { Transitions } from './agent/transitions.ts'
import { TunnelAddresses } from './agent/tunnel-addresses.ts'
import { KernelWishes, listenPoints, peersEvent, watchPaths } from './agent/wishes.ts'
import { Speaker } from './bgp/speaker.ts'
import type { BestPathChange } from './bgp/types.ts'
import type { AnyKind, Datastore } from './cluster/feed.ts'
import { type Change, ClusterView } from './cluster/view.ts'
import type { Environment, Settings } from './config/settings.ts'
import { version } from './config/version.ts'
import { Bfd } from './edge/bfd/bfd.ts'
import type { AgentStatus } from './edge/control/api.ts'
import { type ControlServer, serveControl } from './edge/control/server.ts'
import { bgpStatus, kernelStatus } from './edge/control/status.ts'
import { openDatastore } from './edge/datastore/index.ts'
import { eventWriter } from './edge/datastore/kubernetes/events.ts'
import { watchServices } from './edge/datastore/kubernetes/services.ts'
import { bootId, keptFile } from './edge/host/files.ts'
import { systemHost } from './edge/host/index.ts'
import { Kernel } from './edge/kernel/kernel.ts'
import { openSavedState, type SavedState } from './edge/kernel/saved-state.ts'
import { systemClock } from './edge/kernel/system-clock.ts'
import { createLog, type Log } from './edge/observe/log.ts'
import { Runner } from './edge/peers/runner.ts'
import { type SecretDirectory, secretDirectory } from './edge/secrets/directory.ts'
import { contains, type Prefix } from './inet/prefix.ts'
import { Announcements } from './plan/announcements.ts'
import type { TunnelKind } from './plan/encap/local.ts'
import { Plan, type PlanChanges } from './plan/plan.ts'

/** Too many come and go in a large cluster to be worth a line each. */
const COME_WITH_PODS: ReadonlySet<AnyKind> = new Set([
  'WorkloadEndpoint',
  'IPAMBlock',
  'BlockAffinity',
  'IPAMHandle',
  'Service',
  'EndpointSlice',
])

const REFER_TO_SECRETS: ReadonlySet<AnyKind> = new Set(['BGPPeer', 'BGPConfiguration'])

const WAITING = { unable: 'the datastore has not said yet who we are' }

/** Runs until SIGTERM or SIGINT. Everything in the kernel stays as it is; `agent uninstall` is not this. */
export async function runAgent(environment: Environment): Promise<void> {
  const agent = new Agent(environment)
  const signalled = new Promise<string>((resolve) => {
    // Not `once`: execa's own handler ends the process at once when it finds itself the only one left.
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => resolve(signal))
  })
  await agent.start()
  await agent.stop(await signalled)
}

class Agent {
  readonly #startedAt = Date.now()
  readonly #view = new ClusterView()
  readonly #live: LiveSettings
  readonly #log: Log
  readonly #plan: Plan
  readonly #secrets: SecretDirectory
  readonly #saved: SavedState
  readonly #kubernetes: KubernetesPart | undefined
  readonly #datastore: Datastore
  readonly #intake: Intake
  readonly #recollection: Recollection
  readonly #services: Services
  readonly #nodeStatuses: NodeStatuses
  readonly #events: Events | undefined
  readonly #startup: Startup
  readonly #recordMtu: (mtu: number) => void
  readonly #tunnelAddresses: TunnelAddresses
  readonly #transitions: Transitions
  readonly #announcements: Announcements
  readonly #restart: Restart
  readonly #kernel: Kernel
  readonly #kernelWishes: KernelWishes
  readonly #bfd: Bfd
  readonly #observers: Observers
  #unsupported: ReadonlySet<TunnelKind> = new Set()
  #control!: ControlServer
  /** Both come when there is something to say: `#begin`. */
  #speaker: Speaker | undefined
  #peers: Runner | undefined
  #begun: Promise<void> | undefined
  #turnDue = false
  /** When the sessions that are wanted last changed. */
  #reconfiguredAt = Date.now()
  #stopped = false

  constructor(environment: Environment) {
    this.#live = new LiveSettings(environment, this.#view)
    const settings = this.#settings
    this.#log = createLog({ node: settings.nodename, level: settings.logLevel })
    this.#plan = new Plan(settings.nodename, planSettings(settings))
    this.#secrets = secretDirectory(settings.bgpSecrets, (ref, state) =>
      this.#input(() => this.#plan.secret(ref, state)),
    )
    this.#saved = openSavedState(stateFile(settings, 'caracal-routes'))
    this.#kubernetes = kubernetesPart({
      settings,
      clock: systemClock,
      now: Date.now,
      log: this.#log,
      isBegun: () => this.#isStarted,
      isWhole: () => this.#isRouted,
    })
    this.#datastore = openDatastore(datastoreSettings(settings), this.#kubernetes?.client)
    this.#recordMtu = mtuFile(join(settings.stateDir, 'mtu'), this.#log)
    this.#intake = new Intake({
      view: this.#view,
      clock: systemClock,
      now: Date.now,
      log: this.#log,
      onChange: (change) => this.#take(change),
      onInput: () => this.#turnSoon(),
      onState: () => this.#carryOut(),
      onPartial: () => void this.#begin(),
    })
    this.#recollection = new Recollection({
      sink: this.#intake,
      stamp: {
        node: settings.nodename,
        datastore: datastorePlace(datastoreSettings(settings)),
        boot: bootId(),
      },
      file: keptFile(stateFile(settings, 'caracal-cluster')),
      clock: systemClock,
      now: Date.now,
      log: this.#log,
    })
    this.#services = new Services({
      watch: hasKubernetes(settings) ? (sink) => watchServices(datastoreSettings(settings), sink) : undefined,
      sink: this.#intake.beside,
      clock: systemClock,
      onSettled: () => this.#turnSoon(),
    })
    this.#nodeStatuses = new NodeStatuses({
      datastore: this.#datastore,
      nodename: settings.nodename,
      clock: systemClock,
      now: Date.now,
      log: this.#log,
      report: (classes) => {
        const reported = this.#intake.isReady && this.#speaker ? this.#reported(this.#speaker) : undefined
        return reported && nodeReport(classes, reported)
      },
    })
    this.#startup = new Startup({
      datastore: this.#datastore,
      settings: () => this.#live.resolved,
      host: systemHost,
      kubernetes: this.#kubernetes?.access,
      onDone: () => this.#turnSoon(),
      clock: systemClock,
      log: this.#log,
    })
    this.#tunnelAddresses = new TunnelAddresses({
      datastore: this.#datastore,
      view: this.#view,
      nodename: settings.nodename,
      usePodCidr: settings.usePodCidr,
      formerPools: () => this.#plan.formerPools,
      clock: systemClock,
      isPrepared: () => this.#isCarriedOut && this.#kernel.hasTriedTunnels,
      now: () => BigInt(Date.now()) * 1_000_000n,
      log: this.#log,
    })
    this.#transitions = new Transitions({
      plan: this.#plan,
      clock: systemClock,
      onEnd: () => this.#input(() => this.#tunnelAddresses.lookAgain()),
    })
    this.#announcements = new Announcements({
      wanted: (prefix) => this.#plan.originations.get(prefix),
      leansOn: (prefix) => this.#plan.leansOn(prefix),
      inForce: (route) => this.#kernel.routes.inForce(route),
    })
    this.#restart = new Restart({
      clock: systemClock,
      announcedAll: () => this.#hasAnnouncedAll,
      heardAll: () => this.#speaker?.heardAll ?? false,
      onAnnounced: () => this.#peers?.step({ kind: 'restarted' }),
      onHeard: () => {
        this.#peers?.step({ kind: 'heard-enough' })
        this.#input(() => this.#plan.forgetStale())
      },
    })
    this.#kernel = new Kernel({
      clock: systemClock,
      saved: this.#saved,
      settings: kernelSettings(() => this.#settings),
      routeWriter: settings.routeWriter,
      isInformed: () => this.#intake.isReady,
      onUnderlay: (links, foreign) => {
        this.#startup.interfaces(links)
        this.#input(() => this.#plan.underlay(links, foreign))
        this.#peers?.step({ kind: 'next-hops' }) // at once, so that the next best paths are in the same turn
      },
      onRound: () => this.#onRound(),
      onWarning: (what, reason) => this.#log.warn({ what, reason }, 'kernel'),
    })
    this.#kernelWishes = new KernelWishes(this.#kernel)
    this.#bfd = new Bfd({
      log: this.#log,
      clock: systemClock,
      onDown: (peer) => this.#peers?.step({ kind: 'path-down', peer }),
    })
    this.#events = hasKubernetes(settings) ? this.#openEvents() : undefined
    this.#observers = new Observers({
      settings: () => this.#settings,
      status: () => this.#status(),
      isCarriedOut: () => this.#isCarriedOut,
      kernel: this.#kernel,
      connections: () => this.#peers?.attempts ?? {},
      contactsLost: () => this.#intake.contactsLost,
      events: () => this.#events?.counts ?? {},
      now: Date.now,
      log: this.#log,
    })
  }

  /** Resolves when everything is under way; what is waited for shows in `agent status`. */
  async start(): Promise<void> {
    this.#observers.reconfigure()
    await this.#kernel.start()
    this.#control = await serveControl(
      this.#settings.socket,
      {
        '/status': () => this.#status(),
        '/config': () => this.#live.configView,
        ...answers({
          plan: this.#plan,
          kernel: this.#kernel,
          speaker: () => this.#speaker,
          announces: (prefix) => this.#announcements.has(prefix),
          step: (event) => this.#peers?.step(event),
          bfd: (peer) => this.#bfd.view(peer),
        }),
      },
      this.#log,
    )
    this.#log.info({ version, datastore: this.#settings.datastoreType }, 'agent started')
    this.#live.log(this.#log)
    this.#kubernetes?.start()
    this.#recollection.start()
    this.#datastore.watch(this.#recollection)
  }

  /** Routes and interfaces stay, and the peers are left in such a way that they keep our routes. */
  async stop(reason: string): Promise<void> {
    this.#stopped = true
    const parts = [
      this.#intake,
      this.#services,
      this.#nodeStatuses,
      this.#startup,
      this.#tunnelAddresses,
      this.#transitions,
    ]
    for (const part of [...parts, this.#restart]) part.stop()
    this.#events?.stop()
    this.#secrets.close()
    this.#observers.close()
    this.#log.info({ reason }, 'agent stops; routes stay')
    await Promise.all([
      this.#bfd.stop(),
      this.#peers?.stop(),
      this.#recollection.stop(),
      this.#datastore.close(),
      this.#kubernetes?.stop(),
      this.#control.close(),
    ])
    await this.#kernel.stop()
  }

  // ---- what comes in

  #take(change: Change): void {
    if (!change.after) this.#logDeletion(change)
    this.#transitions.changed(change)
    this.#startup.changed(change)
    this.#input(() => this.#plan.cluster(change))
    this.#tunnelAddresses.changed(change)
    this.#nodeStatuses.changed(change)
    if (REFER_TO_SECRETS.has(change.kind)) this.#secrets.follow(this.#plan.secretRefs)
    if (change.after?.kind === 'IPPool') this.#claim(change.after.cidr)
    if (this.#live.changed(change)) this.#reconfigure()
  }

  #onBest(changes: readonly BestPathChange[]): void {
    this.#input(() => {
      for (const change of changes) this.#plan.best(change)
    })
  }

  #onRound(): void {
    const changes = this.#kernel.routes.takeInForce()
    for (const { key } of changes)
      for (const prefix of this.#plan.leaningOn(key as Prefix)) this.#announcements.touch(prefix)
    this.#noteUnsupported()
    if (this.#intake.isWhole) this.#releasePools()
    this.#turnSoon()
  }

  /** Pools that need a kind of tunnel device the kernel cannot make are not in force, and the plan says so. */
  #noteUnsupported(): void {
    const { unsupported } = this.#kernel
    if (unsupported.symmetricDifference(this.#unsupported).size === 0) return
    this.#unsupported = unsupported
    this.#plan.unsupported(unsupported)
  }

  /** A pool that is gone stays ours to clean up until no route inside it is left. */
  #releasePools(): void {
    const current = new Set([...this.#plan.facts.pools()].map(({ cidr }) => cidr))
    const isUsed = (pool: Prefix) =>
      [...this.#kernel.routes.actual()].some(({ prefix }) => contains(pool, prefix))
    const former = this.#saved.pools().filter((pool) => !current.has(pool) && !isUsed(pool))
    if (former.length > 0) this.#saved.release('pool', former)
  }

  // ---- what follows from it

  #input(note: () => void): void {
    note()
    this.#turnSoon()
  }

  #turnSoon(): void {
    if (this.#turnDue) return
    this.#turnDue = true
    setImmediate(() => this.#turn())
  }

  /** Routes in a pool are ours even if another agent wrote them; once the pool is known, so are they. */
  #claim(pool: Prefix): void {
    const isNews = this.#saved.claim('pool', [pool])
    if (isNews && this.#begun) this.#reread()
  }

  /** All is known: what nobody wants may go. */
  #carryOut(): void {
    const { isReady } = this.#intake
    this.#startup.allow(isReady)
    this.#tunnelAddresses.allow(isReady)
    if (!isReady) return
    void this.#begin().then(() => this.#kernel.allowPrune())
  }

  /** From now on the plan is carried out. Resolves when the first of it has been handed on. */
  #begin(): Promise<void> {
    this.#begun ??= this.#takeOver()
    return this.#begun
  }

  async #takeOver(): Promise<void> {
    await this.#reread()
    const found = [...this.#kernel.routes.actual()]
    // Whatever metric they have: ours is put beside, and the old one goes when pruning is allowed.
    this.#plan.adopt(
      found.filter(({ protocol }) => protocol === 'bird').map(({ metric: _, ...route }) => route),
    )
    this.#log.info({ adopted: found.length }, 'carrying out the plan')
    this.#openPeers(found.length > 0)
    this.#restart.begin()
    this.#turn()
  }

  async #reread(): Promise<void> {
    await this.#kernel.reread().catch((err: Error) => this.#log.warn({ reason: err.message }, 'kernel'))
  }

  /** Peers may hold routes of ours from before when the kernel does. */
  #openPeers(restarting: boolean): void {
    this.#speaker = new Speaker({
      random: Math.random,
      restarting,
      advertise: ({ prefix }) => this.#plan.advertise(prefix),
      reach: (nextHop) => this.#plan.reach(nextHop),
    })
    this.#peers = new Runner({
      speaker: this.#speaker,
      log: this.#log,
      passwords: (ref) => this.#secrets.value(ref),
      onBest: (changes) => this.#onBest(changes),
      onHeard: () => this.#turnSoon(),
    })
  }

  #turn(): void {
    this.#turnDue = false
    this.#logProblems()
    if (this.#intake.isReady && !this.#stopped) this.#services.need(this.#plan.needsServices)
    if (!this.#peers || !this.#speaker || this.#stopped) return
    const changes = this.#plan.settle()
    if (this.#intake.isReady) this.#recordMtu(this.#plan.podMtu)
    // Before the peers hear of it: the block of another node that becomes ours has a route in force, but not the one that
    // may be announced.
    const isNews = this.#kernelWishes.want(changes)
    this.#carryToPeers(changes, this.#peers)
    if (isNews) this.#kernel.changed()
    this.#tunnelAddresses.prepared()
    this.#restart.settle()
    this.#kubernetes?.settle()
  }

  /** Before anything is written, so that what is to be torn down in the kernel has been withdrawn. */
  #carryToPeers({ peers, originations, leanings, exports }: PlanChanges, runner: Runner): void {
    if (peers.size > 0) {
      this.#reconfiguredAt = Date.now()
      const event = peersEvent(peers, (at) => this.#plan.facts.isClusteredWith(at))
      runner.step(event) // known, and protected, before they can come in
      watchPaths(event, this.#bfd)
      runner.step({ kind: 'next-hops' }) // a peer's gateway may be another
    }
    runner.listen(listenPoints(this.#plan.speaker))
    for (const prefix of [...originations.keys(), ...leanings]) this.#announcements.touch(prefix)
    const { set, withdraw } = this.#announcements.settle()
    if (set.length + withdraw.length > 0) runner.step({ kind: 'originate', set, withdraw })
    if (exports.size > 0) runner.step({ kind: 'refresh-out' })
  }

  /** All that is known has gone to the kernel and the peers. */
  get #isCarriedOut(): boolean {
    return !this.#turnDue && this.#peers !== undefined
  }

  /** All that is ours. What we pass on from others is for the speaker to wait for. */
  get #hasAnnouncedAll(): boolean {
    if (!this.#intake.isWhole || !this.#services.isSettled) return false
    return [...this.#plan.originations.keys()].every((prefix) => this.#announcements.has(prefix))
  }

  /** The datastore knows us, and we it. */
  get #isStarted(): boolean {
    return this.#intake.isReady && this.#startup.view().status.state === 'done'
  }

  /** Pods of this node can be reached, as far as that is ours. */
  get #isRouted(): boolean {
    const { wanted, inForce } = this.#kernel.routes.view()
    return this.#isCarriedOut && wanted === inForce && this.#restart.isOver
  }

  // ---- settings

  get #settings(): Settings {
    return this.#live.values
  }

  #reconfigure(): void {
    this.#log.level = this.#settings.logLevel
    this.#live.log(this.#log)
    this.#kernel.nat.reconfigure()
    this.#observers.reconfigure()
    this.#input(() => this.#plan.settings(planSettings(this.#settings)))
  }

  #logDeletion({ kind, key }: Change): void {
    this.#log[COME_WITH_PODS.has(kind) ? 'debug' : 'info']({ subject: key }, 'deleted from the datastore')
  }

  #logProblems(): void {
    const { begun, healed } = this.#view.problems.news()
    for (const problem of begun) this.#log.warn(problem, 'datastore')
    for (const subject of healed) this.#log.info({ subject }, 'datastore healed')
  }

  // ---- what is asked

  #openEvents(): Events {
    const { nodename, k8sNodeRef } = this.#settings
    return new Events({
      writer: eventWriter(datastoreSettings(this.#settings), k8sNodeRef ?? nodename),
      watched: () => ({
        status: this.#status(),
        poolsNotInForce: this.#plan.poolsNotInForce,
        tunnelAddresses: this.#tunnelAddresses.warnings,
      }),
      clock: systemClock,
      now: Date.now,
      log: this.#log,
    })
  }

  #reported({ rib }: Speaker): Reported {
    return {
      status: this.#status(),
      reconfiguredAt: this.#reconfiguredAt,
      now: Date.now(),
      routes: () =>
        [...this.#plan.routes.values()].filter(({ prefix }) => this.#kernel.routes.inForce(prefix)),
      paths: () => rib.allPaths(),
    }
  }

  #status(): AgentStatus {
    const { nodename, networkingBackend, datastoreType } = this.#settings
    const startup = this.#startup.view()
    return {
      node: nodename,
      version,
      pid: process.pid,
      startedAt: this.#startedAt,
      backend: networkingBackend,
      datastore: {
        type: datastoreType,
        ...this.#intake.state,
        problems: this.#view.problems.list(),
      },
      startup: startup.status,
      bgp: bgpStatus(
        this.#peers ? this.#plan.speaker : WAITING,
        networkingBackend,
        this.#peers?.listening ?? [],
        this.#peers ?? { refused: {}, dropped: {} },
        this.#speaker?.peers() ?? [],
      ),
      kernel: this.#kernel.views().map(kernelStatus),
      frozenPolicy: this.#kernel.nat.frozenPolicy,
      warnings: [
        ...this.#intake.warnings,
        ...startup.warnings,
        ...this.#services.warnings,
        ...this.#tunnelAddresses.warnings,
        ...this.#plan.warnings,
        ...this.#live.warnings,
      ],
    }
  }
}
