// What every datastore promises (src/cluster/feed.ts), as one set of tests that each of them runs.

import type { Test } from 'tap'
import type { Datastore, Document, StoreError } from '../../../src/cluster/feed.ts'
import { type RecordingSink, recordingSink } from '../sink.ts'

/** One store under test, empty at first. */
export interface Harness {
  /** Another client of the store, closed with the test. */
  open(): Datastore
  /** How a Node or an endpoint comes to be, where it is not by `create`. */
  seed?(document: Document): Promise<void>
  /** Makes the stored form of an object unreadable behind the datastore's back. */
  spoil(document: Document): Promise<void>
  /** Puts a good form of the object in its place again. */
  mend(document: Document): Promise<void>
  /** Takes the store away, and brings it back without these objects, as if deleted meanwhile by somebody. */
  outage(): Promise<void>
  recover(deletedMeanwhile: readonly Document[]): Promise<void>
}

export function contract(t: Test, start: (t: Test) => Promise<Harness>): void {
  t.test('what is there is delivered before in-sync, then every change as it happens', async (t) => {
    const { open, seed } = await start(t)
    const other = open()
    await other.create(pool('a'))
    await (seed ?? other.create)(node('node-a', '192.0.2.1/24'))
    const sink = recordingSink()
    open().watch(sink)
    t.equal(sink.log.length, 0, 'nothing is delivered from inside watch')
    await sink.until('in sync', () => sink.log.includes('in sync'))
    t.same(sink.log.slice(0, -1).sort(), ['set IPPool/a', 'set Node/node-a'])

    const created = await other.create(pool('b'))
    await sink.until('pool b', () => sink.documents.has('IPPool/b'))
    t.same(sink.documents.get('IPPool/b'), created, 'the feed and the writer see the same document')
    await other.update({ ...created, spec: { ...(created.spec as object), disabled: true } })
    await sink.until('b disabled', () => field(sink, 'IPPool/b', 'disabled') === true)
    await other.delete('IPPool', 'b')
    await sink.until('b deleted', () => !sink.documents.has('IPPool/b'))
    t.equal(sink.log.filter((line) => line === 'in sync').length, 1, 'in sync is said once')
    t.equal(sink.log.filter((line) => line.startsWith('problem')).length, 0)
  })

  t.test('writes are conditional', async (t) => {
    const { open } = await start(t)
    const store = open()
    const first = await store.create(pool('a'))
    t.match(first.metadata, {
      uid: /^[0-9a-f-]{36}$/,
      creationTimestamp: /^\d{4}-.*Z$/,
      resourceVersion: String,
    })
    await refused(t, store.create(pool('a')), 'exists')
    await refused(t, store.update(pool('none')), 'not-found')
    await refused(t, store.update(pool('a')), 'conflict') // an update names the revision it is based on

    const second = await store.update({ ...first, spec: { cidr: '10.66.0.0/16', disabled: true } })
    t.not(second.metadata.resourceVersion, first.metadata.resourceVersion)
    t.equal(second.metadata.uid, first.metadata.uid)
    await refused(t, store.update(first), 'conflict')
    const old = { resourceVersion: first.metadata.resourceVersion! }
    await refused(t, store.delete('IPPool', 'a', old), 'conflict')
    t.same(await store.get('IPPool', 'a'), second, 'what was refused changed nothing')

    await store.delete('IPPool', 'a', { resourceVersion: second.metadata.resourceVersion! })
    await refused(t, store.delete('IPPool', 'a'), 'not-found')
    await refused(t, store.delete('IPPool', 'a', old), 'not-found')
    t.equal(await store.get('IPPool', 'a'), undefined)
  })

  t.test('kinds and namespaces are kept apart', async (t) => {
    const { open, seed } = await start(t)
    const store = open()
    await store.create(pool('same'))
    for (const document of [node('same', '192.0.2.1/24'), workload('shop', 'web'), workload('shop-2', 'web')])
      await (seed ?? store.create)(document)
    t.same(
      (await store.list('IPPool')).map(({ metadata }) => metadata.name),
      ['same'],
    )
    t.same((await store.list('WorkloadEndpoint')).map(({ metadata }) => metadata.namespace).sort(), [
      'shop',
      'shop-2',
    ])
    const { name } = workload('shop-2', 'web').metadata
    t.equal((await store.get('WorkloadEndpoint', name, 'shop-2'))?.metadata.namespace, 'shop-2')
    t.same(await store.list('BGPPeer'), [])
  })

  t.test('sequence numbers above 2^53 survive', async (t) => {
    const { open } = await start(t)
    const store = open()
    const sequence = (n: bigint) => ({ sequenceNumber: n, sequenceNumberForAllocation: { 0: n - 1n } })
    const created = await store.create(block('10.66.12.64/30', sequence(1772600767000000012n)))
    const { spec } = created as { spec: { sequenceNumber: bigint } }
    await store.update({ ...created, spec: { ...spec, ...sequence(spec.sequenceNumber + 1n) } })
    const read = (await open().get('IPAMBlock', created.metadata.name)) as { spec?: unknown }
    t.match(read.spec, sequence(1772600767000000013n))
  })

  t.test('of many writers, each conditional write wins once', async (t) => {
    const { open } = await start(t)
    const [one, two] = [open(), open()]
    await one.create(pool('counter', { blockSize: 0 }))
    await Promise.all([one, two].map((store) => increment(store, 10)))
    t.match(await one.get('IPPool', 'counter'), { spec: { blockSize: 20 } })
  })

  t.test('a document that cannot be read is reported, and its last good version stays', async (t) => {
    const { open, spoil, mend } = await start(t)
    const created = await open().create(pool('a'))
    await open().create(pool('b'))
    const sink = recordingSink()
    open().watch(sink)
    await sink.until('in sync', () => sink.log.includes('in sync'))
    await spoil(created)
    await sink.until('a problem', () => sink.problems.size === 1)
    t.same([...sink.documents.keys()].sort(), ['IPPool/a', 'IPPool/b'], 'both are in force')
    await mend({ ...created, spec: { cidr: '10.67.0.0/16' } })
    await sink.until('healed', () => sink.problems.size === 0)
    await sink.until('the good version', () => field(sink, 'IPPool/a', 'cidr') === '10.67.0.0/16')
    t.notOk(sink.log.includes('delete IPPool/a'))
  })

  t.test('a store that is away keeps everything in force, and what was missed comes with it', async (t) => {
    const { open, outage, recover } = await start(t)
    const [gone, stays] = [await open().create(pool('gone')), await open().create(pool('stays'))]
    const sink = recordingSink()
    open().watch(sink)
    await sink.until('in sync', () => sink.log.includes('in sync'))
    await outage()
    await sink.until('the datastore is reported', () => sink.problems.has('datastore'))
    t.match(sink.problems.get('datastore'), [{ message: /^waiting for / }])
    t.equal(sink.documents.size, 2)
    await refused(t, open().get('IPPool', 'gone'), 'unavailable')
    await recover([gone])
    await sink.until('healed', () => !sink.problems.has('datastore'))
    await sink.until('the missed deletion', () => !sink.documents.has('IPPool/gone'))
    t.same([...sink.documents.values()], [stays])
    await open().create(pool('later'))
    await sink.until('a later change', () => sink.documents.has('IPPool/later'))
  })

  t.test('a closed datastore delivers nothing more', async (t) => {
    const { open } = await start(t)
    const [closing, staying] = [open(), open()]
    const [silent, sink] = [recordingSink(), recordingSink()]
    closing.watch(silent)
    staying.watch(sink)
    await silent.until('in sync', () => silent.log.includes('in sync'))
    await closing.close()
    const before = silent.log.length
    await open().create(pool('a'))
    await sink.until('the other sees it', () => sink.documents.has('IPPool/a'))
    t.equal(silent.log.length, before)
  })
}

/** The work fails with a StoreError of this reason; returns its message. */
export async function refused(
  t: Test,
  work: Promise<unknown>,
  reason: StoreError['reason'],
): Promise<string> {
  const outcome = await work.catch((error: unknown) => error)
  t.match(outcome, { name: 'StoreError', reason })
  return (outcome as Error).message
}

/** A pool; `name` is all that matters here. */
export function pool(name: string, spec: object = {}): Document {
  return document('IPPool', { name }, { cidr: '10.66.0.0/16', ...spec })
}

function node(name: string, ipv4Address: string): Document {
  return document('Node', { name }, { bgp: { ipv4Address } })
}

function workload(namespace: string, pod: string): Document {
  const name = `node--a-k8s-${pod}-eth0`
  return document('WorkloadEndpoint', { name, namespace }, { node: 'node-a', pod, interfaceName: 'cali1' })
}

/** An empty block. IPAM objects have no metadata but their name. */
export function block(cidr: string, spec: object = {}): Document {
  const free = { allocations: [null, null], unallocated: [0, 1], attributes: [] }
  const name = cidr.replaceAll(/[.:/]/g, '-')
  return document('IPAMBlock', { name }, { cidr, affinity: 'host:node-a', ...free, deleted: false, ...spec })
}

function document(kind: Document['kind'], metadata: Document['metadata'], spec: object): Document {
  return { apiVersion: 'projectcalico.org/v3', kind, metadata, spec }
}

/** Adds one to a field, as often as told, by read and conditional write. */
async function increment(store: Datastore, times: number): Promise<void> {
  for (let done = 0; done < times; ) {
    const read = (await store.get('IPPool', 'counter'))!
    const spec = read.spec as { blockSize: number }
    const written = store.update({ ...read, spec: { ...spec, blockSize: spec.blockSize + 1 } })
    await written.then(
      () => done++,
      (error) => {
        if (error.reason !== 'conflict') throw error
      },
    )
  }
}

/** A field of the spec of a document in force. */
export function field(sink: RecordingSink, id: string, name: string): unknown {
  return (sink.documents.get(id)?.spec as Record<string, unknown> | undefined)?.[name]
}
