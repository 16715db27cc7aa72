// A dial: one attempt to connect to a peer from an address of ours.

import { connect, type Socket } from 'node:net'
import type { Address } from '../../inet/address.ts'
import { socketErrorText } from './socket-error.ts'

export interface DialTarget {
  readonly address: Address
  readonly port: number
  readonly localAddress: Address
}

export interface DialListener {
  connected(socket: Socket): void
  /** `error` is the C library's text. */
  failed(error: string): void
}

/** Starts to connect; one of the listener's two is called later, unless the returned function was called to give up. */
export function dial({ address, port, localAddress }: DialTarget, listener: DialListener): () => void {
  const socket = connect({ host: address, port, localAddress, noDelay: true })
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
