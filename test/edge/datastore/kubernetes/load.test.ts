// What a quiet cluster, a large one and a slow reader cost: no requests, no memory that stays.

import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t, { type Test } from 'tap'
import { feedTiming } from '../../../../src/edge/datastore/kubernetes/feed.ts'
import { kubernetesDatastore } from '../../../../src/edge/datastore/kubernetes/index.ts'
import { pool } from '../../../kit/datastore/contract.ts'
import { podObject, putDocument } from '../../../kit/datastore/kubernetes.ts'
import { type KubernetesServer, startKubernetes, TOKEN } from '../../../kit/kubernetes/server.ts'
import { type RecordingSink, recordingSink } from '../../../kit/sink.ts'
import { until } from '../../../kit/until.ts'

async function inSync(t: Test, server: KubernetesServer): Promise<RecordingSink> {
  const kubeconfig = await server.kubeconfig(TOKEN)
  const store = kubernetesDatastore({ nodename: 'node-a', kubeconfig }, { ...feedTiming, relist: 10 })
  t.teardown(() => store.close())
  const sink = recordingSink()
  store.watch(sink)
  await sink.until('in sync', () => sink.log.includes('in sync'))
  return sink
}

const count = ({ calls }: KubernetesServer, verb: string, resource: string) =>
  calls.filter((call) => call.verb === verb && call.resource === resource).length

t.test('while nothing happens nothing is asked', async (t) => {
  const server = await startKubernetes(t)
  await inSync(t, server)
  const before = server.calls.length
  for (let n = 0; n < 100; n++) putDocument(server, pool(`pool-${n}`), 'crd')
  await sleep(1_000)
  t.equal(server.calls.length, before, 'and changes are told, not fetched')
})

t.test('5,000 pods on resync: pages, none lost, and no memory that stays', async (t) => {
  const server = await startKubernetes(t)
  for (let n = 0; n < 5_000; n++)
    server.put('pods', podObject('shop', `pod-${n}`, { ip: `10.66.${n >> 8}.${n & 255}` }))
  const sink = await inSync(t, server)
  t.equal(sink.documents.size, 5_000)
  const heap = used()
  for (let round = 0; round < 2; round++) {
    const lists = count(server, 'list', 'pods')
    for (const watch of [...server.watches]) if (watch.resource.plural === 'pods') watch.line('{"type":')
    server.remove('pods', `pod-${round}`, 'shop')
    await until('listed again', () => count(server, 'list', 'pods') - lists === 20) // pages of 250
    await sink.until('the pod is gone', () => sink.documents.size === 4_999 - round)
    await until('watched again', () => [...server.watches].some(({ resource }) => resource.plural === 'pods'))
  }
  t.ok(used() - heap < 20, `${used() - heap} MiB more`)
})

t.test('a reader that is slow holds the stream up, and reads all of it in the end', async (t) => {
  const server = await startKubernetes(t)
  const sink = await inSync(t, server)
  const { set } = sink
  let taken = 0
  Object.assign(sink, {
    set(document: Parameters<typeof set>[0]) {
      const end = performance.now() + 2 // as much work as a pod is in a large plan
      while (performance.now() < end) taken++
      set.call(sink, document)
    },
  })
  for (let n = 0; n < 500; n++)
    server.put('pods', podObject('shop', `pod-${n}`, { ip: `10.66.${n >> 8}.${n & 255}` }))
  await sink.until('all pods', () => sink.documents.size === 500)
  t.ok(taken > 0)
  t.equal(count(server, 'watch', 'pods'), 1, 'by one watch')
})

/** MiB in use, without what nobody holds. */
function used(): number {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  return Math.round(process.memoryUsage().heapUsed / 2 ** 20)
}
