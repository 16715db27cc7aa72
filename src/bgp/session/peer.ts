// One peer: its connections, and when to make another. RFC 4271 §8.2.1.
//
//   start ──▶ a dial of ours, or the peer's ──▶ at most one connection Established
//     ▲                                               │
//     └──────── error wait, if it was one ◀── ended ──┘
//
// Each connection has a state machine of its own (fsm.ts). Which of two stays is in collision.ts, all of them in
// connections.ts, how long a peer is left alone in damping.ts, what people are told of it in diagnosis.ts.

import type { Address } from '../../inet/address.ts'
import type { ConnectionId } from '../events.ts'
import type { PeerConfig, SessionState } from '../types.ts'
import type { Open, RouteRefresh, Update } from '../wire/message.ts'
import type { SessionEnd } from './collision.ts'
import { Connection, type Host, type Owner } from './connection.ts'
import { Connections } from './connections.ts'
import { Damping } from './damping.ts'
import { Diagnosis } from './diagnosis.ts'
import {
  administrativeReset,
  administrativeShutdown,
  BFD_DOWN,
  CONFIGURATION_CHANGED,
  type Failure,
  failureText,
  isProtocolError,
  RESTART,
  socketFailure,
} from './failure.ts'
import type { SessionEvent, State } from './fsm.ts'
import type { Negotiated, Past } from './open-check.ts'
import { type PeerTimer, runtime } from './timers.ts'

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

export class Peer implements Owner {
  config: PeerConfig
  /** UPDATEs that RFC 7606 had to excuse. */
  faults = 0
  readonly diagnosis: Diagnosis
  readonly #host: PeerHost
  readonly #damping: Damping
  readonly #connections = new Connections()
  #dials = 0
  /** The dial that has been put off. */
  #putOff: ConnectionId | undefined
  #wasUp = false
  #stopped = false

  constructor(config: PeerConfig, host: PeerHost) {
    this.config = config
    this.#host = host
    this.diagnosis = new Diagnosis(host.now(), (reason) => host.failed(this, reason))
    this.#damping = new Damping({
      arm: (...timer) => this.#arm(...timer),
      disarm: (timer) => this.#host.disarm(this.#timerId(timer)),
      resume: () => this.start(),
    })
  }

  get state(): SessionState {
    return this.#connections.furthest ?? (this.#isOpen && this.config.passive ? 'Passive' : 'Idle')
  }

  /** What to do about there being no session, where there is a guess. */
  get advice(): string | undefined {
    return this.diagnosis.advice(this.state, this.config)
  }

  /** What the Established session came to. */
  get negotiated(): Negotiated | undefined {
    return this.#connections.established?.negotiated
  }

  /** There must be no session until an operator has done something, or for long: nobody need wait for this peer. */
  get isShut(): boolean {
    return this.config.held !== undefined || this.#damping.isOverLimit
  }

  /** Our end of the Established session. */
  get local(): Address | undefined {
    return this.#connections.established?.local
  }

  get past(): Past {
    const { restarting, forwarding } = this.#host.restart()
    return { restarting, forwarding: forwarding || this.#wasUp }
  }

  /** Dials, unless that is up to the peer, to be put off, or no longer needed. */
  start(): void {
    if (this.#stopped) return
    if (this.config.held !== undefined) this.diagnosis.tell(this.config.held)
    if (!this.#isOpen || this.config.passive) return
    if (this.#connections.find(({ direction, passedOpen }) => direction === 'outgoing' || passedOpen)) return
    const id = `${this.config.name}#${++this.#dials}`
    this.#connect(id, 'outgoing').happen({ kind: 'start' })
  }

  /** Takes in a connection that the peer made, or closes it. False when closed. */
  accept(id: ConnectionId, local: Address): boolean {
    const other = this.#connections.find(
      ({ direction, state }) => direction === 'incoming' && state !== 'Established',
    )
    if (!this.#isOpen || other?.state === 'OpenConfirm') return false
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
    this.#connections.get(id).local = local
    this.happen(id, { kind: 'connected' })
  }

  /** No connection can be had that is protected as it should be. */
  barred(reason: string): void {
    if (!this.#connections.passedOpen) this.diagnosis.tell(failureText(socketFailure(reason)))
  }

  happen(id: ConnectionId, event: SessionEvent): void {
    this.#connections.get(id).happen(event)
  }

  receive(id: ConnectionId, chunk: Uint8Array): void {
    this.#connections.get(id).receive(chunk)
  }

  /** Sends over the Established session. */
  send(bytes: Uint8Array): void {
    this.#connections.established!.send(bytes)
  }

  /** Ends all connections, for good. */
  stop(failure: Failure): void {
    this.#stopped = true
    this.#endAll(failure)
  }

  /** Goes on as `config` says, which may have us dial where we were waiting. */
  configure(config: PeerConfig): void {
    const { prefixLimit } = this.config
    this.config = config
    if (JSON.stringify(prefixLimit) !== JSON.stringify(config.prefixLimit)) this.#damping.forgive()
    this.start()
  }

  /** Begins anew as `config` says. A peer that knows graceful restart keeps our routes meanwhile, and we keep its. */
  reconnect(config: PeerConfig): void {
    this.config = config
    this.diagnosis.forget()
    this.#endAll(this.#reasonToReconnect())
    this.start()
  }

  /** Ends all connections, and begins anew; `text` is for whoever sits at the other end. */
  reset(text: string | undefined): void {
    this.#endAll(administrativeReset(text))
    this.start()
  }

  /** Ends the session (RFC 5882 §4.3). A connection that is not one yet finds out by itself. */
  pathDown(): void {
    this.#connections.established?.happen({ kind: 'stop', failure: BFD_DOWN })
  }

  /** Has no session with a peer that told more than it may, until an operator wants one, or as long as he said. */
  overLimit(failure: Failure): void {
    this.#damping.overLimit(this.config.prefixLimit?.restartAfter)
    this.#connections.endAll(failure)
  }

  mayOpen(newcomer: Connection, open: Open): boolean {
    return this.#connections.admit(newcomer, this.#ownEnd, open)
  }

  opened(newcomer: Connection, open: Open): void {
    this.#connections.succeed(newcomer, this.#ownEnd, open)
  }

  up({ negotiated }: Connection): void {
    this.#wasUp = true
    this.#damping.up()
    this.diagnosis.up(this.#host.now())
    this.#host.up(this, negotiated!)
  }

  deliver(message: Update | RouteRefresh): void {
    if (message.kind === 'update' && message.faults.length > 0) this.faults++
    this.#host.deliver(this, message)
  }

  ended(connection: Connection, from: State, failure: Failure): void {
    this.#connections.delete(connection)
    this.#host.release(connection.id)
    if (from === 'Established') this.#down(connection.negotiated!, failure)
    // Next to a session, what becomes of other connections does not count.
    if (!this.#connections.passedOpen) this.#failed(failure, from)
    this.start()
  }

  /**
   * Gives the peer's connection time to pass OPEN: a dial at this moment may reach BIRD when that is Established, and it
   * would take us for restarted. Not twice, or a program that only probes our port would keep us from dialling.
   */
  #putOffDial(): void {
    const dial = this.#connections.find(({ state }) => state === 'Active')
    if (!dial || dial.id === this.#putOff) return
    this.#putOff = dial.id
    dial.happen({ kind: 'accepted' })
  }

  /** Also forgets errors, and the wait after them. */
  #endAll(failure: Failure): void {
    this.#damping.forgive()
    this.#connections.endAll(failure)
  }

  /** Without a word where that has a peer keep our routes, unless somebody has something to say. */
  #reasonToReconnect(): Failure {
    if (this.config.shutdown !== undefined) return administrativeShutdown(this.config.shutdown)
    return this.negotiated?.gracefulRestart ? RESTART : CONFIGURATION_CHANGED
  }

  #down(negotiated: Negotiated, failure: Failure): void {
    this.diagnosis.down(this.#host.now(), failure)
    this.#host.down(this, negotiated, failure)
  }

  #failed(failure: Failure, from: State): void {
    if (!this.#isAftermath(failure, from)) this.diagnosis.failed(failure, from, this.config)
    if (isProtocolError(failure)) this.#damping.fault()
  }

  /** A peer that found fault lets nobody in for a while, as BIRD does for a minute. */
  #isAftermath(failure: Failure, from: State): boolean {
    return this.#damping.wary && failure.by === 'socket' && from === 'OpenSent'
  }

  /** There may be a session, as far as we are concerned. */
  get #isOpen(): boolean {
    return !this.#damping.waiting && this.config.held === undefined
  }

  #connect(id: ConnectionId, direction: 'outgoing' | 'incoming'): Connection {
    const afterRestart = direction === 'incoming' && this.negotiated?.gracefulRestart !== undefined
    const connection = new Connection(id, { direction, afterRestart }, this, this.#host)
    this.#connections.add(connection)
    this.#host.own(id, this)
    return connection
  }

  get #ownEnd(): SessionEnd {
    return { routerId: this.config.routerId, asn: this.config.localAsn }
  }

  #arm(timer: PeerTimer, seconds: number, expired: () => void): void {
    const ms = runtime(timer, seconds, () => this.#host.random())
    this.#host.arm(this.#timerId(timer), ms, expired)
  }

  #timerId(timer: PeerTimer): string {
    return `${this.config.name} ${timer}`
  }
}
