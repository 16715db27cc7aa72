import { createServer, type Server, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { createLog } from '../../../src/edge/observe/log.ts'
import { dial } from '../../../src/edge/peers/dialer.ts'
import { LIMITS } from '../../../src/edge/peers/limits.ts'
import { Listener } from '../../../src/edge/peers/listener.ts'
import { address } from '../../../src/inet/address.ts'
import { until } from '../../kit/until.ts'

const log = createLog({ node: 'node-a', level: 'silent' })
const limits = { ...LIMITS, listenRetry: 50 }

function listener(t: Test, accept: (socket: Socket) => void = (socket) => socket.destroy()): Listener {
  const made = new Listener(accept, log, limits)
  t.teardown(() => made.set([]))
  return made
}

/** A port that is taken, on this address. */
async function occupy(host: string): Promise<{ port: number; server: Server }> {
  const server = createServer()
  await new Promise<void>((listening) => server.listen(0, host, listening))
  return { port: (server.address() as { port: number }).port, server }
}

const states = (of: Listener) =>
  of.state().map(({ family, listening, error }) => error ?? `${family} ${listening}`)

t.test('each family has a socket of its own', async (t) => {
  const peers = listener(t)
  peers.set([
    { family: 'ipv4', port: 0 },
    { family: 'ipv6', port: 0 },
  ])
  await until('both listen', () => peers.state().every(({ listening }) => listening))
  t.same(states(peers), ['ipv4 true', 'ipv6 true'])
})

t.test('a family that cannot listen does not stop the other, and is tried again', async (t) => {
  const { port, server } = await occupy('127.0.4.1')
  const peers = listener(t)
  peers.set([
    { family: 'ipv4', port, address: address('127.0.4.1') },
    { family: 'ipv6', port: 0, address: address('::1') },
  ])
  await until('one fails', () => states(peers).includes('Address already in use'))
  await until('the other listens', () => states(peers).includes('ipv6 true'))
  await new Promise((closed) => server.close(closed))
  await until('it listens', () => states(peers).includes('ipv4 true'))
  t.same(states(peers), ['ipv4 true', 'ipv6 true'])
})

t.test('a change moves the socket, and what stays is not touched', async (t) => {
  const accepted: Socket[] = []
  const peers = listener(t, (socket) => {
    accepted.push(socket)
    socket.destroy()
  })
  const { port, server } = await occupy('127.0.4.2')
  await new Promise((closed) => server.close(closed))
  const at = (of: string) => ({ family: 'ipv4', port, address: address(of) }) as const
  peers.set([at('127.0.4.2')])
  peers.set([at('127.0.4.3')])
  await until('it listens', () => states(peers).includes('ipv4 true'))
  t.equal(await attempt(port, '127.0.4.2'), 'Connection refused')
  t.equal(await attempt(port, '127.0.4.3'), 'connected')
  peers.set([at('127.0.4.3')])
  t.same(states(peers), ['ipv4 true'])
})

t.test(
  'a peer that asks for protection while we listen costs neither connections nor the place',
  async (t) => {
    const { port, server } = await occupy('127.0.4.4')
    await new Promise((closed) => server.close(closed))
    const accepted: Socket[] = []
    const peers = listener(t, (socket) => accepted.push(socket))
    t.teardown(() => {
      for (const socket of accepted) socket.destroy()
    })
    peers.set([{ family: 'ipv4', port, address: address('127.0.4.4') }])
    await until('it listens', () => states(peers).includes('ipv4 true'))
    t.equal(await attempt(port, '127.0.4.4'), 'connected')
    await until('it is accepted', () => accepted.length === 1)
    const of = address('127.0.4.8')
    peers.guard(of, { address: of, key: Buffer.from('secret') })
    t.same(states(peers), ['ipv4 true'], 'at once')
    t.equal(await attempt(port, '127.0.4.4'), 'connected', 'without a password, from another')
    peers.guard(of, undefined)
    t.same(states(peers), ['ipv4 true'])
    t.equal(accepted[0]!.closed, false)
  },
)

/** How a dial from 127.0.4.9 ends. */
function attempt(port: number, to: string): Promise<string> {
  return new Promise((ended) => {
    dial({ address: address(to), port, localAddress: address('127.0.4.9') }, () => undefined, {
      connected: (socket) => {
        socket.on('error', () => {})
        socket.destroy()
        ended('connected')
      },
      failed: ended,
    })
  })
}
