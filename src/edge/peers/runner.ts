// Carries out what the speaker asks for, on real sockets and timers, and tells it what happens to them.
//
//   sockets, timers, agent ──events──▶ speaker.step ──actions──▶ sockets, timers, log, agent
//
// One event at a time: what an action brings about at once waits for its turn.

import type { Socket } from 'node:net'
import type { Action, ConnectionId, SpeakerEvent } from '../../bgp/events.ts'
import type { Speaker } from '../../bgp/speaker.ts'
import type { BestPathChange, PeerConfig } from '../../bgp/types.ts'
import { type Address, parseAddress, type ScopedAddress, scoped, unscoped } from '../../inet/address.ts'
import type { Log } from '../observe/log.ts'
import { Admission, type Refusal } from './admission.ts'
import { dial } from './dialer.ts'
import { countDrops, type Drop } from './drops.ts'
import { guardOf, type Passwords } from './guard.ts'
import { LIMITS, type Limits } from './limits.ts'
import { Listener, type ListenPoint, type ListenState } from './listener.ts'
import { PeerSocket, ReadingQueue } from './peer-socket.ts'
import { Timers } from './timers.ts'

export interface RunnerOptions {
  readonly speaker: Speaker
  readonly log: Log
  /** Looks up the password of a peer; the bytes are kept nowhere else. */
  readonly passwords?: Passwords
  /** Hears of changed best paths, in order. */
  onBest(changes: readonly BestPathChange[]): void
  /** Whether what was heard has been carried out so far that more may be; always, when absent. See `readOn`. */
  mayRead?(): boolean
  /** A session is up, or a peer has sent all it had; see `Speaker.heardAll`. */
  onHeard?(): void
  /** Milliseconds since the epoch. */
  now?(): number
  readonly limits?: Limits
}

export class Runner {
  readonly #options: RunnerOptions
  readonly #limits: Limits
  readonly #passwords: Passwords
  readonly #listener: Listener
  /** Where the peers are whose connections are protected, by name. */
  readonly #guarded = new Map<string, ScopedAddress>()
  readonly #admission: Admission
  readonly #drops = countDrops()
  readonly #reading: ReadingQueue
  readonly #sockets = new Map<ConnectionId, PeerSocket>()
  /** How to give up the dials under way. */
  readonly #dials = new Map<ConnectionId, () => void>()
  readonly #timers = new Timers()
  readonly #events: SpeakerEvent[] = []
  /** Sockets written to in this step. */
  readonly #written = new Set<PeerSocket>()
  #stepping = false
  readonly #attempts = { accepted: 0, dialled: 0, failed: 0 }
  /** Sockets not wholly gone, those that are closing included. */
  readonly #open = new Set<PeerSocket>()

  constructor(options: RunnerOptions) {
    this.#options = options
    this.#limits = options.limits ?? LIMITS
    this.#passwords = options.passwords ?? (() => undefined)
    this.#reading = new ReadingQueue(() => options.mayRead?.() ?? true)
    this.#listener = new Listener((socket) => this.#accept(socket), options.log, this.#limits)
    this.#admission = new Admission((address) => options.speaker.knows(address), this.#limits)
  }

  /** Listens at these points and no others; see `listening` for how it went. */
  listen(points: readonly ListenPoint[]): void {
    this.#listener.set(points)
  }

  get listening(): ListenState[] {
    return this.#listener.state()
  }

  /** Connections refused since the start, by reason. */
  get refused(): Readonly<Record<Refusal, number>> {
    return this.#admission.refused
  }

  /** Segments that the kernel dropped since the start, by reason. */
  get dropped(): Readonly<Partial<Record<Drop, number>>> {
    return this.#drops()
  }

  /** Connections since the start: let in, made, and tried in vain. */
  get attempts(): Readonly<Record<'accepted' | 'dialled' | 'failed', number>> {
    return this.#attempts
  }

  /** Connections that are not wholly closed yet. */
  get connections(): number {
    return this.#open.size
  }

  /** `mayRead` may have another answer. */
  readOn(): void {
    this.#reading.goOn()
  }

  /** Has the speaker take in an event, at once or, from within `onBest`, after the one it is at. */
  step(event: SpeakerEvent): void {
    this.#events.push(event)
    if (this.#stepping) return
    this.#stepping = true
    try {
      for (let next = this.#events.shift(); next; next = this.#events.shift()) this.#run(next)
    } finally {
      this.#stepping = false
    }
  }

  /** Leaves the network so that peers keep our routes. Resolves when all connections are closed. */
  async stop(): Promise<void> {
    this.listen([])
    this.step({ kind: 'stop' })
    const impatience = setTimeout(() => {
      for (const socket of this.#open) socket.destroy()
    }, this.#limits.farewell)
    await Promise.all([...this.#open].map((socket) => new Promise<void>((gone) => socket.onGone(gone))))
    clearTimeout(impatience)
  }

  #run(event: SpeakerEvent): void {
    if (event.kind === 'peers') this.#guard(event)
    for (const action of this.#options.speaker.step(event, this.#now())) {
      const carryOut = this.#carryOut[action.kind] as (action: Action) => void
      carryOut(action)
    }
    for (const socket of this.#written) socket.flush()
    this.#written.clear()
  }

  readonly #carryOut: { readonly [K in Action['kind']]: (action: Extract<Action, { kind: K }>) => void } = {
    dial: (action) => this.#dial(action),
    send: ({ connection, bytes }) => this.#send(connection, bytes),
    close: ({ connection }) => this.#close(connection),
    arm: (action) => this.#arm(action),
    disarm: ({ timer }) => this.#timers.disarm(timer),
    'flush-soon': () => setImmediate(() => this.step({ kind: 'flush' })),
    best: ({ changes }) => this.#options.onBest(changes),
    heard: () => this.#options.onHeard?.(),
    note: ({ level, fields, message }) => this.#options.log[level](fields, message),
  }

  /** Before the speaker lets go of a session: a peer that dials anew at once is to find its new password here. */
  #guard({ set, remove }: Extract<SpeakerEvent, { kind: 'peers' }>): void {
    for (const name of remove) this.#unguard(name)
    for (const config of set) {
      const remote = scoped(config.address, config.zone)
      if (config.password || config.ttlSecurity) this.#barring(remote, () => this.#guardPeer(config, remote))
      else this.#unguard(config.name)
    }
  }

  #guardPeer(config: PeerConfig, remote: ScopedAddress): void {
    this.#guarded.set(config.name, remote)
    try {
      this.#listener.guard(remote, guardOf(config, this.#passwords))
    } catch (error) {
      this.#listener.bar(config.address, (error as Error).message)
      throw error
    }
  }

  #unguard(name: string): void {
    const remote = this.#guarded.get(name)
    if (remote !== undefined) this.#listener.guard(remote, undefined)
    this.#guarded.delete(name)
  }

  /** Tells the speaker when a peer cannot be protected. False then. */
  #barring(remote: ScopedAddress, protect: () => void): boolean {
    try {
      protect()
      return true
    } catch (error) {
      setImmediate(() => this.step({ kind: 'barred', remote, error: (error as Error).message }))
      return false
    }
  }

  #dial({ connection, to }: Extract<Action, { kind: 'dial' }>): void {
    const giveUp = dial(to, this.#passwords, {
      connected: (socket) => {
        this.#dials.delete(connection)
        this.#attempts.dialled++
        const local = localAddress(socket) ?? to.localAddress
        if (!local) return socket.destroy()
        this.#adopt(connection, socket)
        this.step({ kind: 'connected', connection, local })
      },
      failed: (error) => {
        this.#dials.delete(connection)
        this.#attempts.failed++
        this.step({ kind: 'dial-failed', connection, error })
      },
    })
    this.#dials.set(connection, giveUp)
  }

  #accept(socket: Socket): void {
    const remote = parseScoped(socket.remoteAddress)
    const local = localAddress(socket)
    if (!remote || !local || !this.#admission.enter(remote, this.#now())) {
      if (remote && local) this.#noteStranger(remote, local)
      socket.destroy()
      return
    }
    socket.once('close', () => this.#admission.leave(remote))
    if (!this.#barring(remote, () => this.#listener.admit(socket, remote))) {
      socket.destroy()
      return
    }
    const connection = `in#${++this.#attempts.accepted}`
    this.#adopt(connection, socket)
    this.step({ kind: 'accepted', connection, remote, local })
  }

  /** Behind it may be a peer whose address was translated, or is not as configured. Told of the 1st, 2nd, 4th, 8th …. */
  #noteStranger(remote: ScopedAddress, local: Address): void {
    const times = this.refused['not a peer']
    if (this.#options.speaker.knows(remote) || (times & (times - 1)) !== 0) return
    this.#options.log.warn({ remote, local, times }, 'connection from an address that is no peer')
  }

  #adopt(connection: ConnectionId, socket: Socket): PeerSocket {
    const listener = {
      bytes: (chunk: Uint8Array) => this.step({ kind: 'bytes', connection, chunk }),
      blocked: () => this.step({ kind: 'blocked', connection }),
      drained: () => this.step({ kind: 'drained', connection }),
      closed: (error?: string) => {
        this.#sockets.delete(connection)
        this.step({ kind: 'closed', connection, ...(error !== undefined && { error }) })
      },
    }
    const peerSocket = new PeerSocket(socket, listener, this.#reading, this.#limits)
    this.#sockets.set(connection, peerSocket)
    this.#open.add(peerSocket)
    peerSocket.onGone(() => this.#open.delete(peerSocket))
    return peerSocket
  }

  #send(connection: ConnectionId, bytes: Uint8Array): void {
    const socket = this.#sockets.get(connection)
    if (!socket) return
    socket.write(bytes)
    this.#written.add(socket)
  }

  #close(connection: ConnectionId): void {
    this.#dials.get(connection)?.()
    this.#dials.delete(connection)
    this.#sockets.get(connection)?.close()
    this.#sockets.delete(connection)
  }

  /** What has come over the connection by then may have the timer disarmed. */
  #arm({ timer, ms, unless }: Extract<Action, { kind: 'arm' }>): void {
    const lastLook = (): void => {
      if (unless !== undefined) this.#sockets.get(unless)?.readAll()
    }
    this.#timers.arm(timer, ms, lastLook, () => this.step({ kind: 'timer', timer }))
  }

  #now(): number {
    return this.#options.now?.() ?? Date.now()
  }
}

/** Undefined when the peer is gone already. */
function parseScoped(text = ''): ScopedAddress | undefined {
  const [host = '', zone] = text.split('%')
  const address = parseAddress(host)
  return address && scoped(address, zone)
}

function localAddress({ localAddress }: Socket): Address | undefined {
  const local = parseScoped(localAddress)
  return local && unscoped(local).address
}
