// The composition root: builds every edge, wires the flow, owns shutdown.
//
//   datastore ──▶ cluster view ──▶ plan ──▶ speaker ⇄ peers
//                                  │  ▲        │ best paths
//                                  │  └────────┘
//                                  ▼
//                             reconcilers ──▶ kernel ──events──▶ plan, reconcilers
//
// Inputs are noted as they come and settled together a moment later, in `#turn`.

import { hostname } from 'node:os'
import { join } from 'node:path'
import { answers } from './agent/answers.ts'
import { mtuFile } from './agent/mtu-file.ts'
import { datastoreSettings, kernelSettings, planSettings } from './agent/settings.ts'
import { Startup } from './agent/startup.ts'
import { Transitions } from './agent/transitions.ts'
import { TunnelAddresses } from './agent/tunnel-addresses.ts'
import type { SpeakerEvent } from './bgp/events.ts'
import { Speaker } from './bgp/speaker.ts'
import type { BestPathChange } from './bgp/types.ts'
import type { Datastore, Document, ResourceKind } from './cluster/feed.ts'
import type { FelixConfiguration } from './cluster/model.ts'
import { Problems } from './cluster/problems.ts'
import { type Change, ClusterView } from './cluster/view.ts'
import { type ResolvedSettings, resolveSettings } from './config/resolve.ts'
import type { Environment, Settings } from './config/settings.ts'
import { version } from './config/version.ts'
import type { AgentStatus, ConfigView, DatastoreStatus } from './edge/control/api.ts'
import { type ControlServer, serveControl } from './edge/control/server.ts'
import { bgpStatus, kernelStatus } from './edge/control/status.ts'
import { openDatastore } from './edge/datastore/index.ts'
import { recordedNodename } from './edge/host/files.ts'
import { systemHost } from './edge/host/index.ts'
import { kernelChain } from './edge/kernel/iptables-text.ts'
import { Kernel } from './edge/kernel/kernel.ts'
import { openSavedState, type SavedState } from './edge/kernel/saved-state.ts'
import { systemClock } from './edge/kernel/system-clock.ts'
import { createLog, type Log } from './edge/observe/log.ts'
import type { ListenPoint } from './edge/peers/listener.ts'
import { Runner } from './edge/peers/runner.ts'
import { type SecretDirectory, secretDirectory } from './edge/secrets/directory.ts'
import type { Family, ScopedAddress } from './inet/address.ts'
import { contains, type Prefix } from './inet/prefix.ts'
import { Announcements } from './plan/announcements.ts'
import type { TunnelKind } from './plan/encap/local.ts'
import { Plan, type PlanChanges } from './plan/plan.ts'
import type { LocalSpeaker } from './plan/plan-bgp.ts'
import type { Sysctl } from './plan/wanted.ts'

/**
 * A datastore may be reachable and yet not whole, because one file in it cannot be read. After so long we work with what
 * there is, and remove nothing.
 */
const PARTIAL_AFTER_MS = 5_000
/** The longest that routes of an earlier run wait for the peers that taught them (RFC 4724 §4.1, BIRD's 240 s halved). */
const RESTART_DEADLINE_MS = 120_000

/** Too many come and go in a large cluster to be worth a line each. */
const COME_WITH_PODS: ReadonlySet<ResourceKind> = new Set([
  'WorkloadEndpoint',
  'IPAMBlock',
  'BlockAffinity',
  'IPAMHandle',
])

const REFER_TO_SECRETS: ReadonlySet<ResourceKind> = new Set(['BGPPeer', 'BGPConfiguration'])

const FROZEN = 'datastoreReady is false: nothing of what the datastore says is carried out until it is true'
const WAITING = { unable: 'the datastore has not said yet who we are' }

/** Runs until SIGTERM or SIGINT. Everything in the kernel stays as it is; `agent uninstall` is not this. */
export async function runAgent(environment: Environment): Promise<void> {
  const agent = new Agent(environment)
  const signalled = new Promise<string>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve(signal))
  })
  await agent.start()
  await agent.stop(await signalled)
}

class Agent {
  readonly #startedAt = Date.now()
  readonly #environment: Environment
  /** Read once, so that a node keeps its name while it runs. */
  readonly #recordedNodename: string | undefined
  #resolved: ResolvedSettings
  readonly #log: Log
  readonly #problems = new Problems()
  readonly #view = new ClusterView(this.#problems)
  readonly #plan: Plan
  readonly #secrets: SecretDirectory
  readonly #saved: SavedState
  readonly #datastore: Datastore
  #datastoreState: Pick<DatastoreStatus, 'state' | 'since'>
  /** What changed while the datastore was said not to be ready. */
  readonly #held: Change[] = []
  readonly #startup: Startup
  readonly #recordMtu: (mtu: number) => void
  readonly #tunnelAddresses: TunnelAddresses
  readonly #transitions: Transitions
  readonly #announcements: Announcements
  #unsupported: ReadonlySet<TunnelKind> = new Set()
  #kernel!: Kernel
  #control!: ControlServer
  /** Both come when there is something to say: `#begin`. */
  #speaker: Speaker | undefined
  #peers: Runner | undefined
  /** Names of the sessions handed to the speaker, by peer address. */
  readonly #sessions = new Map<ScopedAddress, string>()
  /** The sysctls handed to the kernel, by scope. */
  readonly #sysctls = new Map<string, readonly Sysctl[]>()
  #begun: Promise<void> | undefined
  #turnDue = false
  #stopped = false
  /** Ends the two waits of a restart: for what we announce, and for what the peers do. */
  readonly #restart = { announced: false, heard: false, overdue: false }
  readonly #cancels: (() => void)[] = []

  constructor(environment: Environment) {
    this.#environment = environment
    this.#resolved = this.#resolve() // to know where the name is recorded
    this.#recordedNodename = recordedNodename(this.#settings.nodenameFile)
    this.#resolved = this.#resolve()
    const settings = this.#settings
    this.#log = createLog({ node: settings.nodename, level: settings.logLevel })
    this.#datastoreState = { state: 'waiting', since: this.#startedAt }
    this.#plan = new Plan(settings.nodename, planSettings(settings))
    this.#secrets = secretDirectory(settings.bgpSecrets, (ref, state) =>
      this.#input(() => this.#plan.secret(ref, state)),
    )
    this.#saved = openSavedState(join(settings.stateDir, 'caracal-routes'))
    this.#datastore = openDatastore(datastoreSettings(settings))
    this.#recordMtu = mtuFile(join(settings.stateDir, 'mtu'), this.#log)
    this.#startup = new Startup({
      datastore: this.#datastore,
      settings: () => this.#resolved,
      host: systemHost,
      clock: systemClock,
      log: this.#log,
    })
    this.#tunnelAddresses = new TunnelAddresses({
      datastore: this.#datastore,
      view: this.#view,
      nodename: settings.nodename,
      usePodCidr: settings.usePodCidr,
      clock: systemClock,
      isPrepared: () => !this.#turnDue && this.#peers !== undefined && this.#kernel.hasTriedTunnels,
      now: () => BigInt(Date.now()) * 1_000_000n,
      log: this.#log,
    })
    this.#transitions = new Transitions({
      plan: this.#plan,
      clock: systemClock,
      onEnd: () => this.#turnSoon(),
    })
    this.#announcements = new Announcements({
      wanted: (prefix) => this.#plan.originations.get(prefix),
      needsNoRoute: (prefix) => this.#plan.needsNoRoute(prefix),
      inForce: (prefix) => this.#kernel.routes.inForce(prefix),
    })
  }

  /** Resolves when everything is under way; what is waited for shows in `agent status`. */
  async start(): Promise<void> {
    this.#kernel = new Kernel({
      clock: systemClock,
      saved: this.#saved,
      settings: kernelSettings(() => this.#settings),
      isInformed: () => this.#isReady,
      onUnderlay: (links, foreign) => {
        this.#startup.interfaces(links)
        this.#input(() => this.#plan.underlay(links, foreign))
        this.#peers?.step({ kind: 'next-hops' }) // at once, so that the next best paths are in the same turn
      },
      onRound: () => this.#onRound(),
      onWarning: (what, reason) => this.#log.warn({ what, reason }, 'kernel'),
    })
    await this.#kernel.start()
    this.#control = await serveControl(
      this.#settings.socket,
      {
        '/status': () => this.#status(),
        '/config': () => this.#config(),
        ...answers({
          plan: this.#plan,
          kernel: this.#kernel,
          speaker: () => this.#speaker,
          step: (event) => this.#peers?.step(event),
        }),
      },
      this.#log,
    )
    this.#log.info({ version, datastore: this.#settings.datastoreType }, 'agent started')
    this.#logSettings()
    this.#datastore.watch({
      set: (document) => this.#onDocument(document),
      delete: (id) => this.#input(() => this.#onChanges(this.#view.remove(id))),
      inSync: (inSync) => this.#onInSync(inSync),
      problem: (problem) => this.#input(() => this.#problems.add(problem)),
      healed: (subject) => this.#input(() => this.#problems.replace(subject, [])),
    })
  }

  /** Routes and interfaces stay, and the peers are left in such a way that they keep our routes. */
  async stop(reason: string): Promise<void> {
    this.#stopped = true
    for (const cancel of this.#cancels) cancel()
    this.#startup.stop()
    this.#tunnelAddresses.stop()
    this.#transitions.stop()
    this.#secrets.close()
    this.#log.info({ reason }, 'agent stops; routes stay')
    await Promise.all([this.#peers?.stop(), this.#datastore.close(), this.#control.close()])
    await this.#kernel.stop()
  }

  // ---- what comes in

  #onDocument(document: Document): void {
    if (this.#datastoreState.state === 'waiting') {
      this.#datastoreTo('synchronising')
      this.#cancels.push(systemClock.after(PARTIAL_AFTER_MS, () => this.#frozen || void this.#begin()))
    }
    this.#input(() => this.#onChanges(this.#view.apply(document)))
  }

  #onChanges(changes: readonly Change[]): void {
    for (const change of changes) {
      if (change.kind === 'ClusterInformation') this.#onReadiness()
      else if (this.#frozen) this.#held.push(change)
      else this.#take(change)
    }
  }

  #take(change: Change): void {
    if (!change.after) this.#logDeletion(change)
    this.#transitions.changed(change)
    this.#input(() => this.#plan.cluster(change))
    this.#tunnelAddresses.changed(change)
    if (REFER_TO_SECRETS.has(change.kind)) this.#secrets.follow(this.#plan.secretRefs)
    if (change.after?.kind === 'IPPool') this.#claim(change.after.cidr)
    if (shapesSettings(change, this.#settings.nodename)) this.#reconfigure()
  }

  #onInSync(inSync: boolean): void {
    this.#datastoreTo(inSync ? 'in-sync' : 'waiting')
    this.#carryOut()
  }

  /** While the data is being moved to another datastore, every component is to stand still. */
  get #frozen(): boolean {
    return this.#view.get('ClusterInformation', 'default')?.datastoreReady === false
  }

  /** What the datastore says is all there is, and is to be carried out. */
  get #isReady(): boolean {
    return this.#datastoreState.state === 'in-sync' && !this.#frozen
  }

  #onReadiness(): void {
    if (this.#frozen) {
      this.#carryOut()
      this.#log.warn({ subject: 'ClusterInformation/default' }, FROZEN)
      return
    }
    for (const change of this.#held.splice(0)) this.#take(change)
    this.#carryOut()
  }

  #onBest(changes: readonly BestPathChange[]): void {
    this.#input(() => {
      for (const change of changes) this.#plan.best(change)
    })
  }

  #onRound(): void {
    const changes = this.#kernel.routes.takeInForce()
    for (const { key } of changes) this.#announcements.touch(key as Prefix)
    this.#noteUnsupported()
    if (this.#datastoreState.state === 'in-sync') this.#releasePools()
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

  #datastoreTo(state: DatastoreStatus['state']): void {
    if (this.#datastoreState.state === state) return
    this.#datastoreState = { state, since: Date.now() }
    this.#log.info({ state }, 'datastore')
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
    this.#startup.allow(this.#isReady)
    this.#tunnelAddresses.allow(this.#isReady)
    if (!this.#isReady) return
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
    this.#cancels.push(systemClock.after(RESTART_DEADLINE_MS, () => this.#restartOverdue()))
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
    if (!this.#peers || !this.#speaker || this.#stopped) return
    const changes = this.#plan.settle()
    if (this.#isReady) this.#recordMtu(this.#plan.podMtu)
    const isNews = this.#tellKernel(changes)
    this.#carryToPeers(changes, this.#peers)
    if (isNews) this.#kernel.changed()
    this.#tunnelAddresses.prepared()
    this.#finishRestart(this.#peers, this.#speaker)
  }

  /** Before anything is written, so that what is to be torn down in the kernel has been withdrawn. */
  #carryToPeers({ peers, originations, exports }: PlanChanges, runner: Runner): void {
    const { speaker } = this.#plan
    if (peers.size > 0) runner.step(this.#sessionEvent(peers)) // known, and protected, before they can come in
    runner.listen('unable' in speaker ? [] : listenPoints(speaker))
    for (const prefix of originations.keys()) this.#announcements.touch(prefix)
    const { set, withdraw } = this.#announcements.settle()
    if (set.length + withdraw.length > 0) runner.step({ kind: 'originate', set, withdraw })
    if (exports.size > 0) runner.step({ kind: 'refresh-out' })
  }

  /**
   * Before the peers hear of it: the block of another node that becomes ours has a route in force, but not the one that
   * may be announced. True when there is something to write.
   */
  #tellKernel(changes: PlanChanges): boolean {
    const { tunnels, fdb, routes, neighbors, sysctls, sets, setMembers, chains } = changes
    const kernel = this.#kernel
    for (const [name, tunnel] of tunnels) kernel.tunnels.want(name, tunnel)
    for (const [key, entry] of fdb) kernel.fdb.want(key, entry)
    for (const [name, set] of sets) kernel.nat.sets.want(name, set)
    for (const [key, member] of setMembers) kernel.nat.members.want(key, member)
    for (const [key, chain] of chains) kernel.nat.chains.want(key, chain && kernelChain(chain))
    for (const [prefix, route] of routes) kernel.routes.want(prefix, route)
    for (const [key, neighbor] of neighbors) kernel.neighbors.want(key, neighbor)
    for (const [scope, wanted] of sysctls) this.#wantSysctls(scope, wanted ?? [])
    const all = [tunnels, fdb, routes, neighbors, sysctls, sets, setMembers, chains]
    return all.some(({ size }) => size > 0)
  }

  #sessionEvent(peers: PlanChanges['peers']): SpeakerEvent {
    const remove: string[] = []
    for (const [address, config] of peers) {
      const before = this.#sessions.get(address)
      if (before !== undefined && before !== config?.name) remove.push(before)
      if (config) this.#sessions.set(address, config.name)
      else this.#sessions.delete(address)
    }
    const set = [...peers.values()].filter((config) => config !== undefined)
    return { kind: 'peers', set, remove }
  }

  #wantSysctls(scope: string, wanted: readonly Sysctl[]): void {
    const { sysctls } = this.#kernel
    const kept = new Set(wanted.map(({ path }) => path))
    for (const { path } of this.#sysctls.get(scope) ?? []) if (!kept.has(path)) sysctls.want(path, undefined)
    for (const sysctl of wanted) sysctls.want(sysctl.path, sysctl)
    this.#sysctls.set(scope, wanted)
  }

  /**
   * After a restart: tell the peers when all of ours is announced, and what we pass on from others too; and let go of the
   * old routes when the peers have spoken.
   */
  #finishRestart(runner: Runner, speaker: Speaker): void {
    const { announced, heard, overdue } = this.#restart
    if (announced && heard) return
    const allAnnounced = [...this.#plan.originations.keys()].every((prefix) =>
      this.#announcements.has(prefix),
    )
    const allTold = allAnnounced && (speaker.caughtUp || overdue)
    if (!announced && this.#datastoreState.state === 'in-sync' && allTold) {
      this.#restart.announced = true
      runner.step({ kind: 'restarted' })
    }
    if (this.#restart.announced && speaker.heardAll) this.#heardEnough()
  }

  /** Some peer stays away. */
  #restartOverdue(): void {
    this.#restart.overdue = true
    this.#heardEnough()
  }

  #heardEnough(): void {
    if (this.#restart.heard) return
    this.#restart.heard = true
    this.#input(() => this.#plan.forgetStale())
  }

  // ---- settings

  get #settings(): Settings {
    return this.#resolved.values
  }

  #resolve(): ResolvedSettings {
    return resolveSettings({
      environment: this.#environment,
      hostname: hostname(),
      recordedNodename: this.#recordedNodename,
      felixConfigurations: [...this.#view.all('FelixConfiguration')].filter((c) => this.#applies(c)),
    })
  }

  #applies({ name, nodeSelector }: FelixConfiguration): boolean {
    if (name === 'default' || name.startsWith('node.')) return true
    const node = this.#plan.facts.node
    return nodeSelector !== undefined && node !== undefined && nodeSelector.matches(node.labels)
  }

  #reconfigure(): void {
    const before = this.#resolved
    this.#resolved = this.#resolve()
    if (JSON.stringify(before) === JSON.stringify(this.#resolved)) return
    this.#log.level = this.#settings.logLevel
    this.#logSettings()
    this.#kernel.nat.reconfigure()
    this.#input(() => this.#plan.settings(planSettings(this.#settings)))
  }

  #logDeletion({ kind, key }: Change): void {
    this.#log[COME_WITH_PODS.has(kind) ? 'debug' : 'info']({ subject: key }, 'deleted from the datastore')
  }

  #logProblems(): void {
    const { begun, healed } = this.#problems.news()
    for (const problem of begun) this.#log.warn(problem, 'datastore')
    for (const subject of healed) this.#log.info({ subject }, 'datastore healed')
  }

  #logSettings(): void {
    const { problems, unknown } = this.#resolved
    for (const problem of problems) this.#log.warn(problem, 'setting')
    if (unknown.length > 0) this.#log.warn({ unknown }, 'variables that are no settings')
  }

  // ---- what is asked

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
        ...this.#datastoreState,
        problems: this.#problems.list(),
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
      warnings: [
        ...(this.#frozen ? [`ClusterInformation default: ${FROZEN}`] : []),
        ...startup.warnings,
        ...this.#tunnelAddresses.warnings,
        ...this.#plan.warnings,
        ...this.#resolved.problems.map(({ subject, message }) => `${subject}: ${message}`),
        ...this.#resolved.unknown.map((name) => `${name} is no setting of this agent`),
      ],
    }
  }

  #config(): ConfigView {
    const { sources, problems, unknown, unused } = this.#resolved
    return { settings: sources, problems, unknown, unused }
  }
}

/** Changes after which the settings have to be resolved again: configurations, and the labels that select them. */
function shapesSettings({ before, after }: Change, self: string): boolean {
  return [before, after].some(
    (r) => r?.kind === 'FelixConfiguration' || (r?.kind === 'Node' && r.name === self),
  )
}

function listenPoints({ addresses, port, bind }: LocalSpeaker): ListenPoint[] {
  return (Object.keys(addresses) as Family[]).map((family) => {
    const address = bind?.[family]
    return { family, port, ...(address && { address }) }
  })
}
