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

/** Who has unread data. Sockets take turns, and timers run between two of them, so that no keepalive is late. */
export class ReadingQueue {
  readonly #waiting = new Set<PeerSocket>()

  add(socket: PeerSocket): void {
    if (this.#waiting.size === 0) setImmediate(() => this.#turn())
    this.#waiting.add(socket)
  }

  #turn(): void {
    const [next] = this.#waiting
    if (!next) return
    this.#waiting.delete(next)
    next.read()
    if (this.#waiting.size > 0) setImmediate(() => this.#turn())
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

  /** Hands on a slice of what has arrived, some 64 KiB at most; the queue is asked for another turn if there is more. */
  read(): void {
    if (this.#closing) return
    const chunk: Uint8Array | null = this.#socket.read()
    if (chunk) this.#listener.bytes(chunk)
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
