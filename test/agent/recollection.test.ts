// What is remembered of the datastore: when it counts, for how long, and what is worth remembering.

import t from 'tap'
import {
  Recollection,
  type RecollectionOptions,
  remembering,
  type Stamp,
} from '../../src/agent/recollection.ts'
import type { AnyKind, Document, FeedSink } from '../../src/cluster/feed.ts'
import { service, slice } from '../kit/documents.ts'
import { FakeClock } from '../kit/reconciler.ts'
import { document } from '../kit/resources.ts'
import { recordingSink } from '../kit/sink.ts'
import { until } from '../kit/until.ts'

const stamp: Stamp = { node: 'node-a', datastore: 'etcdv3 http://10.0.0.1:2379', boot: 'b1' }
const pool = (name: string, cidr: string): Document => document('IPPool', { cidr }, { name })
const peer: Document = document('BGPPeer', { peerIP: '172.20.0.1', asNumber: 65000 }, { name: 'tor' })

/** A disk on which one file is, and agents that come and go. */
function host() {
  const clock = new FakeClock()
  const warnings: string[] = []
  let text: string | undefined
  let broken = false
  const file: RecollectionOptions['file'] = {
    read: () => text,
    async write(now) {
      if (broken) throw new Error('no space left on device')
      text = now
    },
  }
  const options: Omit<RecollectionOptions, 'sink'> = {
    subject: 'datastore',
    stamp,
    file,
    clock,
    now: () => Date.UTC(2026, 10, 21) + clock.now(),
    log: { info: () => {}, warn: ({ reason }: { reason: string }) => warnings.push(reason) } as never,
  }
  const run = (mark: Partial<Stamp> = {}) => {
    const sink = recordingSink()
    const recollection = new Recollection({ ...options, stamp: { ...stamp, ...mark }, sink })
    recollection.start()
    return { recollection, sink }
  }
  return {
    clock,
    warnings,
    options,
    run,
    get text() {
      return text
    },
    set text(value: string | undefined) {
      text = value
    },
    set broken(value: boolean) {
      broken = value
    },
  }
}

/** An agent that has been told these, and has stopped. */
async function past(machine: ReturnType<typeof host>, ...documents: Document<AnyKind>[]): Promise<void> {
  const { recollection } = machine.run()
  for (const each of documents) recollection.set(each)
  recollection.inSync(true)
  await recollection.stop()
}

t.test('while the datastore is silent what was known is in force, and is said to be old', async (t) => {
  const machine = host()
  await past(machine, pool('one', '10.65.0.0/16'), peer)
  const { sink } = machine.run()
  machine.clock.advance(2_999)
  t.same(sink.log, [])
  machine.clock.advance(1)
  t.same(sink.log.slice(1), ['set IPPool/one', 'set BGPPeer/tor', 'not in sync'])
  t.match(sink.problems.get('datastore (as remembered)'), [
    { message: 'it has not said all yet; 2 objects are in force as they were at 2026-11-21T00:00:00.000Z' },
  ])
})

t.test('when all is in, what the datastore does not know any more goes', async (t) => {
  const machine = host()
  await past(machine, pool('one', '10.65.0.0/16'), peer)
  const { recollection, sink } = machine.run()
  machine.clock.advance(3_000)
  recollection.set(pool('one', '10.66.0.0/16'))
  t.ok(sink.documents.has('BGPPeer/tor'))
  recollection.inSync(true)
  t.same(sink.log.slice(-3), ['delete BGPPeer/tor', 'healed datastore (as remembered)', 'in sync'])
  t.match(sink.documents.get('IPPool/one'), { spec: { cidr: '10.66.0.0/16' } })
})

t.test('what the datastore has said already is not replaced by what it said before', async (t) => {
  const machine = host()
  await past(machine, pool('one', '10.65.0.0/16'), peer)
  const { recollection, sink } = machine.run()
  recollection.set(pool('one', '10.66.0.0/16'))
  machine.clock.advance(3_000)
  t.match(sink.documents.get('IPPool/one'), { spec: { cidr: '10.66.0.0/16' } })
  t.ok(sink.documents.has('BGPPeer/tor'))
})

t.test('a datastore that answers in time is believed alone', async (t) => {
  const machine = host()
  await past(machine, pool('one', '10.65.0.0/16'), peer)
  const { recollection, sink } = machine.run()
  recollection.inSync(true)
  machine.clock.advance(10_000)
  t.same([...sink.documents.keys()], [])
})

t.test('what another node, another datastore or the time before a reboot knew is of no use', async (t) => {
  for (const other of [{ node: 'node-b' }, { datastore: 'file /etc/calico' }, { boot: 'b2' }]) {
    const machine = host()
    await past(machine, peer)
    const { sink } = machine.run(other)
    machine.clock.advance(3_000)
    t.same(sink.log, [], JSON.stringify(other))
  }
})

t.test('of what comes with pods only what is ours is worth remembering', async (t) => {
  const machine = host()
  const endpoint = (node: string) => document('WorkloadEndpoint', { node }, { name: `e-${node}` })
  const block = (affinity: string) => document('IPAMBlock', { affinity }, { name: affinity })
  await past(
    machine,
    ...[endpoint('node-a'), endpoint('node-b'), block('host:node-a'), block('host:node-b')],
    ...[document('BlockAffinity', { node: 'node-a' }), document('IPAMHandle', {}), document('Node', {})],
  )
  const { sink } = machine.run()
  machine.clock.advance(3_000)
  t.same(
    [...sink.documents.keys()].map((id) => id.slice(0, id.indexOf('/'))),
    ['WorkloadEndpoint', 'IPAMBlock', 'BlockAffinity', 'Node'],
  )
})

t.test('of services those that have addresses outside, and the endpoints of this node', async (t) => {
  const machine = host()
  const inside = service('web/inside', { type: 'ClusterIP' })
  const outside = service('web/outside')
  const external = service('web/external', { type: 'ClusterIP', externalIPs: ['203.0.113.7'] })
  const here = slice('web/outside', 'node-a 10.65.0.2 ready', 'node-b 10.65.1.2 ready')
  const there = slice('web/external', 'node-b 10.65.1.3 ready')
  await past(machine, inside, outside, external, here, there)
  let ended = false
  const follow = (_: FeedSink) => () => {
    ended = true
  }
  const sink = recordingSink()
  const end = remembering(follow, { ...machine.options, subject: 'services' })(sink)
  machine.clock.advance(3_000)
  const names = [outside, external, here].map(({ kind, metadata: { name } }) => `${kind}/web/${name}`)
  t.same([...sink.documents.keys()], names)
  t.match([...sink.problems.keys()], ['services (as remembered)'])
  await end()
  t.ok(ended)
})

t.test(
  'a burst of changes is written once, five seconds later; a new revision alone is no change',
  async (t) => {
    const machine = host()
    const { recollection } = machine.run()
    recollection.inSync(true)
    recollection.set(peer)
    recollection.set(pool('one', '10.65.0.0/16'))
    machine.clock.advance(4_999)
    t.equal(machine.text, undefined)
    machine.clock.advance(1)
    await until('written', () => machine.text !== undefined)
    t.equal(machine.text?.split('\n').length, 4)
    machine.text = 'untouched'
    recollection.set({ ...peer, metadata: { ...peer.metadata, resourceVersion: '9' } })
    machine.clock.advance(10_000)
    await recollection.stop()
    t.equal(machine.text, 'untouched')
  },
)

t.test('what was said in time is written down when contact is lost', async (t) => {
  const machine = host()
  const { recollection } = machine.run()
  recollection.set(peer)
  recollection.inSync(true)
  recollection.inSync(false)
  await until('written', () => machine.text !== undefined)
  t.match(machine.text, /tor/)
})

t.test('while contact is lost the file stays as old as it says', async (t) => {
  const machine = host()
  await past(machine, peer)
  const written = machine.text
  const { recollection } = machine.run()
  machine.clock.advance(3_000)
  recollection.set(pool('one', '10.65.0.0/16'))
  machine.clock.advance(60_000)
  await recollection.stop()
  t.equal(machine.text, written)
})

t.test('a file that cannot be read or written is said, and hurts nothing else', async (t) => {
  const machine = host()
  machine.text = '{"format":1'
  const { recollection, sink } = machine.run()
  machine.clock.advance(3_000)
  t.equal(machine.warnings.length, 1)
  machine.broken = true
  recollection.set(peer)
  recollection.inSync(true)
  machine.clock.advance(5_000)
  await until('said', () => machine.warnings.includes('no space left on device'))
  machine.broken = false
  await recollection.stop()
  t.match(machine.text, /tor/, 'tried again')
  t.ok(sink.documents.has('BGPPeer/tor'))
})
