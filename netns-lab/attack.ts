// `attack KIND ADDRESS`: what a machine can do to port 179 of another, short of speaking BGP. Prints a line of what came of it:
// the messages that were answered, and `closed` when the other side closed.

import { connect, type Socket } from 'node:net'
import { decode, encode, initialCodec } from '../src/bgp/wire/codec.ts'
import { Framer } from '../src/bgp/wire/frame.ts'
import type { Message } from '../src/bgp/wire/message.ts'
import { address } from '../src/inet/address.ts'
import { until } from './until.ts'

const deadlineMs = 30_000
const crowdSize = 1_000
/** Connections of one address that an agent has open at a time; see src/edge/peers/limits.ts. */
const crowdLeft = 16

const header = (length: number, type: number, marker = 0xff) =>
  Uint8Array.of(...Array<number>(16).fill(marker), length >> 8, length & 255, type)
const noise = Uint8Array.from({ length: 65_536 }, (_, at) => (at * 167) ^ (at >> 5))
const padding = new Uint8Array(65_535)
const open = encode(
  { kind: 'open', asn: 65_123, holdTime: 240, routerId: address('192.0.2.66'), capabilities: [] },
  initialCodec,
)

/** What is sent, and how the connection goes on. */
const kinds: Readonly<Record<string, (to: string) => Promise<string>>> = {
  garbage: (to) => say(to, noise),
  'bad-marker': (to) => say(to, header(19, 4, 0x00)),
  'huge-length': (to) => say(to, header(65_535, 2), padding),
  'no-length': (to) => say(to, header(0, 2)),
  'bad-type': (to) => say(to, header(19, 99)),
  'wrong-as': (to) => say(to, open),
  'update-first': (to) => say(to, header(23, 2), new Uint8Array(4)),
  'half-a-header': (to) => leave(to, header(19, 4).subarray(0, 10)),
  'half-an-open': (to) => leave(to, open.subarray(0, 24)),
  crowd,
}

const [kind = '', to = ''] = process.argv.slice(2)
const attack = kinds[kind]
if (!attack || !to) {
  console.error(`usage: attack ${Object.keys(kinds).join('|')} ADDRESS`)
  process.exit(2)
}
console.log(await attack(to))
process.exit(0)

/** Sends it all, and listens until the other side closes. */
async function say(to: string, ...bytes: Uint8Array[]): Promise<string> {
  const socket = dial(to)
  const answers = listen(socket)
  for (const part of bytes) socket.write(part)
  const closed = await until(() => socket.closed, { deadlineMs })
  return [...answers, closed ? 'closed' : 'still open'].join(', ')
}

/** Sends that much, and leaves once the other side has begun to speak or has closed. */
async function leave(to: string, bytes: Uint8Array): Promise<string> {
  const socket = dial(to)
  const answers = listen(socket)
  socket.write(bytes)
  await until(() => answers.length > 0 || socket.closed, { deadlineMs })
  socket.destroy()
  return answers.join(', ') || 'closed'
}

/** Makes a thousand connections, says nothing, and waits until no more are left than an agent suffers. */
async function crowd(to: string): Promise<string> {
  let made = 0
  const sockets = Array.from({ length: crowdSize }, () => dial(to).once('connect', () => made++))
  const left = () => sockets.filter(({ closed }) => !closed).length
  const gone = await until(() => left() <= crowdLeft, { deadlineMs })
  return gone ? `${made} connections, ${crowdLeft} or fewer left` : `${made} connections, ${left()} left`
}

function dial(to: string): Socket {
  // What becomes of the connection is told by `close`.
  return connect({ host: to, port: 179 }).on('error', () => {})
}

/** The messages that arrive, by and by. */
function listen(socket: Socket): string[] {
  const answers: string[] = []
  const framer = new Framer()
  socket.on('data', (chunk) => {
    for (const bytes of framer.push(chunk)) answers.push(inWords(decode(bytes, initialCodec)))
  })
  return answers
}

function inWords(message: Message): string {
  const { kind } = message
  return kind === 'notification' ? `${kind} ${message.code}/${message.subcode}` : kind
}
