// Which of our addresses packets to a destination would leave with.

import { createSocket } from 'node:dgram'
import { type Address, type Family, parseAddress } from '../../inet/address.ts'

/** Any would do: connecting a UDP socket sends nothing. Calico takes this one. */
const PORT = 80

/** Undefined when there is no path, or the name has no address of the family. */
export function addressTowards(destination: string, family: Family): Promise<Address | undefined> {
  const socket = createSocket(family === 'ipv4' ? 'udp4' : 'udp6')
  const { promise, resolve } = Promise.withResolvers<Address | undefined>()
  socket.once('error', () => resolve(undefined))
  socket.once('connect', () => resolve(parseAddress(socket.address().address)))
  socket.connect(PORT, destination)
  return promise.finally(() => socket.close())
}
