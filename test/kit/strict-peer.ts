// A thread that is the router at the other end of a session, with a hold timer of three seconds that it keeps to the
// letter: what we send late ends the session. It announces some routes, and posts what becomes of it.

import { connect } from 'node:net'
import { parentPort, workerData } from 'node:worker_threads'
import { encode, endOfRib, initialCodec, packAnnouncements } from '../../src/bgp/wire/codec.ts'
import { address } from '../../src/inet/address.ts'
import { prefixOf } from '../../src/inet/prefix.ts'

export interface StrictPeerOptions {
  readonly host: string
  readonly port: number
  /** Ours, and the BGP Identifier. */
  readonly localAddress: string
  readonly asn: number
  /** How many /32 to announce. */
  readonly routes: number
}

/** `over` comes once, with the reason. */
export type StrictPeerEvent = 'announced' | { readonly over: string }

const HOLD_TIME = 3

const { host, port, localAddress, asn, routes } = workerData as StrictPeerOptions
const codec = { ...initialCodec, as4: true, peerType: 'external' as const }
const KEEPALIVE = encode({ kind: 'keepalive' }, codec)

const socket = connect({ host, port, localAddress })
const tell = (event: StrictPeerEvent): void => parentPort?.postMessage(event)
const end = (over: string): void => {
  clearInterval(keepalives)
  clearTimeout(hold)
  socket.destroy()
  tell({ over })
}

let hold = setTimeout(() => end('no session'), 60_000)
let keepalives: NodeJS.Timeout | undefined

socket.on('connect', () => {
  const capabilities = [
    { code: 'multiprotocol', family: 'ipv4' },
    { code: 'as4', asn },
  ] as const
  const routerId = address(localAddress)
  socket.write(encode({ kind: 'open', asn, holdTime: HOLD_TIME, routerId, capabilities }, initialCodec))
  socket.write(KEEPALIVE)
  keepalives = setInterval(() => socket.write(KEEPALIVE), (HOLD_TIME * 1000) / 3)
  announce()
})
socket.on('data', () => {
  clearTimeout(hold)
  hold = setTimeout(() => end('hold timer expired'), HOLD_TIME * 1000)
})
socket.on('error', (error) => end(error.message))
socket.on('close', () => end('connection closed'))

/** In messages of a hundred routes with attributes of their own, as a router with many neighbours has them. */
function announce(): void {
  for (let first = 0; first < routes; first += 100) {
    const nlri = Array.from({ length: Math.min(100, routes - first) }, (_, i) => ({
      prefix: prefixOf(hostAddress(first + i), 32),
      pathId: 0,
    }))
    const asPath = [{ type: 'sequence' as const, asns: [asn, 100_000 + first] }]
    const attributes = { origin: 'igp', asPath, nextHop: address(localAddress) } as const
    for (const bytes of packAnnouncements('ipv4', attributes, nlri, codec)) socket.write(bytes)
  }
  socket.write(endOfRib('ipv4'), () => tell('announced'))
}

function hostAddress(index: number) {
  return address(`20.${index >> 16}.${(index >> 8) & 255}.${index & 255}`)
}
