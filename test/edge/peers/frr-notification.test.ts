// RFC 8538 with a real FRR: an error in the protocol costs the session and no route, a reset costs both.

import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { Action, SpeakerEvent } from '../../../src/bgp/events.ts'
import { Speaker } from '../../../src/bgp/speaker.ts'
import type { PeerConfig } from '../../../src/bgp/types.ts'
import { createLog } from '../../../src/edge/observe/log.ts'
import { Runner } from '../../../src/edge/peers/runner.ts'
import { address } from '../../../src/inet/address.ts'
import { prefix } from '../../../src/inet/prefix.ts'
import { frr } from '../../interop/adapters/frr.ts'
import { eventually, type Neighbor, type Plan, start } from '../../interop/daemon.ts'
import { enter, namespaces } from '../../kit/bird.ts'
import { needsRoot } from '../../kit/needs-root.ts'

const OURS = prefix('10.244.1.0/26')
const ITS = prefix('10.9.0.0/24')
const [us, it] = [address('10.7.1.1'), address('10.7.1.2')]

const peer: PeerConfig = {
  name: it,
  kind: 'global',
  address: it,
  port: 179,
  localAddress: us,
  families: ['ipv4'],
  localAsn: 64512,
  peerAsn: 65001,
  routerId: us,
  passive: false,
  holdTime: 90,
  restartTime: 120,
  allowedLocalAsns: 0,
  because: 'a test',
}
const neighbor: Neighbor = { name: 'us', family: 'ipv4', local: it, remote: us, remoteAsn: 64512 }

/** No such message type: RFC 4271 §6.1 has it answered with 1/3. */
const UNKNOWN_TYPE = Uint8Array.of(...new Array(16).fill(0xff), 0, 19, 9)

/** Remembers the connections it was told of, for somebody to say something on them. */
class OverheardSpeaker extends Speaker {
  connection = ''

  override step(event: SpeakerEvent, now: number): Action[] {
    if (event.kind === 'accepted' || event.kind === 'connected') this.connection = event.connection
    return super.step(event, now)
  }
}

t.test('with FRR', needsRoot, async (t) => {
  const net = namespaces(t, {
    us: [
      'link add eth0 type veth peer name eth0 netns frr',
      'link set eth0 up',
      `addr add ${us}/24 dev eth0`,
    ],
    frr: ['link set eth0 up', `addr add ${it}/24 dev eth0`],
  })
  enter(net('us'))
  const directory = mkdtempSync(join(tmpdir(), 'caracal-frr-'))
  chmodSync(directory, 0o755) // FRR runs as a user of its own
  t.teardown(() => rmSync(directory, { recursive: true }))
  const plan: Plan = {
    namespace: net('frr'),
    directory: join(directory, 'frr'),
    asn: 65001,
    routerId: it,
    clusterId: it,
    neighbors: [neighbor],
    announce: [{ prefix: ITS, family: 'ipv4', largeCommunity: '65001:1:1' }],
    restarting: false,
  }
  const running = await start(frr, plan)
  t.teardown(() => running.kill())
  const gone: string[] = []
  const speaker = new OverheardSpeaker({ random: () => 0, restarting: false })
  const runner = new Runner({
    speaker,
    log: createLog({ node: 'us', level: 'silent' }),
    onBest: (changes) => {
      for (const { prefix, used } of changes) if (used.length === 0) gone.push(prefix)
    },
  })
  t.teardown(() => runner.stop())
  runner.step({
    kind: 'originate',
    set: [{ prefix: OURS, localPref: 100, because: 'a test' }],
    withdraw: [],
  })
  runner.step({ kind: 'peers', set: [peer], remove: [] })
  runner.listen([{ family: 'ipv4', port: 179 }])
  const view = () => speaker.peers()[0]!
  const hasOurs = async () => (await frr.routes(plan, neighbor, OURS)).length > 0
  const exchanged = () =>
    eventually(
      'routes have gone both ways',
      async () => speaker.rib.best(ITS) !== undefined && (await hasOurs()),
    )

  await exchanged()
  t.ok(view().agreed.includes('graceful restart after NOTIFICATION'))

  await t.test('an error costs the session, and no route at either end', async (t) => {
    const { connection } = speaker
    runner.step({ kind: 'bytes', connection, chunk: UNKNOWN_TYPE })
    t.match(view().lastError, /Bad message type/)
    const missed: string[] = []
    await eventually('up again', async () => {
      if (!(await hasOurs())) missed.push('ours')
      return view().state === 'Established' && speaker.connection !== connection
    })
    await exchanged()
    t.same([missed, gone], [[], []])
  })

  await t.test('a reset says that it is meant so', async (t) => {
    runner.step({ kind: 'reset', peer: it, text: 'a test' })
    t.same(gone, [ITS])
    await eventually('up again', () => view().state === 'Established')
    await exchanged()
  })
})
