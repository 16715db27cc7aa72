// By what all sessions hear: one socket for each family and port, as long as there is one who listens.

import { createSocket, type Socket } from 'node:dgram'
import { type ControlPacket, decodePacket } from '../../bfd/packet.ts'
import { parseAddress, scoped } from '../../inet/address.ts'
import type { TimerClock } from '../../reconcile/clock.ts'
import type { Log } from '../observe/log.ts'
import { origin, PORTS, type Point } from './target.ts'
import { requireTtl255 } from './ttl-filter.ts'

export interface ReceiversOptions {
  readonly log: Log
  readonly clock: TimerClock
  /** `from` is as `originOf` gives it. */
  onPacket(packet: ControlPacket, from: string): void
}

interface Receiver {
  readonly socket: Socket
  /** Why it does not hear. */
  trouble?: string
  cancelRetry(): void
}

/** Milliseconds until what could not be opened is tried again. */
const RETRY_MS = 5_000

export class Receivers {
  readonly #options: ReceiversOptions
  readonly #open = new Map<string, Receiver>()

  constructor(options: ReceiversOptions) {
    this.#options = options
  }

  /** Hears at these points and at no others. */
  set(points: readonly Point[]): void {
    const wanted = new Map(points.map((point) => [keyOf(point), point]))
    for (const key of this.#open.keys()) if (!wanted.has(key)) this.#close(key)
    for (const [key, point] of wanted) if (!this.#open.has(key)) this.#hear(point)
  }

  /** Why nothing can be heard at a point; undefined when all is well. */
  trouble(point: Point): string | undefined {
    return this.#open.get(keyOf(point))?.trouble
  }

  #hear(point: Point, before?: string): void {
    const { family, port } = point
    const socket = createSocket({ type: family === 'ipv4' ? 'udp4' : 'udp6', ipv6Only: family === 'ipv6' })
    const receiver: Receiver = {
      socket,
      cancelRetry: () => {},
      ...(before !== undefined && { trouble: before }),
    }
    this.#open.set(keyOf(point), receiver)
    socket.on('error', (error) => this.#failed(point, receiver, error))
    socket.on('message', (bytes, { address }) => this.#receive(bytes, port, address))
    socket.bind(port, () => {
      try {
        if (port === PORTS.single) requireTtl255(socket, family)
        delete receiver.trouble
      } catch (error) {
        this.#failed(point, receiver, error as Error)
      }
    })
  }

  /** Sessions that cannot hear stay down, which harms nobody: only what was up can fail. */
  #failed(point: Point, receiver: Receiver, { message }: Error): void {
    const { log, clock } = this.#options
    if (receiver.trouble !== message) log.warn({ ...point, reason: message }, 'BFD cannot listen')
    receiver.trouble = message
    receiver.socket.close()
    receiver.cancelRetry = clock.after(RETRY_MS, () => this.#hear(point, message))
  }

  #close(key: string): void {
    const { socket, trouble, cancelRetry } = this.#open.get(key)!
    cancelRetry()
    if (trouble === undefined) socket.close()
    this.#open.delete(key)
  }

  #receive(bytes: Uint8Array, port: number, from: string): void {
    const packet = decodePacket(bytes)
    const [text = '', zone] = from.split('%')
    const address = parseAddress(text)
    if ('discarded' in packet || !address) return
    this.#options.onPacket(packet, origin(port, scoped(address, zone)))
  }
}

function keyOf({ family, port }: Point): string {
  return `${family} ${port}`
}
