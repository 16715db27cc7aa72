// A dial: one attempt to connect to a peer, from an address of ours or from one that the kernel chooses.

import { Socket } from 'node:net'
import type { Transport } from '../../bgp/types.ts'
import { scoped } from '../../inet/address.ts'
import { guardOf, outgoingSocket, type Passwords } from './guard.ts'
import { socketErrorText } from './socket-error.ts'

export interface DialListener {
  connected(socket: Socket): void
  /** `error` is the C library's text. */
  failed(error: string): void
}

/** Starts to connect; one of the listener's two is called later, unless the returned function was called to give up. */
export function dial(to: Transport, passwords: Passwords, listener: DialListener): () => void {
  const socket = socketTo(to, passwords)
  const failed = (error: Error) => listener.failed(socketErrorText(error))
  socket.once('error', failed)
  socket.once('connect', () => {
    socket.off('error', failed)
    listener.connected(socket)
  })
  return () => {
    socket.removeAllListeners()
    socket.on('error', () => {}) // one that was on its way
    socket.destroy()
  }
}

/** A socket that connects, or that is about to fail for it cannot be protected. */
function socketTo(to: Transport, passwords: Passwords): Socket {
  const { address, zone, port, localAddress } = to
  try {
    const guard = guardOf(to, passwords)
    const socket = guard ? new Socket({ fd: outgoingSocket(guard) }) : new Socket()
    return socket.connect({ host: scoped(address, zone), port, ...(localAddress && { localAddress }) })
  } catch (error) {
    return new Socket().destroy(error as Error)
  }
}
