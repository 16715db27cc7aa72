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
import { Intake } from './agent/intake.ts'
import { type KubernetesPart, kubernetesPart } from './agent/kubernetes.ts'
import { LiveSettings } from './agent/live-settings.ts'
import { mtuFile } from './agent/mtu-file.ts'
import { logDeletion, logProblems } from './agent/news.ts'
import { nodeReport, type Reported } from './agent/node-report.ts'
import { NodeStatuses } from './agent/node-statuses.ts'
import { Observers } from './agent/observers.ts'
import { Peering } from './agent/peering.ts'
import { PoolClaims } from './agent/pool-claims.ts'
import { Recollection, remembering } from './agent/recollection.ts'
import { Restart } from './agent/restart.ts'
import { Services } from './agent/services.ts'
import {
  datastorePlace,
  datastoreSettings,
  kernelSettings,
  planSettings,
  stateFile,
} from './agent/settings.ts'
import { Startup } from './agent/startup.ts'
import { agentStatus } from './agent/status.ts'
import { TakeOver } from './agent/take-over.ts'
import { Transitions } from './agent/transitions.ts'
import { TunnelAddresses } from './agent/tunnel-addresses.ts'
import { exitCodeOf, refuseSettings } from './agent/unable.ts'
import { KernelWishes } from './agent/wishes.ts'
import type { Speaker } from './bgp/speaker.ts'
import type { AnyKind, Datastore } from './cluster/feed.ts'
import { type Change, ClusterView } from './cluster/view.ts'
import type { Environment, Settings } from './config/settings.ts'
import { version } from './config/version.ts'
import type { AgentStatus } from './edge/control/api.ts'
import { type ControlServer, serveControl } from './edge/control/server.ts'
import { openDatastore } from './edge/datastore/index.ts'
import { bootId, keptFile } from './edge/host/files.ts'
import { systemHost } from './edge/host/index.ts'
import { Kernel } from './edge/kernel/kernel.ts'
import { openSavedState } from './edge/kernel/saved-state.ts'
import { createLog, type Log } from './edge/observe/log.ts'
import { type SecretDirectory, secretDirectory } from './edge/secrets/directory.ts'
import { systemClock } from './edge/system-clock.ts'
import type { Prefix } from './inet/prefix.ts'
import type { TunnelKind } from './plan/encap/local.ts'
import { Plan } from './plan/plan.ts'

/** Routes that are planned in a row: a millisecond or two of work. */
const MOST_ROUTES = 512
/** What may wait for the kernel when peers may say more: enough for it to have something to do meanwhile. */
const BACKLOG = 512

const REFER_TO_SECRETS: ReadonlySet<AnyKind> = new Set(['BGPPeer', 'BGPConfiguration'])

/**
 * Runs until SIGTERM or SIGINT. Everything in the kernel stays as it is; `agent uninstall` is not this.
 * Returns the exit code, after which the process must end: one that could not start may be listening to the kernel.
 */
export async function runAgent(environment: Environment): Promise<number> {
  const signalled = new Promise<string>((resolve) => {
    // Not `once`: execa's own handler ends the process at once when it finds itself the only one left.
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => resolve(signal))
  })
  try {
    const agent = new Agent(environment)
    await agent.start()
    await agent.stop(await signalled)
    return 0
  } catch (error) {
    const code = exitCodeOf(error)
    if (code === undefined) throw error
    const log = createLog({ node: environment.NODENAME ?? '', level: 'error', destination: process.stdout })
    log.error({ reason: (error as Error).message }, 'the agent cannot run')
    return code
  }
}

class Agent {
  readonly #startedAt = Date.now()
  readonly #view = new ClusterView()
  readonly #live: LiveSettings
  readonly #log: Log
  readonly #plan: Plan
  readonly #secrets: SecretDirectory
  readonly #pools: PoolClaims
  readonly #takeOver: TakeOver
  readonly #kubernetes: KubernetesPart | undefined
  readonly #datastore: Datastore
  readonly #intake: Intake
  readonly #recollection: Recollection
  readonly #services: Services
  readonly #nodeStatuses: NodeStatuses
  readonly #startup: Startup
  readonly #recordMtu: (mtu: number) => void
  readonly #tunnelAddresses: TunnelAddresses
  readonly #transitions: Transitions
  readonly #restart: Restart
  readonly #kernel: Kernel
  readonly #kernelWishes: KernelWishes
  readonly #peering: Peering
  readonly #observers: Observers
  #unsupported: ReadonlySet<TunnelKind> = new Set()
  #control!: ControlServer
  #turnDue = false
  #stopped = false

  constructor(environment: Environment) {
    this.#live = new LiveSettings(environment, this.#view)
    const settings = this.#settings
    refuseSettings(this.#live.resolved)
    this.#log = createLog({ node: settings.nodename, level: settings.logLevel })
    this.#plan = new Plan(settings.nodename, planSettings(settings))
    this.#secrets = secretDirectory(settings.bgpSecrets, (ref, state) =>
      this.#input(() => this.#plan.secret(ref, state)),
    )
    this.#kubernetes = kubernetesPart({
      settings,
      clock: systemClock,
      now: Date.now,
      log: this.#log,
      isBegun: () => this.#isStarted,
      isWhole: () => this.#isRouted,
      watched: () => ({
        status: this.#status(),
        poolsNotInForce: this.#plan.poolsNotInForce,
        tunnelAddresses: this.#tunnelAddresses.warnings,
      }),
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
      onPartial: () => void this.#takeOver.begin(),
    })
    const memory = (subject: string, name: Parameters<typeof stateFile>[1]) => ({
      subject,
      file: keptFile(stateFile(settings, name)),
      stamp: {
        node: settings.nodename,
        datastore: datastorePlace(datastoreSettings(settings)),
        boot: bootId(),
      },
      clock: systemClock,
      now: Date.now,
      log: this.#log,
    })
    this.#recollection = new Recollection({
      sink: this.#intake,
      ...memory('datastore', 'caracal-cluster'),
    })
    const watchServices = this.#kubernetes?.watchServices
    this.#services = new Services({
      watch: watchServices && remembering(watchServices, memory('services', 'caracal-services')),
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
        const { speaker } = this.#peering
        const reported = this.#intake.isReady && speaker ? this.#reported(speaker) : undefined
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
    this.#restart = new Restart({
      clock: systemClock,
      announcedAll: () => this.#hasAnnouncedAll,
      heardAll: () => this.#peering.speaker?.heardAll ?? false,
      onAnnounced: () => this.#peering.step({ kind: 'restarted' }),
      onHeard: () => {
        this.#peering.step({ kind: 'heard-enough' })
        this.#input(() => this.#plan.forgetStale())
      },
    })
    const saved = openSavedState(stateFile(settings, 'caracal-routes'))
    this.#kernel = new Kernel({
      clock: systemClock,
      saved,
      settings: kernelSettings(() => this.#settings),
      procSys: settings.procSys,
      routeWriter: settings.routeWriter,
      isInformed: () => this.#intake.isReady,
      onUnderlay: (links, foreign) => {
        this.#startup.interfaces(links)
        this.#input(() => this.#plan.underlay(links, foreign))
        this.#peering.step({ kind: 'next-hops' }) // at once, so that the next best paths are in the same turn
      },
      mayPrune: () => !this.#plan.dirty,
      onWritten: () => this.#onWritten(),
      onRound: () => this.#onRound(),
      onWarning: (what, reason) => this.#log.warn({ what, reason }, 'kernel'),
    })
    this.#kernelWishes = new KernelWishes(this.#kernel)
    this.#pools = new PoolClaims({
      saved,
      current: () => this.#plan.facts.pools(),
      routes: () => this.#kernel.routes.actual(),
    })
    this.#takeOver = new TakeOver({
      kernel: this.#kernel,
      pools: this.#pools,
      plan: this.#plan,
      log: this.#log,
      onBegin: (adopted) => {
        this.#peering.open(adopted > 0) // peers may hold routes of ours from before when the kernel does
        this.#restart.begin()
        this.#turn()
      },
    })
    this.#peering = new Peering({
      plan: this.#plan,
      inForce: (route) => this.#kernel.routes.inForce(route),
      passwords: (ref) => this.#secrets.value(ref),
      clock: systemClock,
      random: Math.random,
      now: Date.now,
      log: this.#log,
      onBest: (changes) =>
        this.#input(() => {
          for (const change of changes) this.#plan.best(change)
        }),
      onHeard: () => this.#turnSoon(),
      mayRead: () => !this.#plan.dirty && this.#kernel.backlog < BACKLOG,
    })
    this.#observers = new Observers({
      settings: () => this.#settings,
      status: () => this.#status(),
      isCarriedOut: () => this.#isCarriedOut,
      kernel: this.#kernel,
      connections: () => this.#peering.attempts,
      contactsLost: () => this.#intake.contactsLost,
      events: () => this.#kubernetes?.events.counts ?? {},
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
          speaker: () => this.#peering.speaker,
          announces: (prefix) => this.#peering.announces(prefix),
          step: (event) => this.#peering.step(event),
          bfd: (peer) => this.#peering.bfd(peer),
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
    const parts = [this.#intake, this.#nodeStatuses, this.#startup, this.#tunnelAddresses, this.#transitions]
    for (const part of [...parts, this.#restart]) part.stop()
    this.#secrets.close()
    this.#observers.close()
    this.#log.info({ reason }, 'agent stops; routes stay')
    await Promise.all([
      this.#services.stop(),
      this.#peering.stop(),
      this.#recollection.stop(),
      this.#datastore.close(),
      this.#kubernetes?.stop(),
      this.#control.close(),
    ])
    await this.#kernel.stop()
  }

  // ---- what comes in

  #take(change: Change): void {
    logDeletion(change, this.#log)
    this.#transitions.changed(change)
    this.#startup.changed(change)
    this.#input(() => this.#plan.cluster(change))
    this.#tunnelAddresses.changed(change)
    this.#nodeStatuses.changed(change)
    if (REFER_TO_SECRETS.has(change.kind)) this.#secrets.follow(this.#plan.secretRefs)
    if (change.after?.kind === 'IPPool') this.#takeOver.claim(change.after.cidr)
    if (this.#live.changed(change)) this.#reconfigure()
  }

  #onWritten(): void {
    for (const { key } of this.#kernel.routes.takeInForce()) this.#peering.routeChanged(key as Prefix)
    this.#turnSoon()
  }

  #onRound(): void {
    this.#onWritten()
    this.#noteUnsupported()
    if (this.#intake.isWhole) this.#pools.release()
  }

  /** Pools that need a kind of tunnel device the kernel cannot make are not in force, and the plan says so. */
  #noteUnsupported(): void {
    const { unsupported } = this.#kernel
    if (unsupported.symmetricDifference(this.#unsupported).size === 0) return
    this.#unsupported = unsupported
    this.#plan.unsupported(unsupported)
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

  /** All is known: what nobody wants may go. */
  #carryOut(): void {
    const { isReady } = this.#intake
    this.#startup.allow(isReady)
    this.#tunnelAddresses.allow(isReady)
    if (!isReady) return
    void this.#takeOver.begin().then(() => this.#kernel.allowPrune())
  }

  #turn(): void {
    this.#turnDue = false
    logProblems(this.#view.problems, this.#log)
    if (this.#stopped) return
    this.#services.need(this.#plan.needsServices)
    if (!this.#peering.isOpen) return
    const changes = this.#plan.settle(MOST_ROUTES)
    if (this.#plan.dirty) this.#turnSoon()
    if (this.#intake.isReady) this.#recordMtu(this.#plan.podMtu)
    // Before the peers hear of it: the block of another node that becomes ours has a route in force, but not the one that
    // may be announced.
    this.#kernelWishes.want(changes)
    this.#peering.carry(changes)
    this.#kernel.changed()
    this.#tunnelAddresses.prepared()
    this.#restart.settle()
    this.#kubernetes?.settle()
    this.#peering.readOn()
  }

  /** All that is known has gone to the kernel and the peers. */
  get #isCarriedOut(): boolean {
    return !this.#turnDue && this.#peering.isOpen
  }

  /** All that is ours. What we pass on from others is for the speaker to wait for. */
  get #hasAnnouncedAll(): boolean {
    if (!this.#intake.isWhole || !this.#services.isSettled) return false
    return this.#peering.announcesAll
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
    this.#takeOver.doubt()
    this.#observers.reconfigure()
    this.#input(() => this.#plan.settings(planSettings(this.#settings)))
  }

  // ---- what is asked

  #reported({ rib }: Pick<Speaker, 'rib'>): Reported {
    return {
      status: this.#status(),
      reconfiguredAt: this.#peering.reconfiguredAt,
      now: Date.now(),
      routes: () => [...this.#plan.routes()].filter(({ prefix }) => this.#kernel.routes.inForce(prefix)),
      paths: () => rib.allPaths(),
    }
  }

  #status(): AgentStatus {
    return agentStatus({
      startedAt: this.#startedAt,
      live: this.#live,
      view: this.#view,
      intake: this.#intake,
      startup: this.#startup,
      services: this.#services,
      tunnelAddresses: this.#tunnelAddresses,
      plan: this.#plan,
      peering: this.#peering,
      kernel: this.#kernel,
    })
  }
}
