// Sessions with the shortest hold time there is, while a full table comes in. The peers are threads of their own, and
// keep to their hold timers; how long all this takes is not asked.

import { Worker } from 'node:worker_threads'
import t, { type Test } from 'tap'
import { Speaker } from '../../../src/bgp/speaker.ts'
import type { PeerConfig } from '../../../src/bgp/types.ts'
import { createLog } from '../../../src/edge/observe/log.ts'
import { Runner } from '../../../src/edge/peers/runner.ts'
import { type Address, address } from '../../../src/inet/address.ts'
import type { StrictPeerEvent, StrictPeerOptions } from '../../kit/strict-peer.ts'
import { until } from '../../kit/until.ts'

const ROUTES = 400_000
const own = address('127.9.0.1')

function peer(at: Address, asn: number): PeerConfig {
  return {
    name: at,
    kind: 'node',
    address: at,
    port: 179,
    localAddress: own,
    families: ['ipv4'],
    localAsn: 64512,
    peerAsn: asn,
    routerId: own,
    passive: true,
    holdTime: 3,
    restartTime: 120,
    allowedLocalAsns: 0,
    because: 'a test',
  }
}

/** Starts the other end, and returns what it has told so far. */
function strictPeer(t: Test, options: StrictPeerOptions): StrictPeerEvent[] {
  const told: StrictPeerEvent[] = []
  const worker = new Worker(new URL('../../kit/strict-peer.ts', import.meta.url), { workerData: options })
  worker.on('message', (event) => told.push(event))
  worker.on('error', (error) => told.push({ over: error.message }))
  t.teardown(() => worker.terminate())
  return told
}

t.test('hold timers of three seconds survive 400,000 routes that come in and go out', async (t) => {
  const speaker = new Speaker({ random: Math.random, restarting: false })
  let best = 0
  const runner = new Runner({
    speaker,
    log: createLog({ node: 'node-a', level: 'silent' }),
    onBest: (changes) => {
      for (const change of changes) best += change.used.length > 0 ? 1 : -1
    },
  })
  t.teardown(() => runner.stop())
  runner.listen([{ family: 'ipv4', port: 0, address: own }])
  await until('it listens', () => runner.listening.every(({ listening }) => listening))
  const { port } = runner.listening[0]!

  const [busy, quiet] = [address('127.9.0.2'), address('127.9.0.3')]
  runner.step({ kind: 'peers', set: [peer(busy, 65001), peer(quiet, 65002)], remove: [] })
  const of = { host: own, port }
  const told = [
    strictPeer(t, { ...of, localAddress: quiet, asn: 65002, routes: 0 }),
    strictPeer(t, { ...of, localAddress: busy, asn: 65001, routes: ROUTES }),
  ]
  const isOver = (): boolean => told.flat().some((event) => event !== 'announced')
  const passedOn = (): boolean => speaker.peers().some(({ advertised }) => advertised === ROUTES)
  await until('all is known and passed on', () => isOver() || (best === ROUTES && passedOn()), 55_000)

  t.same(told, [['announced'], ['announced']], 'no session ended')
  t.match(speaker.peers(), [
    { state: 'Established', received: ROUTES, advertised: 0, faults: 0 },
    { state: 'Established', received: 0, advertised: ROUTES, faults: 0 },
  ])
})
