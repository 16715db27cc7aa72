// A TCP proxy for tests, to take a path away between two programs that both keep running.

import { connect, createServer, type Socket } from 'node:net'
import type { Teardown } from './etcd.ts'

export interface TcpProxy {
  readonly port: number
  /** Ends every connection, and refuses new ones until `open`. */
  cut(): void
  open(): void
}

/** Starts a proxy to a port of 127.0.0.1; it ends with the test. */
export async function startProxy(t: Teardown, targetPort: number): Promise<TcpProxy> {
  const sockets = new Set<Socket>()
  let passing = true

  function keep(socket: Socket): void {
    sockets.add(socket)
    socket.on('error', () => {}) // the other side's end is the proxy's daily bread
    socket.on('close', () => sockets.delete(socket))
  }

  const server = createServer((client) => {
    if (!passing) return client.destroy()
    const target = connect(targetPort, '127.0.0.1')
    for (const socket of [client, target]) keep(socket)
    client.pipe(target).pipe(client)
    client.on('close', () => target.destroy())
    target.on('close', () => client.destroy())
  })
  const cut = () => {
    passing = false
    for (const socket of sockets) socket.destroy()
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(async () => {
    cut()
    await new Promise((resolve) => server.close(resolve))
  })
  return {
    port: (server.address() as { port: number }).port,
    cut,
    open: () => {
      passing = true
    },
  }
}
