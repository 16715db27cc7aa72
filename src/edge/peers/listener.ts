// Where peers connect to: one listening socket per family, since one for both would show IPv4 peers under other names.
// A family that cannot listen is tried again, and holds up nobody.

import { createServer, type Server, type Socket } from 'node:net'
import type { Address, Family } from '../../inet/address.ts'
import type { Log } from '../observe/log.ts'
import type { Limits } from './limits.ts'
import { socketErrorText } from './socket-error.ts'

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
  error: string | undefined
  retry?: NodeJS.Timeout
}

const WILDCARD: Readonly<Record<Family, string>> = { ipv4: '0.0.0.0', ipv6: '::' }

export class Listener {
  readonly #accept: (socket: Socket) => void
  readonly #log: Log
  readonly #limits: Limits
  readonly #byFamily = new Map<Family, Listening>()

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
    const { family, port, address } = listening.point
    const { server } = listening
    server.once('error', (error) => this.#failed(listening, error))
    server.listen({ host: address ?? WILDCARD[family], port, ipv6Only: family === 'ipv6' }, () => {
      if (listening.error !== undefined) this.#log.info({ family, port }, 'listening again')
      listening.error = undefined
    })
  }

  #failed(listening: Listening, error: Error): void {
    const { point } = listening
    const reason = socketErrorText(error)
    if (listening.error === undefined) this.#log.warn({ ...point, reason }, 'cannot listen for peers')
    listening.error = reason
    listening.server.close()
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
    server.close()
    this.#byFamily.delete(family)
  }
}

function samePoint(a: ListenPoint, b: ListenPoint | undefined): boolean {
  return a.port === b?.port && a.address === b.address
}
