// A BGP speaker that does only what a measure needs: it comes up, says what it is told to, and counts what it hears.

import { connect, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import type { Address } from '../src/inet/address.ts'
import { clientAddress, DAEMON } from './ground.ts'
import { countOf, keepalive, openMessage } from './updates.ts'

const [OPEN, UPDATE, NOTIFICATION, KEEPALIVE] = [1, 2, 3, 4]
const RETRY_MS = 50
const DEADLINE_MS = 20_000
const HEARD_MS = 60_000

/** So many, when all of them are up. */
export function upWith(count: number): Promise<Client[]> {
  const all = Array.from({ length: count }, (_, i) => new Client({ local: clientAddress(i), remote: DAEMON }))
  return Promise.all(all.map((client) => client.up()))
}

/** Resolves when this is so of every one of them. */
export function everyone(clients: readonly Client[], arrived: (client: Client) => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error('not all clients have heard')), HEARD_MS)
    const look = (): void => {
      if (!clients.every(arrived)) return
      clearTimeout(late)
      resolve()
    }
    for (const client of clients) client.onHeard = look
    look()
  })
}

export interface ClientOptions {
  readonly local: Address
  readonly remote: Address
  /** In seconds. */
  readonly holdTime?: number
}

export class Client {
  readonly #options: ClientOptions
  #socket: Socket | undefined
  #rest: Buffer = Buffer.alloc(0)
  #established = false
  #closed = false
  #timer: NodeJS.Timeout | undefined
  /** Prefixes announced to it, and withdrawn, since it came up. */
  announced = 0
  withdrawn = 0
  /** Why the session ended, if it did not end by our will. */
  lost: string | undefined
  onHeard: () => void = () => {}

  constructor(options: ClientOptions) {
    this.#options = options
  }

  /** Resolves when the session is up; tries until then. */
  async up(): Promise<this> {
    const deadline = performance.now() + DEADLINE_MS
    while (!this.#established) {
      if (performance.now() > deadline)
        throw new Error(`no session with ${this.#options.remote}: ${this.lost}`)
      if (!this.#socket || this.#socket.destroyed) this.#dial()
      await pause(RETRY_MS)
    }
    this.lost = undefined
    return this
  }

  /** Resolves when all of it is handed to the kernel. */
  say(bytes: Buffer): Promise<void> {
    return new Promise((done) => this.#socket!.write(bytes, () => done()))
  }

  close(): void {
    this.#closed = true
    clearInterval(this.#timer)
    this.#socket?.destroy()
  }

  #dial(): void {
    const { local, remote, holdTime = 90 } = this.#options
    this.#rest = Buffer.alloc(0)
    const socket = connect({ host: remote, port: 179, localAddress: local, noDelay: true })
    this.#socket = socket
    socket.on('connect', () => socket.write(openMessage(local, holdTime)))
    socket.on('data', (chunk) => this.#take(chunk))
    socket.on('error', (error) => this.#end(error.message))
    socket.on('close', () => this.#end('closed'))
    clearInterval(this.#timer)
    this.#timer = setInterval(() => this.#established && socket.write(keepalive), (holdTime * 1_000) / 3)
  }

  #end(reason: string): void {
    if (!this.#closed) this.lost ??= reason
    this.#established = false
  }

  #take(chunk: Buffer): void {
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    while (bytes.length >= 19 && bytes.length >= bytes.readUInt16BE(16)) {
      const length = bytes.readUInt16BE(16)
      this.#hear(bytes.subarray(0, length))
      bytes = bytes.subarray(length)
    }
    this.#rest = bytes
  }

  #hear(message: Buffer): void {
    const type = message[18]
    if (type === OPEN) this.#socket!.write(keepalive)
    if (type === KEEPALIVE) this.#established = true
    if (type === NOTIFICATION) this.lost = `NOTIFICATION ${message[19]}/${message[20]}`
    if (type !== UPDATE) return
    const { announced, withdrawn } = countOf(message)
    this.announced += announced
    this.withdrawn += withdrawn
    this.onHeard()
  }
}
