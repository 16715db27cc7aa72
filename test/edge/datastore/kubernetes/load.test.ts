// What a quiet cluster, a large one and a slow reader cost: hardly a request, no memory that stays.

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import { pool } from '../../../kit/datastore/contract.ts'
import { podObject, putDocument } from '../../../kit/datastore/kubernetes.ts'
import type { KubernetesServer } from '../../../kit/kubernetes/server.ts'
import { virtualCluster } from '../../../kit/kubernetes/virtual.ts'
import { until } from '../../../kit/until.ts'

const count = ({ calls }: KubernetesServer, verb: string, resource: string) =>
  calls.filter((call) => call.verb === verb && call.resource === resource).length

t.test('an hour in which nothing happens: watches are renewed, and nothing is listed', async (t) => {
  const { server, follow } = await virtualCluster(t)
  const { asked, pass } = await follow()
  await pass(1_000)
  const [before, watches] = [asked(), server.watches.size]
  for (let n = 0; n < 100; n++) putDocument(server, pool(`pool-${n}`), 'crd')
  await pass(60_000)
  t.equal(asked(), before, 'changes are told, not fetched')
  await pass(3_600_000)
  t.ok(asked() - before <= 12 * watches + 2, `${asked() - before} requests`) // each 5 to 10 minutes, and a look each half hour
  t.equal(server.calls.filter(({ verb }) => verb === 'list').length, watches)
})

t.test('5,000 pods on resync: pages, none lost, and no memory that stays', async (t) => {
  const { server, follow } = await virtualCluster(t)
  for (let n = 0; n < 5_000; n++)
    server.put('pods', podObject('shop', `pod-${n}`, { ip: `10.66.${n >> 8}.${n & 255}` }))
  const { sink, pass } = await follow()
  await pass(1_000)
  await sink.until('in sync', () => sink.log.includes('in sync'))
  t.equal(sink.documents.size, 5_000)
  const heap = used()
  for (let round = 0; round < 2; round++) {
    const lists = count(server, 'list', 'pods')
    for (const watch of [...server.watches]) if (watch.resource.plural === 'pods') watch.line('{"type":')
    await until('the line is read', () =>
      [...server.watches].every(({ resource: { plural } }) => plural !== 'pods'),
    )
    server.remove('pods', `pod-${round}`, 'shop')
    await pass(2_000)
    await until('pages of 250', () => count(server, 'list', 'pods') - lists === 20)
    await sink.until('the pod is gone', () => sink.documents.size === 4_999 - round)
    await until('watched again', () => [...server.watches].some(({ resource }) => resource.plural === 'pods'))
  }
  t.ok(used() - heap < 20, `${used() - heap} MiB more`)
})

t.test('a reader that is slow holds the stream up, and reads all of it in the end', async (t) => {
  const { server, follow } = await virtualCluster(t)
  const { sink, unread, pass } = await follow()
  await pass(1_000)
  const { set } = sink
  let most = 0
  Object.assign(sink, {
    set(document: Parameters<typeof set>[0]) {
      const end = performance.now() + 2 // as much work as a pod is in a large plan
      while (performance.now() < end);
      most = Math.max(most, unread())
      set.call(sink, document)
    },
  })
  const note = 'x'.repeat(50_000)
  for (let n = 0; n < 500; n++)
    server.put('pods', podObject('shop', `pod-${n}`, { annotations: { note, ...addressed(n) } }))
  await sink.until('all pods', () => sink.documents.size === 500)
  t.ok(most > 0 && most < 500_000, `${most} octets at most lie unread, of 25 MB`)
  t.equal(count(server, 'watch', 'pods'), 1, 'by one watch')
})

const addressed = (n: number) => {
  const ip = `10.66.${n >> 8}.${n & 255}/32`
  return { 'cni.projectcalico.org/podIP': ip, 'cni.projectcalico.org/podIPs': ip }
}

/** MiB in use, without what nobody holds. */
function used(): number {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  return Math.round(process.memoryUsage().heapUsed / 2 ** 20)
}
