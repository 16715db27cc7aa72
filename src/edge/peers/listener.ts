// Where peers connect to: one listening socket per family, since one for both would show IPv4 peers under other names.
// A family that cannot listen is tried again, and holds up nobody.
//
// Passwords are on the listening socket, by address. As long as no peer asks for protection, Node makes the sockets; from
// then on we do, since a key must be in place before the first connection can come in.

import { createServer, type Server, type Socket } from 'node:net'
import {
  type Address,
  address,
  type Family,
  familyOf,
  type ScopedAddress,
  unscoped,
} from '../../inet/address.ts'
import type { Log } from '../observe/log.ts'
import { type Guard, guardAccepted, listeningSocket, setKey } from './guard.ts'
import type { Limits } from './limits.ts'
import { socketErrorText } from './socket-error.ts'
import { socketCalls } from './tcp-socket.ts'

export interface ListenPoint {
  readonly family: Family
  readonly port: number
  /** Absent: all addresses of the family. */
  readonly address?: Address
}

export interface ListenState extends ListenPoint {
  readonly listening: boolean
  /** Why not: `Address already in use`. */
  readonly error: string | undefined
}

interface Listening {
  readonly point: ListenPoint
  server: Server
  /** Of a socket of our own making. */
  fd?: number
  error: string | undefined
  retry?: NodeJS.Timeout
}

const WILDCARD: Readonly<Record<Family, Address>> = { ipv4: address('0.0.0.0'), ipv6: address('::') }

export class Listener {
  readonly #accept: (socket: Socket) => void
  readonly #log: Log
  readonly #limits: Limits
  readonly #byFamily = new Map<Family, Listening>()
  /** By the peers they protect. */
  readonly #guards = new Map<ScopedAddress, Guard>()
  /** Addresses whose key is not in force, and why: nobody gets in from there. */
  readonly #barred = new Map<Address, string>()
  /** The sockets are of our own making. */
  #bare = false

  /** `accept` gets sockets of which nothing has been read, and nothing is until it asks. */
  constructor(accept: (socket: Socket) => void, log: Log, limits: Limits) {
    this.#accept = accept
    this.#log = log
    this.#limits = limits
  }

  /** Listens at these points and no others. One that stays is not touched; connections made stay in any case. */
  set(points: readonly ListenPoint[]): void {
    const wanted = new Map(points.map((point) => [point.family, point]))
    for (const [family, { point }] of this.#byFamily)
      if (!samePoint(point, wanted.get(family))) this.#close(family)
    for (const [family, point] of wanted) if (!this.#byFamily.has(family)) this.#open(point)
  }

  /** Protects what comes from a peer from now on, or no more. @throws why that cannot be; nobody gets in from there then */
  guard(peer: ScopedAddress, guard: Guard | undefined): void {
    const { address } = unscoped(peer)
    if (guard) this.#guards.set(peer, guard)
    else this.#guards.delete(peer)
    this.#barred.delete(address)
    if (guard) this.#makeBare(address)
    for (const listening of this.#byFamily.values()) this.#lock(listening, address)
    this.#refuseBarred(address)
  }

  /** Lets nobody in from there, until there is a guard. */
  bar(address: Address, reason: string): void {
    this.#barred.set(address, reason)
  }

  /** Protects a connection that came in. @throws why that cannot be */
  admit(socket: Socket, from: ScopedAddress): void {
    const { address } = unscoped(from)
    this.#refuseBarred(address)
    if (this.#bare) guardAccepted(socket, familyOf(address), this.#guards.get(from)?.hops)
  }

  #refuseBarred(address: Address): void {
    const reason = this.#barred.get(address)
    if (reason !== undefined) throw new Error(reason)
  }

  state(): ListenState[] {
    return [...this.#byFamily.values()].map(({ point, server, error }) => {
      const bound = server.address()
      const port = bound !== null && typeof bound === 'object' ? bound.port : point.port
      return { ...point, port, listening: server.listening, error }
    })
  }

  #open(point: ListenPoint): void {
    const listening: Listening = { point, server: this.#server(), error: undefined }
    this.#byFamily.set(point.family, listening)
    this.#listen(listening)
  }

  #listen(listening: Listening): void {
    const { family, port } = listening.point
    const { server } = listening
    server.once('error', (error) => this.#failed(listening, error))
    server.once('listening', () => {
      if (listening.error !== undefined) this.#log.info({ family, port }, 'listening again')
      listening.error = undefined
    })
    if (this.#bare) this.#listenBare(listening)
    else server.listen({ host: hostOf(listening.point), port, ipv6Only: family === 'ipv6' })
  }

  #listenBare(listening: Listening): void {
    const { point, server } = listening
    try {
      listening.fd = listeningSocket(hostOf(point), point.port)
    } catch (error) {
      server.emit('error', error)
      return
    }
    for (const { address } of this.#guards.values()) this.#lock(listening, address)
    server.listen({ fd: listening.fd })
  }

  /** The sockets there are make room for some that can be protected, with nothing in between that could fail. */
  #makeBare(forThe: Address): void {
    if (this.#bare) return
    try {
      socketCalls()
    } catch (error) {
      this.bar(forThe, (error as Error).message)
      return
    }
    this.#bare = true
    const points = [...this.#byFamily.values()].map(({ point }) => point)
    this.set([])
    this.set(points)
  }

  /** Brings the key of an address in force: of several peers with one address any, as long as there is one. */
  #lock({ point, fd }: Listening, of: Address): void {
    if (fd === undefined || familyOf(of) !== point.family) return
    const key = [...this.#guards.values()].find(({ address, key }) => address === of && key)?.key
    try {
      setKey(fd, of, key)
    } catch (error) {
      if (key) this.bar(of, (error as Error).message) // to remove one that is not there is an error too
    }
  }

  #failed(listening: Listening, error: Error): void {
    const { point } = listening
    const reason = socketErrorText(error)
    if (listening.error === undefined) this.#log.warn({ ...point, reason }, 'cannot listen for peers')
    listening.error = reason
    listening.server.close()
    delete listening.fd
    listening.retry = setTimeout(() => {
      listening.server = this.#server()
      this.#listen(listening)
    }, this.#limits.listenRetry)
  }

  #server(): Server {
    return createServer({ pauseOnConnect: true }, this.#accept)
  }

  #close(family: Family): void {
    const { server, retry } = this.#byFamily.get(family)!
    clearTimeout(retry)
    server.removeAllListeners('error')
    server.on('error', () => {}) // one that was on its way
    server.once('listening', () => server.close()) // so was this
    server.close()
    this.#byFamily.delete(family)
  }
}

function hostOf({ address, family }: ListenPoint): Address {
  return address ?? WILDCARD[family]
}

function samePoint(a: ListenPoint, b: ListenPoint | undefined): boolean {
  return a.port === b?.port && a.address === b.address
}
