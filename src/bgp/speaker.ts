// The speaker: all sessions and tables of this node behind one deterministic step.
//
//   event ──▶ peer ──▶ connection ──▶ state machine ──▶ actions
//               │ UPDATE                                  ▲
//               ▼                                         │
//              rib ──▶ best paths, and messages at each flush
//
// The same events at the same times give the same actions. A fault of one peer
// is answered to that peer, and no other notices.

import type { Address, Family, ScopedAddress } from '../inet/address.ts'
import { ActionQueue } from './action-queue.ts'
import { Announcer, REFRESH } from './announcer.ts'
import { Deferral } from './deferral.ts'
import type { Action, ConnectionId, Note, SpeakerEvent } from './events.ts'
import { Hearing } from './hearing.ts'
import { Limits } from './limits.ts'
import { costOf, peerView, ribPeer } from './peer-views.ts'
import { RestartHelper } from './restart-helper.ts'
import { UNCHANGED } from './rib/filter.ts'
import { Rib, type RibOptions } from './rib/rib.ts'
import {
  CONFIGURATION_CHANGED,
  type Failure,
  failureText,
  PEER_DECONFIGURED,
  RESTART,
} from './session/failure.ts'
import type { SessionEvent } from './session/fsm.ts'
import type { Negotiated } from './session/open-check.ts'
import { Peer, type PeerHost } from './session/peer.ts'
import type { PeerConfig, PeerView } from './types.ts'
import { encode } from './wire/codec.ts'

export interface SpeakerOptions {
  /** A number from 0 up to 1, for jitter. */
  random(): number
  /**
   * We were here before, our routes have stayed, and peers may still use them: the first OPEN to each carries the
   * Forwarding bit. Until a `restarted` event says that all is originated again, and peers have said what they have, OPEN
   * carries the Restart bit too, and End-of-RIB is held back (deferral.ts).
   */
  readonly restarting: boolean
  /** See RibOptions; all as it is to all, when absent. */
  readonly advertise?: RibOptions['advertise']
  readonly interfaceOf?: NonNullable<RibOptions['interfaceOf']>
  readonly reach?: NonNullable<RibOptions['reach']>
}

export class Speaker {
  /** For those who look; changed by `step` only. */
  readonly rib: Rib
  readonly #options: SpeakerOptions
  readonly #queue = new ActionQueue()
  readonly #peers = new Map<string, Peer>()
  readonly #byConnection = new Map<ConnectionId, Peer>()
  readonly #deferral: Deferral
  readonly #announcer: Announcer
  readonly #helper: RestartHelper
  readonly #hearing: Hearing
  #now = 0
  #flushAsked = false
  #stopped = false

  constructor(options: SpeakerOptions) {
    this.#options = options
    this.rib = new Rib({
      advertise: options.advertise ?? (() => UNCHANGED),
      interfaceOf: options.interfaceOf ?? (() => ''),
      ...(options.reach && { reach: options.reach }),
    })
    this.#deferral = new Deferral({
      restarting: options.restarting,
      peers: () => [...this.#peers.values()],
      hasHeard: (peer) => this.#hearing.isDone(peer),
    })
    const holdsBack = (to: Peer): boolean => this.#deferral.holdsBack(to)
    this.#announcer = new Announcer(this.rib, (name) => this.#peers.get(name), holdsBack)
    this.#helper = new RestartHelper(this.rib, this.#queue)
    const limits = new Limits({
      rib: this.rib,
      near: (name, holds) => this.#note('warn', 'near its limit', this.#peers.get(name)!.config, { holds }),
    })
    this.#hearing = new Hearing({
      rib: this.rib,
      announcer: this.#announcer,
      helper: this.#helper,
      limits,
      act: (action) => this.#queue.act(action),
      note: (...note) => this.#note(...note),
    })
  }

  /**
   * True when every peer that is not held down has sent End-of-RIB for all its families: what we know now is all there is
   * (RFC 4724 §4.1).
   */
  get heardAll(): boolean {
    return [...this.#peers.values()].every((peer) => peer.isShut || this.#hearing.isDone(peer))
  }

  /** True for the address of a peer: connections from others are not worth a look. */
  knows(address: ScopedAddress): boolean {
    return this.#peers.has(address)
  }

  /** Takes in one event; `now` in milliseconds since the epoch. The actions are to be carried out in their order. */
  step(event: SpeakerEvent, now: number): Action[] {
    if (this.#stopped) return []
    this.#now = now
    this.#handle(event)
    this.#askForFlush() // first, so that peers need not wait for what becomes of the changes here
    const changes = this.rib.takeBestChanges()
    if (changes.length > 0) this.#queue.act({ kind: 'best', changes })
    return this.#queue.take()
  }

  /** All peers wanted, in the order they were asked for. */
  peers(): PeerView[] {
    return [...this.#peers.values()].map((peer) => peerView(peer, this.rib))
  }

  #handle(event: SpeakerEvent): void {
    const handle = this.#handlers[event.kind] as (event: SpeakerEvent) => void
    handle(event)
  }

  readonly #handlers: {
    readonly [K in SpeakerEvent['kind']]: (event: Extract<SpeakerEvent, { kind: K }>) => void
  } = {
    peers: ({ set, remove, part = [] }) => {
      for (const name of part) this.#part(name)
      for (const name of remove) this.#remove(name, PEER_DECONFIGURED)
      for (const config of set) this.#set(config)
    },
    originate: ({ set, withdraw }) => this.rib.originate(set, withdraw),
    restarted: () => this.#deferral.announced(),
    'heard-enough': () => this.#deferral.end(),
    accepted: ({ connection, remote, local }) => this.#accept(connection, remote, local),
    barred: ({ remote, error }) => this.#peers.get(remote)?.barred(error),
    connected: ({ connection, local }) => this.#byConnection.get(connection)?.connected(connection, local),
    'dial-failed': ({ connection, error }) => this.#happen(connection, { kind: 'closed', reason: error }),
    bytes: ({ connection, chunk }) => this.#byConnection.get(connection)?.receive(connection, chunk),
    closed: ({ connection, error }) => this.#happen(connection, { kind: 'closed', reason: error }),
    blocked: ({ connection }) => this.#happen(connection, { kind: 'blocked' }),
    drained: ({ connection }) => this.#happen(connection, { kind: 'drained' }),
    timer: ({ timer }) => this.#queue.expire(timer),
    flush: () => {
      this.#flushAsked = false
      this.#announcer.flush()
    },
    'refresh-in': ({ peer, family }) => this.#refreshIn(peer, family),
    resend: ({ peer, family }) => this.rib.resend(peer, family),
    reset: ({ peer, text }) => this.#peers.get(peer)?.reset(text),
    'path-down': ({ peer }) => this.#peers.get(peer)?.pathDown(),
    'next-hops': () => this.rib.reviewNextHops(),
    'refresh-out': () => this.rib.refilter(),
    stop: () => this.#stop(),
  }

  #set(config: PeerConfig): void {
    const known = this.#peers.get(config.name)
    const cost = known ? costOf(known.config, config) : 'routes'
    if (known && cost !== 'routes') {
      if (cost === 'session') known.reconnect(config)
      else known.configure(config)
      if (cost === 'policy' && known.negotiated) this.#changePolicy(known, known.negotiated)
      return
    }
    this.#remove(config.name, CONFIGURATION_CHANGED)
    const peer = new Peer(config, this.#host)
    this.#peers.set(config.name, peer)
    peer.start()
  }

  #changePolicy(peer: Peer, negotiated: Negotiated): void {
    this.rib.changePeer(ribPeer(peer, negotiated))
    this.#hearing.limit(peer)
  }

  #remove(name: string, failure: Failure): void {
    const peer = this.#peers.get(name)
    if (!peer) return
    peer.stop(failure)
    this.#helper.remove(name)
    this.#peers.delete(name)
  }

  /** Without a word, so that a peer that knows graceful restart keeps our routes too, until it hears of the change itself. */
  #part(name: string): void {
    const peer = this.#peers.get(name)
    if (!peer) return
    peer.stop(peer.negotiated?.gracefulRestart ? RESTART : PEER_DECONFIGURED)
    this.#helper.part(name)
    this.#peers.delete(name)
  }

  /** Known by its address alone, whatever port it comes from and goes to. */
  #accept(connection: ConnectionId, remote: ScopedAddress, local: Address): void {
    const isWelcome = this.#peers.get(remote)?.accept(connection, local)
    if (!isWelcome) this.#queue.act({ kind: 'close', connection })
  }

  /** Events of connections that are over are late, and passed over. */
  #happen(connection: ConnectionId, event: SessionEvent): void {
    this.#byConnection.get(connection)?.happen(connection, event)
  }

  #askForFlush(): void {
    const { pending } = this.#announcer
    if (pending && !this.#flushAsked) this.#queue.act({ kind: 'flush-soon' })
    this.#flushAsked = pending
  }

  #refreshIn(name: string, family: Family): void {
    const peer = this.#peers.get(name)
    if (!peer?.negotiated?.routeRefresh) return
    peer.send(encode({ kind: 'route-refresh', family, subtype: REFRESH.request }, peer.negotiated.codec))
  }

  /** Peers that know graceful restart keep our routes, as long as they hear no NOTIFICATION. */
  #stop(): void {
    for (const connection of this.#byConnection.keys()) this.#queue.act({ kind: 'close', connection })
    this.#queue.disarmAll()
    this.#stopped = true
  }

  readonly #host: PeerHost = {
    random: () => this.#options.random(),
    now: () => this.#now,
    restart: () => ({ restarting: this.#deferral.restarting, forwarding: this.#options.restarting }),
    act: (action) => this.#queue.act(action),
    arm: (...timer) => this.#queue.arm(...timer),
    disarm: (timer) => this.#queue.disarm(timer),
    own: (connection, peer) => this.#byConnection.set(connection, peer),
    release: (connection) => this.#byConnection.delete(connection),
    up: (peer, negotiated) => this.#up(peer, negotiated),
    deliver: (peer, message) => this.#hearing.hear(peer, message),
    down: (peer, negotiated, failure) => this.#down(peer, negotiated, failure),
    failed: ({ config }, reason) => this.#note('warn', 'no session', config, { reason }),
  }

  #up(peer: Peer, negotiated: Negotiated): void {
    const { config } = peer
    this.rib.addPeer(ribPeer(peer, negotiated))
    this.#helper.up(config.name, negotiated)
    this.#hearing.begin(config.name)
    const { holdTime, families } = negotiated
    this.#note('info', 'session up', config, { holdTime, families })
  }

  #down({ config }: Peer, negotiated: Negotiated, failure: Failure): void {
    this.#announcer.forget(config.name)
    this.#hearing.end(config.name)
    this.#helper.down(config.name, negotiated, failure)
    this.#note('warn', 'session down', config, { reason: failureText(failure) })
  }

  #note(level: Note['level'], message: string, peer: PeerConfig, fields: Note['fields']): void {
    this.#queue.act({ kind: 'note', level, message, fields: { peer: peer.address, ...fields } })
  }
}
