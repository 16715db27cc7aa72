// Which CalicoNodeStatus resources a node fills in, when, and at what cost, on a real etcd and on the API double.

import t, { type Test } from 'tap'
import { NodeStatuses } from '../../src/agent/node-statuses.ts'
import {
  type Datastore,
  type Document,
  type FeedSink,
  resourceId,
  StoreError,
} from '../../src/cluster/feed.ts'
import { ClusterView } from '../../src/cluster/view.ts'
import { openDatastore } from '../../src/edge/datastore/index.ts'
import { startEtcd } from '../kit/etcd.ts'
import { startKubernetes, TOKEN } from '../kit/kubernetes/server.ts'
import { FakeClock } from '../kit/reconciler.ts'
import { document } from '../kit/resources.ts'
import { recordingSink } from '../kit/sink.ts'
import { until } from '../kit/until.ts'

const asked = (name: string, node: string, updatePeriodSeconds = 0) =>
  document('CalicoNodeStatus', { node, classes: ['BGP'], updatePeriodSeconds }, { name })

const statusOf = (found: Document | undefined) =>
  found?.status as { bgp?: { up: number }; lastUpdated: string }

function follow(t: Test, datastore: Pick<Datastore, 'get' | 'update'>) {
  const clock = new FakeClock()
  const view = new ClusterView()
  const said = { up: 1, isReady: true }
  const log: string[] = []
  const statuses = new NodeStatuses({
    datastore,
    nodename: 'node-a',
    clock,
    now: () => 1_772_600_767_000 + clock.now(),
    log: {
      info: (_: object, text: string) => log.push(text),
      warn: (_: object, text: string) => log.push(text),
    } as never,
    report: () => (said.isReady ? { bgp: { up: said.up } } : undefined),
  })
  t.teardown(() => statuses.stop())
  const sink: Pick<FeedSink, 'set' | 'delete'> = {
    set: (one) => void view.apply(one).map((change) => statuses.changed(change)),
    delete: (id) => void view.remove(id).map((change) => statuses.changed(change)),
  }
  return { clock, said, sink, log }
}

/** A datastore that holds what the test puts in it, and counts. */
function counting(fail: () => Error | undefined = () => undefined) {
  const held = new Map<string, Document>()
  const calls: string[] = []
  let revision = 0
  const put = (one: Document): Document => {
    const stored = { ...one, metadata: { ...one.metadata, resourceVersion: String(++revision) } }
    held.set(resourceId(one.kind, one.metadata.name), stored)
    return stored
  }
  return {
    put,
    calls,
    status: (name: string) => statusOf(held.get(`CalicoNodeStatus/${name}`)),
    get: async (kind: 'CalicoNodeStatus', name: string) => {
      calls.push('get')
      return held.get(resourceId(kind, name))
    },
    update: async (one: Document) => {
      calls.push('update')
      const error = fail()
      if (error) throw error
      if (
        held.get(resourceId(one.kind, one.metadata.name))?.metadata.resourceVersion !==
        one.metadata.resourceVersion
      )
        throw new StoreError('conflict', 'changed')
      return put(one)
    },
  }
}

const settled = () => new Promise((resolve) => setImmediate(resolve))

t.test('at once, then in its period, and only when there is something new', async (t) => {
  const store = counting()
  const { clock, said, sink } = follow(t, store as never)
  sink.set(store.put(asked('mine', 'node-a', 10)))
  store.put(asked('other', 'node-b', 10))
  sink.set(asked('other', 'node-b', 10))
  clock.advance(0)
  await settled()
  t.same(store.status('mine'), { bgp: { up: 1 }, lastUpdated: '2026-03-04T05:06:07Z' })
  t.equal(store.status('other'), undefined, 'another node is asked')
  for (let n = 0; n < 5; n++) {
    clock.advance(10_000)
    await settled()
  }
  t.same(store.calls, ['get', 'update'], 'nothing new, nothing asked')
  said.up = 2
  clock.advance(10_000)
  await settled()
  t.match(store.status('mine'), { bgp: { up: 2 }, lastUpdated: '2026-03-04T05:07:07Z' })
  t.same(store.calls, ['get', 'update', 'update'])
  sink.delete('CalicoNodeStatus/mine')
  t.equal(clock.next(), undefined, 'none is looked after any more')
})

t.test(
  'without period once, and again when it is changed, as soon as there is something to say',
  async (t) => {
    const store = counting()
    const { clock, said, sink } = follow(t, store as never)
    said.isReady = false
    sink.set(store.put(asked('mine', 'node-a')))
    clock.advance(0)
    await settled()
    t.same(store.calls, [])
    said.isReady = true
    clock.advance(1_000)
    await settled()
    t.match(store.status('mine'), { bgp: { up: 1 } })
    t.equal(clock.next(), undefined)
    said.up = 3
    sink.set(store.put({ ...asked('mine', 'node-a', 60) }))
    clock.advance(0)
    await settled()
    t.match(store.status('mine'), { bgp: { up: 3 } })
  },
)

t.test('others that write at the same time, and a datastore that refuses', async (t) => {
  let error: Error | undefined
  const store = counting(() => error)
  const { clock, said, sink, log } = follow(t, store as never)
  sink.set(store.put(asked('mine', 'node-a', 10)))
  clock.advance(0)
  await settled()
  store.put({ ...asked('mine', 'node-a', 10), metadata: { name: 'mine', labels: { seen: 'yes' } } })
  said.up = 2
  clock.advance(10_000)
  await settled()
  t.match(store.status('mine'), { bgp: { up: 2 } }, 'read again after a conflict')
  error = new StoreError('unavailable', 'away')
  said.up = 3
  for (let n = 0; n < 3; n++) {
    clock.advance(10_000)
    await settled()
  }
  error = undefined
  clock.advance(10_000)
  await settled()
  t.match(store.status('mine'), { bgp: { up: 3 } })
  t.same(log, ['status cannot be written', 'status written again'])
})

/** Puts one into a datastore, and waits until it is filled in there. */
async function fills(
  t: Test,
  datastore: Datastore,
  create: () => Promise<unknown> | unknown,
): Promise<Document> {
  const { clock, sink } = follow(t, datastore)
  const heard = recordingSink()
  const both: FeedSink = {
    ...heard,
    set(document) {
      sink.set(document)
      heard.set(document)
    },
  }
  datastore.watch(both)
  await create()
  await until('the status', () => {
    clock.advance(0)
    return statusOf(heard.documents.get('CalicoNodeStatus/mine') as Document)?.bgp !== undefined
  })
  return (await datastore.get('CalicoNodeStatus', 'mine'))!
}

t.test('in a real etcd, under the key of Calico', async (t) => {
  const server = await startEtcd(t)
  const datastore = openDatastore({ type: 'etcdv3', endpoints: [server.url] })
  t.teardown(() => datastore.close())
  const found = await fills(t, datastore, () => datastore.create(asked('mine', 'node-a')))
  t.match(found, { spec: { node: 'node-a', classes: ['BGP'] }, status: { bgp: { up: 1 } } })
  const key = '/calico/resources/v3/projectcalico.org/caliconodestatuses/mine'
  t.match(JSON.parse(await server.ctl('get', '--print-value-only', key)), {
    kind: 'CalicoNodeStatus',
    status: { bgp: { up: 1 }, lastUpdated: /^2026-03-04T/ },
  })
})

for (const layout of ['crd', 'native'] as const) {
  t.test(`in the Kubernetes API, ${layout} layout, by its status subresource`, async (t) => {
    const server = await startKubernetes(t, { layouts: [layout] })
    const kubeconfig = await server.kubeconfig(TOKEN)
    const datastore = openDatastore({ type: 'kubernetes', kubeconfig, nodename: 'node-a' })
    t.teardown(() => datastore.close())
    const found = await fills(t, datastore, () => datastore.create(asked('mine', 'node-a')))
    t.match(found, { spec: { node: 'node-a' }, status: { bgp: { up: 1 } } })
    const writes = server.calls.filter(({ method }) => method === 'PUT')
    t.match(writes, [{ resource: 'caliconodestatuses', path: /\/mine\/status$/ }])
    t.equal(writes.length, 1)
  })
}

t.test(
  'an older Calico has no subresource, and its role no right to one: the object is written',
  async (t) => {
    const server = await startKubernetes(t)
    server.allows = (_, { path }) => !path.endsWith('/status')
    const datastore = openDatastore({ type: 'kubernetes', kubeconfig: await server.kubeconfig(TOKEN) })
    t.teardown(() => datastore.close())
    const created = await datastore.create(asked('mine', 'node-a'))
    await datastore.update({ ...created, status: { bgp: { up: 1 } } })
    const writes = server.calls.filter(({ method }) => method === 'PUT').map(({ path }) => path)
    const path = '/apis/crd.projectcalico.org/v1/caliconodestatuses/mine'
    t.same(writes, [`${path}/status`, path])
  },
)
