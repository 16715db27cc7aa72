// One peer: its connections, and when to make another. RFC 4271 §8.2.1.
//
//   start ──▶ a dial of ours, or the peer's ──▶ at most one connection Established
//     ▲                                               │
//     └──────── error wait, if it was one ◀── ended ──┘
//
// Each connection has a state machine of its own (fsm.ts); which of two stays is
// in collision.ts.

import type { Address } from '../../inet/address.ts'
import type { ConnectionId } from '../events.ts'
import type { PeerConfig, SessionState } from '../types.ts'
import type { Open, RouteRefresh, Update } from '../wire/message.ts'
import { adviceIn, adviceOn } from './advice.ts'
import { resolveCollision, type Verdict } from './collision.ts'
import { Connection, type Host, type Owner } from './connection.ts'
import { nextErrorWait } from './damping.ts'
import {
  ADMINISTRATIVE_RESET,
  BFD_DOWN,
  COLLISION,
  CONFIGURATION_CHANGED,
  type Failure,
  failureText,
  isProtocolError,
  RESTART,
  socketFailure,
} from './failure.ts'
import type { SessionEvent, State } from './fsm.ts'
import type { Negotiated, Past } from './open-check.ts'
import { type PeerTimer, runtime, TIMERS } from './timers.ts'

/** What a peer needs of the speaker, and tells it. */
export interface PeerHost extends Host {
  /** Milliseconds since the epoch. */
  now(): number
  /** What there was before this run of ours. */
  restart(): Past
  /** Events of the connection are for this peer, until it is released. */
  own(connection: ConnectionId, peer: Peer): void
  release(connection: ConnectionId): void
  up(peer: Peer, negotiated: Negotiated): void
  deliver(peer: Peer, message: Update | RouteRefresh): void
  down(peer: Peer, negotiated: Negotiated, failure: Failure): void
  /** No session came about. Called once for a row of equal failures. */
  failed(peer: Peer, reason: string): void
}

/** How far a connection has come; a peer shows the furthest of its own. */
const PROGRESS: readonly State[] = ['Active', 'Connect', 'OpenSent', 'OpenConfirm', 'Established']

export class Peer implements Owner {
  config: PeerConfig
  /** When the session came up or, without one, when that began. Milliseconds since the epoch. */
  since: number
  /** Why there is no session; undefined when there is one, or nothing went wrong yet. */
  lastError: string | undefined
  /** UPDATEs that RFC 7606 had to excuse. */
  faults = 0
  readonly #host: PeerHost
  readonly #connections = new Map<ConnectionId, Connection>()
  #dials = 0
  /** The dial that has been put off. */
  #putOff: ConnectionId | undefined
  /** Seconds of the last wait after an error; 0 when errors are forgotten. */
  #errorWait = 0
  /** In that wait, nothing is dialled or accepted. */
  #waiting = false
  #wasUp = false
  /** On `lastError`. */
  #advice: string | undefined
  #stopped = false

  constructor(config: PeerConfig, host: PeerHost) {
    this.config = config
    this.#host = host
    this.since = host.now()
  }

  get state(): SessionState {
    const furthest = PROGRESS.findLast((state) => this.#find((connection) => connection.state === state))
    return furthest ?? (this.config.passive && !this.#waiting && !this.config.held ? 'Passive' : 'Idle')
  }

  /** What to do about there being no session, where there is a guess. */
  get advice(): string | undefined {
    const now = adviceIn(this.state, this.config)
    // To wait is no fault; to be stuck says more than what went wrong before.
    return this.state === 'Passive' ? (this.#advice ?? now) : (now ?? this.#advice)
  }

  /** What the Established session came to. */
  get negotiated(): Negotiated | undefined {
    return this.#established()?.negotiated
  }

  /** Our end of the Established session. */
  get local(): Address | undefined {
    return this.#established()?.local
  }

  get past(): Past {
    const { restarting, forwarding } = this.#host.restart()
    return { restarting, forwarding: forwarding || this.#wasUp }
  }

  /** Dials, unless that is up to the peer, to be put off, or no longer needed. */
  start(): void {
    if (this.#stopped || this.#waiting) return
    if (this.config.held !== undefined) this.#tell(this.config.held)
    if (this.config.held !== undefined || this.config.passive) return
    if (this.#find(({ direction, passedOpen }) => direction === 'outgoing' || passedOpen)) return
    const id = `${this.config.name}#${++this.#dials}`
    this.#connect(id, 'outgoing').happen({ kind: 'start' })
  }

  /** Takes in a connection that the peer made, or closes it. False when closed. */
  accept(id: ConnectionId, local: Address): boolean {
    const other = this.#find(({ direction, state }) => direction === 'incoming' && state !== 'Established')
    if (this.#waiting || this.config.held !== undefined || other?.state === 'OpenConfirm') return false
    // One that has not even sent an OPEN is surely forgotten by who made it.
    other?.happen({ kind: 'stop', failure: socketFailure() })
    this.#putOffDial()
    const connection = this.#connect(id, 'incoming')
    connection.local = local
    connection.happen({ kind: 'accepted' })
    return true
  }

  /** A dial of ours came through. */
  connected(id: ConnectionId, local: Address): void {
    this.#connections.get(id)!.local = local
    this.happen(id, { kind: 'connected' })
  }

  /** No connection can be had that is protected as it should be. */
  barred(reason: string): void {
    if (!this.#find(({ passedOpen }) => passedOpen)) this.#tell(failureText(socketFailure(reason)))
  }

  happen(id: ConnectionId, event: SessionEvent): void {
    this.#connections.get(id)!.happen(event)
  }

  receive(id: ConnectionId, chunk: Uint8Array): void {
    this.#connections.get(id)!.receive(chunk)
  }

  /** Sends over the Established session. */
  send(bytes: Uint8Array): void {
    this.#established()!.send(bytes)
  }

  /** Ends all connections, for good. */
  stop(failure: Failure): void {
    this.#stopped = true
    this.#endAll(failure)
  }

  /** Goes on as `config` says, which may have us dial where we were waiting. */
  configure(config: PeerConfig): void {
    this.config = config
    this.start()
  }

  /** Begins anew as `config` says. A peer that knows graceful restart keeps our routes meanwhile, and we keep its. */
  reconnect(config: PeerConfig): void {
    this.config = config
    this.lastError = undefined
    this.#endAll(this.negotiated?.gracefulRestart ? RESTART : CONFIGURATION_CHANGED)
    this.start()
  }

  /** Ends all connections, and begins anew. */
  reset(): void {
    this.#endAll(ADMINISTRATIVE_RESET)
    this.start()
  }

  /** Ends the session (RFC 5882 §4.3). A connection that is not one yet finds out by itself. */
  pathDown(): void {
    this.#established()?.happen({ kind: 'stop', failure: BFD_DOWN })
  }

  mayOpen(newcomer: Connection, open: Open): boolean {
    const yields = this.#rivals(newcomer, open).some(({ verdict }) => verdict === 'yield')
    if (yields) newcomer.happen({ kind: 'stop', failure: COLLISION })
    return !yields
  }

  opened(newcomer: Connection, open: Open): void {
    for (const { rival, verdict } of this.#rivals(newcomer, open)) {
      const failure = verdict === 'replace' ? RESTART : COLLISION
      if (verdict !== 'wait') rival.happen({ kind: 'stop', failure })
    }
  }

  up({ negotiated }: Connection): void {
    this.#wasUp = true
    this.#waiting = false
    this.#host.disarm(this.#timerId('error-wait'))
    this.lastError = undefined
    this.#advice = undefined
    this.since = this.#host.now()
    this.#host.up(this, negotiated!)
  }

  deliver(message: Update | RouteRefresh): void {
    if (message.kind === 'update' && message.faults.length > 0) this.faults++
    this.#host.deliver(this, message)
  }

  ended(connection: Connection, from: State, failure: Failure): void {
    this.#connections.delete(connection.id)
    this.#host.release(connection.id)
    if (from === 'Established') this.#down(connection.negotiated!, failure)
    // Next to a session, what becomes of other connections does not count.
    if (!this.#find(({ passedOpen }) => passedOpen)) this.#failed(failure, from)
    this.start()
  }

  /**
   * Gives the peer's connection time to pass OPEN: a dial at this moment may reach BIRD when that is Established, and it
   * would take us for restarted. Not twice, or a program that only probes our port would keep us from dialling.
   */
  #putOffDial(): void {
    const dial = this.#find(({ state }) => state === 'Active')
    if (!dial || dial.id === this.#putOff) return
    this.#putOff = dial.id
    dial.happen({ kind: 'accepted' })
  }

  /** Also forgets errors, and the wait after them. */
  #endAll(failure: Failure): void {
    this.#waiting = false
    this.#errorWait = 0
    for (const timer of ['error-wait', 'amnesia'] as const) this.#host.disarm(this.#timerId(timer))
    for (const connection of this.#all()) connection.happen({ kind: 'stop', failure })
  }

  #down(negotiated: Negotiated, failure: Failure): void {
    this.since = this.#host.now()
    this.lastError = failureText(failure)
    this.#host.down(this, negotiated, failure)
  }

  #failed(failure: Failure, from: State): void {
    if (!this.#isAftermath(failure, from))
      this.#tell(failureText(failure), adviceOn(failure, from, this.config))
    if (isProtocolError(failure)) this.#wait()
  }

  /** A peer that found fault lets nobody in for a while, as BIRD does for a minute: what it found says more than that. */
  #isAftermath(failure: Failure, from: State): boolean {
    return this.#errorWait > 0 && failure.by === 'socket' && from === 'OpenSent'
  }

  #tell(reason: string, advice?: string): void {
    if (reason !== this.lastError) this.#host.failed(this, reason)
    this.lastError = reason
    this.#advice = advice
  }

  #wait(): void {
    this.#waiting = true
    this.#errorWait = nextErrorWait(this.#errorWait)
    this.#arm('error-wait', this.#errorWait, () => {
      this.#waiting = false
      this.start()
    })
    this.#arm('amnesia', TIMERS.amnesia.seconds, () => {
      this.#errorWait = 0
    })
  }

  #connect(id: ConnectionId, direction: 'outgoing' | 'incoming'): Connection {
    const afterRestart = direction === 'incoming' && this.negotiated?.gracefulRestart !== undefined
    const connection = new Connection(id, { direction, afterRestart }, this, this.#host)
    this.#connections.set(id, connection)
    this.#host.own(id, this)
    return connection
  }

  #rivals(newcomer: Connection, remote: Open): { rival: Connection; verdict: Verdict }[] {
    const local = { routerId: this.config.routerId, asn: this.config.localAsn }
    return this.#all()
      .filter((rival) => rival !== newcomer)
      .map((rival) => ({ rival, verdict: resolveCollision(rival.state, newcomer, local, remote) }))
  }

  #established(): Connection | undefined {
    return this.#find(({ state }) => state === 'Established')
  }

  #find(test: (connection: Connection) => boolean): Connection | undefined {
    return this.#all().find(test)
  }

  #all(): Connection[] {
    return [...this.#connections.values()]
  }

  #arm(timer: PeerTimer, seconds: number, expired: () => void): void {
    const ms = runtime(timer, seconds, () => this.#host.random())
    this.#host.arm(this.#timerId(timer), ms, expired)
  }

  #timerId(timer: PeerTimer): string {
    return `${this.config.name} ${timer}`
  }
}
