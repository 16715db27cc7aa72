// The composition root: builds every edge, wires the flow, owns shutdown.
//
//   datastore ──▶ cluster view ──▶ plan ──▶ speaker ⇄ peers
//                                  │  ▲        │ best paths
//                                  │  └────────┘
//                                  ▼
//                             reconcilers ──▶ kernel ──events──▶ plan, reconcilers
//
// Each side of it is a part in `agent/`; here they are put together, and told of each other.

import { Dataplane } from './agent/dataplane.ts'
import { type Feeds, openFeeds } from './agent/feeds.ts'
import { type KubernetesPart, kubernetesPart } from './agent/kubernetes.ts'
import { LiveSettings } from './agent/live-settings.ts'
import { logDeletion, logProblems } from './agent/news.ts'
import { Observers } from './agent/observers.ts'
import { type OwnResources, ownResources } from './agent/own-resources.ts'
import { Peering } from './agent/peering.ts'
import { datastoreSettings, planSettings } from './agent/settings.ts'
import { Transitions } from './agent/transitions.ts'
import { Turns } from './agent/turns.ts'
import { exitCodeOf, refuseSettings } from './agent/unable.ts'
import type { AnyKind } from './cluster/feed.ts'
import { type Change, ClusterView } from './cluster/view.ts'
import type { Environment, Settings } from './config/settings.ts'
import { version } from './config/version.ts'
import { openDatastore } from './edge/datastore/index.ts'
import { keepHeapSmall } from './edge/idle-heap.ts'
import { createLog, type Log } from './edge/observe/log.ts'
import { type SecretDirectory, secretDirectory } from './edge/secrets/directory.ts'
import { systemClock } from './edge/system-clock.ts'
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
    keepHeapSmall()
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
  readonly #view = new ClusterView()
  readonly #turns = new Turns(() => this.#turn())
  readonly #live: LiveSettings
  readonly #log: Log
  readonly #plan: Plan
  readonly #secrets: SecretDirectory
  readonly #kubernetes: KubernetesPart | undefined
  readonly #feeds: Feeds
  readonly #own: OwnResources
  readonly #transitions: Transitions
  readonly #dataplane: Dataplane
  readonly #peering: Peering
  readonly #observers: Observers
  #stopped = false

  constructor(environment: Environment) {
    this.#live = new LiveSettings(environment, this.#view)
    const settings = this.#settings
    refuseSettings(this.#live.resolved)
    const view = this.#view
    const turns = this.#turns
    const plan = new Plan(settings.nodename, planSettings(settings))
    const log = createLog({ node: settings.nodename, level: settings.logLevel })
    const world = { clock: systemClock, random: Math.random, now: Date.now, log }
    this.#plan = plan
    this.#log = log
    this.#secrets = secretDirectory(settings.bgpSecrets, (ref, state) =>
      turns.note(() => plan.secret(ref, state)),
    )
    this.#kubernetes = kubernetesPart({
      ...world,
      settings,
      isBegun: () => this.#isStarted,
      isWhole: () => this.#isRouted,
      watched: () => ({
        status: this.#observers.status(),
        poolsNotInForce: plan.poolsNotInForce,
        tunnelAddresses: this.#own.tunnelAddresses.warnings,
      }),
    })
    const datastore = openDatastore(datastoreSettings(settings), this.#kubernetes?.client)
    this.#feeds = openFeeds({
      ...world,
      settings,
      datastore,
      watchServices: this.#kubernetes?.watchServices,
      view,
      onChange: (change) => this.#take(change),
      onInput: () => turns.soon(),
      onState: () => this.#carryOut(),
      onPartial: () => void this.#dataplane.begin(),
    })
    this.#own = ownResources({
      ...world,
      datastore,
      view,
      live: this.#live,
      kubernetes: this.#kubernetes?.access,
      formerPools: () => plan.formerPools,
      isPrepared: () => this.#isCarriedOut && this.#dataplane.kernel.hasTriedTunnels,
      report: (classes) => this.#observers.report(classes),
      onRegistered: () => turns.soon(),
    })
    this.#transitions = new Transitions({
      ...world,
      plan,
      onEnd: () => turns.note(() => this.#own.tunnelAddresses.lookAgain()),
    })
    this.#dataplane = new Dataplane({
      ...world,
      settings: () => this.#settings,
      plan,
      isWhole: () => this.#feeds.intake.isWhole,
      isReady: () => this.#feeds.intake.isReady,
      onUnderlay: (links, foreign) => {
        this.#own.startup.interfaces(links)
        turns.note(() => plan.underlay(links, foreign))
        this.#peering.step({ kind: 'next-hops' }) // at once, so that the next best paths are in the same turn
      },
      onBegin: (adopted) => {
        this.#peering.open(adopted > 0) // peers may hold routes of ours from before when the kernel does
        turns.now()
      },
      onRoute: (destination) => this.#peering.routeChanged(destination),
      onWritten: () => turns.soon(),
    })
    this.#peering = new Peering({
      ...world,
      plan,
      inForce: (route) => this.#dataplane.kernel.routes.inForce(route),
      passwords: (ref) => this.#secrets.value(ref),
      onBest: (changes) =>
        turns.note(() => {
          for (const change of changes) plan.best(change)
        }),
      mayRead: () => !plan.dirty && this.#dataplane.kernel.backlog < BACKLOG,
      isAllKnown: () => this.#feeds.intake.isWhole && this.#feeds.services.isSettled,
      onHeard: () => turns.soon(),
      onRestarted: () => turns.note(() => plan.forgetStale()),
    })
    this.#observers = new Observers({
      ...world,
      live: this.#live,
      view,
      plan,
      feeds: this.#feeds,
      own: this.#own,
      peering: this.#peering,
      dataplane: this.#dataplane,
      isCarriedOut: () => this.#isCarriedOut,
      events: () => this.#kubernetes?.events.counts ?? {},
    })
  }

  /** Resolves when everything is under way; what is waited for shows in `agent status`. */
  async start(): Promise<void> {
    const log = this.#log
    this.#observers.reconfigure()
    await this.#dataplane.start()
    await this.#observers.open()
    log.info({ version, datastore: this.#settings.datastoreType }, 'agent started')
    this.#live.log(log)
    this.#kubernetes?.start()
    this.#feeds.start()
  }

  /** Routes and interfaces stay, and the peers are left in such a way that they keep our routes. */
  async stop(reason: string): Promise<void> {
    this.#stopped = true
    this.#own.stop()
    this.#transitions.stop()
    this.#secrets.close()
    this.#log.info({ reason }, 'agent stops; routes stay')
    await Promise.all([
      this.#feeds.stop(),
      this.#peering.stop(),
      this.#kubernetes?.stop(),
      this.#observers.close(),
    ])
    await this.#dataplane.stop()
  }

  // ---- what comes in

  #take(change: Change): void {
    logDeletion(change, this.#log)
    this.#transitions.changed(change)
    this.#turns.note(() => this.#plan.cluster(change))
    this.#own.changed(change)
    if (REFER_TO_SECRETS.has(change.kind)) this.#secrets.follow(this.#plan.secretRefs)
    this.#dataplane.changed(change)
    if (this.#live.changed(change)) this.#reconfigure()
  }

  /** The datastore may have become ready, or not be it any more. */
  #carryOut(): void {
    if (this.#stopped) return // what is still being written comes back as news
    const { isReady } = this.#feeds.intake
    this.#own.allow(isReady)
    if (isReady) void this.#dataplane.allowPrune()
  }

  #reconfigure(): void {
    this.#log.level = this.#settings.logLevel
    this.#live.log(this.#log)
    this.#dataplane.reconfigure()
    this.#observers.reconfigure()
    this.#turns.note(() => this.#plan.settings(planSettings(this.#settings)))
  }

  // ---- what follows from it

  #turn(): void {
    logProblems(this.#view.problems, this.#log)
    if (this.#stopped) return
    this.#feeds.services.need(this.#plan.needsServices)
    if (!this.#peering.isOpen) return
    const changes = this.#plan.settle(MOST_ROUTES)
    if (this.#plan.dirty) this.#turns.soon()
    // Before the peers hear of it: the block of another node that becomes ours has a route in force, but not the one that
    // may be announced.
    this.#dataplane.want(changes)
    this.#peering.carry(changes)
    this.#dataplane.write()
    this.#own.tunnelAddresses.prepared()
    this.#peering.settle()
    this.#kubernetes?.settle()
    this.#peering.readOn()
  }

  /** All that is known has gone to the kernel and the peers. */
  get #isCarriedOut(): boolean {
    return !this.#turns.isDue && this.#peering.isOpen
  }

  /** The datastore knows us, and we it. */
  get #isStarted(): boolean {
    return this.#feeds.intake.isReady && this.#own.startup.view().status.state === 'done'
  }

  /** Pods of this node can be reached, as far as that is ours. */
  get #isRouted(): boolean {
    return this.#isCarriedOut && this.#dataplane.hasAllRoutes && this.#peering.hasRestarted
  }

  get #settings(): Settings {
    return this.#live.values
  }
}
