import { connect, createServer, type Server, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { LIMITS, type Limits } from '../../../src/edge/peers/limits.ts'
import { PeerSocket, ReadingQueue, type SocketListener } from '../../../src/edge/peers/peer-socket.ts'
import { until } from '../../kit/until.ts'

interface Cast {
  readonly socket: PeerSocket
  /** The other end, bare. */
  readonly far: Socket
  /** `bytes`, `blocked`, `drained`, `closed: reason`. */
  readonly heard: string[]
  readonly chunks: Uint8Array[]
}

async function cast(
  t: Test,
  limits: Partial<Limits> = {},
  onBytes = () => {},
  queue = new ReadingQueue(() => true),
): Promise<Cast> {
  const server = createServer({ pauseOnConnect: true })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const [near, far] = await Promise.all([accepted(server), connected(server)])
  const heard: string[] = []
  const chunks: Uint8Array[] = []
  const listener: SocketListener = {
    bytes: (chunk) => {
      heard.push('bytes')
      chunks.push(chunk)
      onBytes()
    },
    blocked: () => heard.push('blocked'),
    drained: () => heard.push('drained'),
    closed: (error) => heard.push(`closed: ${error}`),
  }
  const socket = new PeerSocket(near, listener, queue, { ...LIMITS, ...limits })
  t.teardown(() => {
    socket.destroy()
    far.destroy()
    server.close()
  })
  return { socket, far, heard, chunks }
}

const accepted = (server: Server) => new Promise<Socket>((done) => server.once('connection', done))

function connected(server: Server): Promise<Socket> {
  const socket = connect((server.address() as { port: number }).port, '127.0.0.1')
  socket.on('error', () => {})
  return new Promise((done) => socket.once('connect', () => done(socket)))
}

t.test('long input comes in slices, and timers run between them', async (t) => {
  let timers = 0
  let slices = 0
  const { far, chunks } = await cast(t, {}, () => {
    slices++
    setTimeout(() => timers++, 0)
  })
  const total = 8 * 1024 * 1024
  far.write(Buffer.alloc(total, 1))
  await until('all arrived', () => chunks.reduce((sum, { length }) => sum + length, 0) === total)
  t.ok(Math.max(...chunks.map(({ length }) => length)) <= 128 * 1024)
  t.ok(timers > slices / 4, `${timers} timers ran among ${slices} slices`)
})

t.test('a long input waits until what was read is carried out, a brief one does not', async (t) => {
  let isDone = true
  const queue = new ReadingQueue(() => isDone)
  const carryingOut = () => {
    isDone = false
  }
  const [much, little] = [await cast(t, {}, carryingOut, queue), await cast(t, {}, () => {}, queue)]
  much.far.write(Buffer.alloc(20_000))
  await until('a slice is read', () => much.chunks.length === 1)
  little.far.write('a word')
  await until('the brief one is read', () => little.chunks.length === 1)
  t.equal(much.chunks.length, 1, 'and no more of the long one')
  const read = () => much.chunks.reduce((sum, { length }) => sum + length, 0)
  await until('all of it, as often as there is leave', () => {
    isDone = true
    queue.goOn()
    return read() === 20_000
  })
  t.ok(much.chunks.every(({ length }) => length <= 4_096))
})

t.test('what has arrived is there at once for who cannot wait', async (t) => {
  const { socket, far, chunks } = await cast(t, {}, () => {}, new ReadingQueue(() => false))
  far.write(Buffer.alloc(10_000))
  await until('it has arrived', () => socket.unread === 10_000)
  t.equal(chunks.length, 0)
  socket.readAll()
  t.same(
    chunks.map(({ length }) => length),
    [10_000],
  )
  t.equal(socket.unread, 0)
})

t.test('the last message arrives before the end, also when input was left unread', async (t) => {
  const { socket, far } = await cast(t)
  const got: Buffer[] = []
  let end = ''
  far.on('data', (chunk) => got.push(chunk))
  far.on('end', () => {
    end = 'closed'
  })
  far.on('error', () => {
    end = 'reset'
  })
  far.write(Buffer.alloc(100_000))
  socket.write(Buffer.from('last words'))
  socket.flush()
  socket.close()
  await until('it ended', () => end !== '')
  t.equal(end, 'closed')
  t.equal(Buffer.concat(got).toString(), 'last words')
})

t.test('a peer that does not close is not waited for', async (t) => {
  const { socket, far } = await cast(t, { linger: 50 })
  let gone = false
  far.pause()
  socket.onGone(() => {
    gone = true
  })
  socket.write(Buffer.alloc(20 * 1024 * 1024))
  socket.flush()
  socket.close()
  await until('it is gone', () => gone)
  t.pass('after the linger time')
})

t.test('a peer that does not read is told of, and that it reads again', async (t) => {
  const { socket, far, heard } = await cast(t)
  far.pause()
  for (let i = 0; i < 8; i++) socket.write(Buffer.alloc(1024 * 1024))
  socket.flush()
  t.same(heard, ['blocked'], 'once')
  far.resume()
  await until('it drained', () => heard.length > 1)
  t.same(heard, ['blocked', 'drained'])
})

t.test('what waits for a peer has a bound', async (t) => {
  const { socket, far, heard } = await cast(t, { writeBuffer: 1024 * 1024 })
  far.pause()
  for (let i = 0; i < 64; i++) socket.write(Buffer.alloc(1024 * 1024))
  t.equal(heard.at(-1), 'closed: No buffer space available')
  t.equal(heard.filter((word) => word.startsWith('closed')).length, 1)
})

t.test('the end of a connection is told once, with its reason', async (t) => {
  const orderly = await cast(t)
  orderly.far.end()
  await until('closed', () => orderly.heard.length > 0)
  t.same(orderly.heard, ['closed: undefined'])
  const broken = await cast(t)
  broken.far.resetAndDestroy()
  await until('broken', () => broken.heard.length > 0)
  t.same(broken.heard, ['closed: Connection reset by peer'])
})

t.test('what arrived before the end is handed on first', async (t) => {
  const { far, heard, chunks } = await cast(t)
  far.end('farewell')
  await until('closed', () => heard.includes('closed: undefined'))
  t.same(heard, ['bytes', 'closed: undefined'])
  t.equal(Buffer.concat(chunks).toString(), 'farewell')
})
