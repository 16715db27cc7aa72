// An API server in trouble, and what it costs: nothing is lost, and the requests are counted.

import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { kinds } from '../../../../src/cluster/feed.ts'
import { feedTiming } from '../../../../src/edge/datastore/kubernetes/feed.ts'
import { kubernetesDatastore } from '../../../../src/edge/datastore/kubernetes/index.ts'
import { pool } from '../../../kit/datastore/contract.ts'
import { nodeObject, putDocument } from '../../../kit/datastore/kubernetes.ts'
import { expired, failure } from '../../../kit/kubernetes/failure.ts'
import { type KubernetesServer, startKubernetes, TOKEN } from '../../../kit/kubernetes/server.ts'
import { type RecordingSink, recordingSink } from '../../../kit/sink.ts'
import { until } from '../../../kit/until.ts'

/** All but handles, which are read when they are needed. */
const KINDS = kinds.length - 1

async function follow(t: Test, server: KubernetesServer): Promise<RecordingSink> {
  const kubeconfig = await server.kubeconfig(TOKEN)
  const store = kubernetesDatastore({ nodename: 'node-a', kubeconfig }, { ...feedTiming, relist: 10 })
  t.teardown(() => store.close())
  const sink = recordingSink()
  store.watch(sink)
  return sink
}

async function inSync(t: Test, server: KubernetesServer): Promise<RecordingSink> {
  const sink = await follow(t, server)
  await sink.until('in sync', () => sink.log.includes('in sync'))
  return sink
}

const put = (server: KubernetesServer, name: string) => putDocument(server, pool(name), 'crd')

const lists = ({ calls }: KubernetesServer) => calls.filter(({ verb }) => verb === 'list').length

t.test(
  'a server that is down at the start is knocked at ever more rarely, and found when it is back',
  async (t) => {
    const server = await startKubernetes(t)
    put(server, 'a')
    server.fault = () => failure(503, 'ServiceUnavailable', 'etcd is away')
    const sink = await follow(t, server)
    await sleep(3_000)
    const before = server.calls.length
    await sleep(4_000)
    t.ok(server.calls.length - before <= 2 * KINDS, `${server.calls.length - before} requests in a moment`)
    t.match(sink.problems.get('datastore')?.[0]?.message, /waiting for the Kubernetes API/)
    server.fault = () => undefined
    await sink.until('in sync', () => sink.log.includes('in sync'))
    t.ok(sink.documents.has('IPPool/a'))
    t.equal(sink.problems.size, 0)
  },
)

t.test('what our role does not allow is asked for rarely', async (t) => {
  const server = await startKubernetes(t)
  server.allows = (_, { resource }) => resource !== 'bgpfilters'
  const sink = await follow(t, server)
  await until('all others are watched', () => server.watches.size === KINDS - 2) // one is read by its name
  await sink.until('told', () => sink.problems.has('datastore'))
  const before = server.calls.length
  await sleep(2_000)
  t.ok(server.calls.length - before <= 2, `${server.calls.length - before} requests in two seconds`)
})

t.test('410 on every kind at once costs one list each, and loses nothing', async (t) => {
  const server = await startKubernetes(t)
  for (const name of ['stays', 'goes']) put(server, name)
  server.put('nodes', nodeObject('node-b'))
  const sink = await inSync(t, server)
  const before = lists(server)
  const { body } = expired('watch')
  const watches = [...server.watches]
  server.remove('ippools', 'goes')
  for (const watch of watches) {
    watch.line(JSON.stringify({ type: 'ERROR', object: body }))
    watch.end()
  }
  server.store.compact()
  put(server, 'new')
  await sink.until('all of it', () => sink.documents.has('IPPool/new') && !sink.documents.has('IPPool/goes'))
  await until('watched again', () => server.watches.size === watches.length)
  t.ok(sink.documents.has('IPPool/stays') && sink.documents.has('Node/node-b'))
  t.equal(lists(server) - before, watches.length)
  t.notOk(sink.log.includes('not in sync'))
})

t.test('a watch that is cut in the middle of a line goes on from the last whole one', async (t) => {
  const server = await startKubernetes(t)
  const sink = await inSync(t, server)
  const before = lists(server)
  for (let n = 0; n < 50; n++) {
    put(server, `pool-${n}`)
    for (const watch of server.watches) {
      if (watch.resource.plural !== 'ippools') continue
      watch.half('{"type":"MODIFIED","object":{"apiVersion":"crd.projectcalico')
      watch.cut()
    }
    await until('watched again', () =>
      [...server.watches].some(({ resource }) => resource.plural === 'ippools'),
    )
  }
  await sink.until('all pools', () => sink.documents.size === 50)
  t.equal(lists(server), before, 'without a list')
})
