// One TCP connection: read in slices, written in batches, closed when all is out.

import type { Socket } from 'node:net'
import type { Limits } from './limits.ts'
import { socketErrorText } from './socket-error.ts'

export interface SocketListener {
  bytes(chunk: Uint8Array): void
  /** What is sent waits on our side; and: no longer. */
  blocked(): void
  drained(): void
  /** The peer closed the connection or, with `error`, it broke. The last event, unless we closed it ourselves. */
  closed(error?: string): void
}

/** Octets of a socket that are read in a row: an UPDATE of the usual length, some milliseconds of work for a thousand routes. */
const SLICE = 4_096
/** Octets that are read also while what was read before is not carried out: that adds little to it. */
const BRIEF = 512
/** More than there can be. */
const ALL = Number.MAX_SAFE_INTEGER

/**
 * Who has unread data. Sockets take turns, slice by slice, and timers run between two of them, so that no keepalive is late.
 * What was read before is to be carried out first: TCP has peers wait that say more than that. Who says little waits for
 * nobody.
 */
export class ReadingQueue {
  readonly #waiting = new Set<PeerSocket>()
  readonly #mayRead: () => boolean
  #isTurnDue = false

  /** When `mayRead` has said no and would say yes now, `goOn` is to be called. */
  constructor(mayRead: () => boolean) {
    this.#mayRead = mayRead
  }

  add(socket: PeerSocket): void {
    this.#waiting.add(socket)
    if (socket.unread <= BRIEF) this.#read(socket)
    else this.goOn()
  }

  goOn(): void {
    if (this.#isTurnDue || this.#waiting.size === 0 || !this.#mayRead()) return
    this.#isTurnDue = true
    setImmediate(() => this.#turn())
  }

  #turn(): void {
    this.#isTurnDue = false
    const [next] = this.#waiting
    if (!next || !this.#mayRead()) return
    this.#read(next)
    this.goOn()
  }

  #read(socket: PeerSocket): void {
    this.#waiting.delete(socket)
    socket.read()
    if (socket.unread > 0) this.#waiting.add(socket)
  }
}

export class PeerSocket {
  readonly #socket: Socket
  readonly #listener: SocketListener
  readonly #limits: Limits
  #error: string | undefined
  #blocked = false
  #closing = false

  /** A socket that is connected, and of which nothing has been read. */
  constructor(socket: Socket, listener: SocketListener, queue: ReadingQueue, limits: Limits) {
    this.#socket = socket
    this.#listener = listener
    this.#limits = limits
    socket.setNoDelay(true)
    socket.on('readable', () => queue.add(this))
    socket.on('drain', () => this.#unblock())
    socket.on('error', (error) => {
      this.#error = socketErrorText(error)
    })
    socket.on('end', () => this.#lost())
    socket.on('close', () => this.#lost())
  }

  /** Octets that have arrived and were not handed on. */
  get unread(): number {
    return this.#closing ? 0 : this.#socket.readableLength
  }

  /** Hands on a slice of what has arrived. */
  read(): void {
    this.#read(SLICE)
  }

  readAll(): void {
    this.#read(ALL)
  }

  /** To be followed by `flush`. */
  write(bytes: Uint8Array): void {
    if (this.#closing) return
    if (this.#socket.writableCorked === 0) this.#socket.cork()
    const accepted = this.#socket.write(bytes)
    if (this.#socket.writableLength > this.#limits.writeBuffer) this.#overflow()
    else if (!accepted) this.#block()
  }

  flush(): void {
    this.#socket.uncork()
  }

  /**
   * Closes when what was written is out, and the peer has closed too: with input left unread, the kernel would send a
   * reset, at which the peer may throw away our last message.
   */
  close(): void {
    this.#closing = true
    if (this.#socket.bytesWritten === 0) {
      this.#socket.destroy()
      return
    }
    this.#socket.removeAllListeners('readable')
    this.#socket.end()
    this.#socket.resume()
    const linger = setTimeout(() => this.#socket.destroy(), this.#limits.linger)
    this.#socket.once('close', () => clearTimeout(linger))
  }

  /** Closes at once. */
  destroy(): void {
    this.#closing = true
    this.#socket.destroy()
  }

  /** Runs when the connection is wholly gone. */
  onGone(gone: () => void): void {
    this.#socket.once('close', gone)
  }

  #read(most: number): void {
    if (this.#closing) return
    const chunk: Uint8Array | null = this.#socket.read(this.unread > most ? most : undefined)
    if (chunk) this.#listener.bytes(chunk)
  }

  #block(): void {
    if (this.#blocked) return
    this.#blocked = true
    this.#listener.blocked()
  }

  #unblock(): void {
    this.#blocked = false
    if (!this.#closing) this.#listener.drained()
  }

  #overflow(): void {
    this.destroy()
    this.#listener.closed('No buffer space available')
  }

  #lost(): void {
    if (this.#closing) return
    this.destroy()
    this.#listener.closed(this.#error)
  }
}
