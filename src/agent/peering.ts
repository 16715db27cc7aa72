// The side of the agent that faces the peers: the speaker, its connections, what may be announced to them, and the paths
// that BFD watches. It is there from the start, speaks once it is opened, and has restarted when each peer has been heard.

import type { BfdView } from '../bfd/view.ts'
import type { SpeakerEvent } from '../bgp/events.ts'
import { Speaker } from '../bgp/speaker.ts'
import type { BestPathChange } from '../bgp/types.ts'
import { Bfd } from '../edge/bfd/bfd.ts'
import type { BgpStatus } from '../edge/control/api.ts'
import { bgpStatus } from '../edge/control/status.ts'
import type { Log } from '../edge/observe/log.ts'
import type { Passwords } from '../edge/peers/guard.ts'
import { Runner } from '../edge/peers/runner.ts'
import type { Prefix } from '../inet/prefix.ts'
import { Announcements } from '../plan/announcements.ts'
import type { Plan, PlanChanges } from '../plan/plan.ts'
import type { TimerClock } from '../reconcile/clock.ts'
import { Restart } from './restart.ts'
import { listenPoints, peersEvent, watchPaths } from './wishes.ts'

export interface PeeringOptions {
  readonly plan: Plan
  /** True when the kernel holds our route to this destination. */
  readonly inForce: (route: Prefix) => boolean
  readonly passwords: Passwords
  readonly clock: TimerClock
  readonly random: () => number
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly log: Log
  /** The paths in use to these destinations are others now. */
  onBest(changes: readonly BestPathChange[]): void
  /** Whether what came of what peers said has been carried out so far that they may say more. */
  readonly mayRead: () => boolean
  /** Whether all is known that is to be announced of our own accord. */
  isAllKnown(): boolean
  /** A peer has said all it had to say. */
  onHeard(): void
  /** Each peer has, or is not waited for any longer: routes that none has taught again may go. */
  onRestarted(): void
}

const WAITING = { unable: 'the datastore has not said yet who we are' }

export class Peering {
  readonly #options: PeeringOptions
  readonly #announcements: Announcements
  readonly #bfd: Bfd
  readonly #restart: Restart
  #reconfiguredAt: number
  #opened: { readonly speaker: Speaker; readonly runner: Runner } | undefined

  constructor(options: PeeringOptions) {
    const { plan, inForce, log, clock, isAllKnown, onRestarted } = options
    this.#options = options
    this.#reconfiguredAt = options.now()
    this.#announcements = new Announcements({
      wanted: (prefix) => plan.originations.get(prefix),
      leansOn: (prefix) => plan.leansOn(prefix),
      inForce,
    })
    this.#bfd = new Bfd({ log, clock, onDown: (peer) => this.step({ kind: 'path-down', peer }) })
    this.#restart = new Restart({
      clock,
      announcedAll: () => isAllKnown() && this.#announcesAll,
      heardAll: () => this.speaker?.heardAll ?? false,
      onAnnounced: () => this.step({ kind: 'restarted' }),
      onHeard: () => {
        this.step({ kind: 'heard-enough' })
        onRestarted()
      },
    })
  }

  /** `restarting`: peers may hold routes of ours from before. */
  open(restarting: boolean): void {
    const { plan, random, log, passwords, onBest, onHeard, mayRead } = this.#options
    const speaker = new Speaker({
      random,
      restarting,
      advertise: ({ prefix }) => plan.advertise(prefix),
      reach: (nextHop) => plan.reach(nextHop),
    })
    this.#opened = { speaker, runner: new Runner({ speaker, log, passwords, onBest, onHeard, mayRead }) }
    this.#restart.begin()
  }

  async stop(): Promise<void> {
    this.#restart.stop()
    await Promise.all([this.#bfd.stop(), this.#opened?.runner.stop()])
  }

  /** Nothing comes of it before we speak. */
  step(event: SpeakerEvent): void {
    this.#opened?.runner.step(event)
  }

  /** `mayRead` may have another answer. */
  readOn(): void {
    this.#opened?.runner.readOn()
  }

  /** Before anything is written, so that what is to be torn down in the kernel has been withdrawn. */
  carry({ peers, originations, leanings, exports }: PlanChanges): void {
    const { plan, now } = this.#options
    if (peers.size > 0) {
      this.#reconfiguredAt = now()
      const event = peersEvent(peers, (at) => plan.facts.isClusteredWith(at))
      this.step(event) // known, and protected, before they can come in
      watchPaths(event, this.#bfd)
      this.step({ kind: 'next-hops' }) // a peer's gateway may be another
    }
    this.#opened?.runner.listen(listenPoints(plan.speaker))
    for (const prefix of [...originations.keys(), ...leanings]) this.#announcements.touch(prefix)
    const { set, withdraw } = this.#announcements.settle()
    if (set.length + withdraw.length > 0) this.step({ kind: 'originate', set, withdraw })
    if (exports.size > 0) this.step({ kind: 'refresh-out' })
  }

  /** Looks whether all has been announced or heard that was waited for. */
  settle(): void {
    this.#restart.settle()
  }

  /** The kernel holds our route to this destination now, or does not any more. */
  routeChanged(route: Prefix): void {
    for (const prefix of this.#options.plan.leaningOn(route)) this.#announcements.touch(prefix)
  }

  get isOpen(): boolean {
    return this.#opened !== undefined
  }

  /** Nothing is waited for any longer. */
  get hasRestarted(): boolean {
    return this.#restart.isOver
  }

  get speaker(): Speaker | undefined {
    return this.#opened?.speaker
  }

  /** When the sessions that are wanted last changed, in milliseconds since 1970. */
  get reconfiguredAt(): number {
    return this.#reconfiguredAt
  }

  announces(prefix: Prefix): boolean {
    return this.#announcements.has(prefix)
  }

  /** Undefined: no path to this peer is watched. */
  bfd(peer: string): BfdView | undefined {
    return this.#bfd.view(peer)
  }

  /** Connections since the start, by what became of them. */
  get attempts(): Readonly<Record<string, number>> {
    return this.#opened?.runner.attempts ?? {}
  }

  /** `backend`: CALICO_NETWORKING_BACKEND. */
  status(backend: string): BgpStatus {
    const { plan } = this.#options
    if (!this.#opened) return bgpStatus(WAITING, backend, [], { refused: {}, dropped: {} }, [])
    const { speaker, runner } = this.#opened
    return bgpStatus(plan.speaker, backend, runner.listening, runner, speaker.peers())
  }

  /** Nothing of ours waits for its route. What we pass on from others is for the speaker to wait for. */
  get #announcesAll(): boolean {
    return [...this.#options.plan.originations.keys()].every((prefix) => this.#announcements.has(prefix))
  }
}
