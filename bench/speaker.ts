// What the speaker costs by itself, without sockets, plan and kernel: processor time of its thread, which neighbours on the
// machine distort least.
//
//   node bench/speaker.ts [ROUTES [CLIENTS]]
//
// ROUTES come from one peer, and go again; with CLIENTS we are a reflector, and that many others hear of them.

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Action, SpeakerEvent } from '../src/bgp/events.ts'
import { Speaker } from '../src/bgp/speaker.ts'
import type { PeerConfig } from '../src/bgp/types.ts'
import { type Address, address } from '../src/inet/address.ts'
import { ASN } from './contestant.ts'
import { announce, keepalive, openMessage, withdraw } from './updates.ts'

const ROUTES = Number(process.argv[2] ?? 100_000)
const CLIENTS = Number(process.argv[3] ?? 0)
/** What Node reads from a socket at once. */
const PORTION = 65_536
const SELF = address('172.30.0.1')

const speaker = new Speaker({ random: () => 0, restarting: false })
/** Milliseconds of the longest step since it was last set to 0. */
let longest = 0
let sent = 0

function step(event: SpeakerEvent): void {
  const begin = performance.now()
  const actions = speaker.step(event, 0)
  longest = Math.max(longest, performance.now() - begin)
  for (const action of actions) if (action.kind === 'send') sent += action.bytes.length
  if (actions.some(isFlush)) step({ kind: 'flush' })
}

function isFlush({ kind }: Action): boolean {
  return kind === 'flush-soon'
}

function peer(i: number): PeerConfig {
  const remote = address(`172.30.1.${1 + i}`)
  return {
    ...{ name: remote, address: remote, kind: 'mesh', families: ['ipv4'], port: 179, passive: true },
    ...{ localAsn: ASN, peerAsn: ASN, routerId: SELF, holdTime: 90, restartTime: 120, allowedLocalAsns: 0 },
    ...(CLIENTS > 0 && { reflector: { clusterId: SELF, client: true } }),
    because: 'measured',
  }
}

function up(remote: Address, connection: string): void {
  step({ kind: 'accepted', connection, remote, local: SELF })
  step({ kind: 'bytes', connection, chunk: Buffer.concat([openMessage(remote, 90), keepalive]) })
}

function measured(what: string, bytes: Buffer): void {
  longest = sent = 0
  const before = process.threadCpuUsage()
  for (let at = 0; at < bytes.length; at += PORTION)
    step({ kind: 'bytes', connection: 'in#0', chunk: bytes.subarray(at, at + PORTION) })
  const { user, system } = process.threadCpuUsage(before)
  const ms = (user + system) / 1_000
  const each = `${Math.round((ms * 1e6) / ROUTES)} ns a route`
  const told = `${(sent / 1e6).toFixed(1)} MB sent, longest step ${longest.toFixed(1)} ms`
  console.log(`${what}: ${Math.round(ms)} ms, ${each}, ${told}; heap ${heap()} MB`)
}

/** Without what nobody holds. */
function heap(): string {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  return (process.memoryUsage().heapUsed / 1e6).toFixed(1)
}

const peers = Array.from({ length: CLIENTS + 1 }, (_, i) => peer(i))
step({ kind: 'peers', set: peers, remove: [] })
for (const [i, { address: remote }] of peers.entries()) up(remote, `in#${i}`)
const [all, gone] = [announce(0, ROUTES, peers[0]!.address), withdraw(0, ROUTES)]
console.log(`at first: heap ${heap()} MB`)
for (const time of ['', ' again', ' a third time']) {
  measured(`in${time}`, all)
  measured(`out${time}`, gone)
}
