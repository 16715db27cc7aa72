// By what one session speaks: a socket of its own, since each has its own source port (RFC 5881 §4).

import { createSocket, type Socket } from 'node:dgram'
import { familyOf, scoped } from '../../inet/address.ts'
import { type BfdTarget, portOf } from './target.ts'

const SOURCE_PORTS = { first: 49_152, count: 16_384 } as const
/** Single hops are told by it (RFC 5881 §5). */
const TTL = 255

export class Sender {
  readonly #target: BfdTarget
  readonly #random: () => number
  #socket: Socket | undefined

  /** `random` gives numbers from 0 up to 1. */
  constructor(target: BfdTarget, random: () => number) {
    this.#target = target
    this.#random = random
  }

  /** A packet that cannot be sent is lost, as on the wire. */
  send(bytes: Uint8Array): void {
    this.#send(bytes, () => {})
  }

  /** The last packet. Resolves when it has gone out, or cannot. */
  async finish(bytes: Uint8Array): Promise<void> {
    await new Promise<void>((closed) => {
      this.#send(bytes, () => this.close()).once('close', closed)
    })
  }

  close(): void {
    this.#socket?.close()
    this.#socket = undefined
  }

  #send(bytes: Uint8Array, sent: () => void): Socket {
    const { address, zone } = this.#target
    this.#socket ??= this.#open()
    this.#socket.send(bytes, portOf(this.#target), scoped(address, zone), sent)
    return this.#socket
  }

  #open(): Socket {
    const { address, localAddress } = this.#target
    const socket = createSocket(familyOf(address) === 'ipv4' ? 'udp4' : 'udp6')
    socket.on('error', () => this.#forget(socket))
    const port = SOURCE_PORTS.first + Math.floor(this.#random() * SOURCE_PORTS.count)
    socket.bind({ port, ...(localAddress && { address: localAddress }) }, () => socket.setTTL(TTL))
    return socket
  }

  /** The address is not ours yet, or the port is taken: the next packet has another socket. */
  #forget(socket: Socket): void {
    if (this.#socket !== socket) return
    this.close()
  }
}
