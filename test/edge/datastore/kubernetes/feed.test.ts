// What the kubernetes feed makes of everything that an API server, and the way to it, can do.

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { KubernetesSettings } from '../../../../src/edge/datastore/kubernetes/config.ts'
import { type FeedTiming, feedTiming } from '../../../../src/edge/datastore/kubernetes/feed.ts'
import { kubernetesDatastore } from '../../../../src/edge/datastore/kubernetes/index.ts'
import { field, pool } from '../../../kit/datastore/contract.ts'
import { nodeObject, podObject, putDocument } from '../../../kit/datastore/kubernetes.ts'
import { expired, failure } from '../../../kit/kubernetes/failure.ts'
import { type KubernetesServer, startKubernetes, TOKEN } from '../../../kit/kubernetes/server.ts'
import { type RecordingSink, recordingSink } from '../../../kit/sink.ts'
import { until } from '../../../kit/until.ts'

const quick: FeedTiming = { ...feedTiming, relist: 10 }

function follow(t: Test, settings: KubernetesSettings, timing = quick): RecordingSink {
  const store = kubernetesDatastore({ nodename: 'node-a', ...settings }, timing)
  const sink = recordingSink()
  store.watch(sink)
  t.teardown(() => store.close())
  return sink
}

async function insync(t: Test, server: KubernetesServer, timing = quick): Promise<RecordingSink> {
  const sink = follow(t, { kubeconfig: await server.kubeconfig(TOKEN) }, timing)
  await sink.until('in sync', () => sink.log.includes('in sync'))
  return sink
}

const callsOf = ({ calls }: KubernetesServer, verb: string, resource: string) =>
  calls.filter((call) => call.verb === verb && call.resource === resource)

const put = (server: KubernetesServer, name: string, spec: object = {}) =>
  putDocument(server, pool(name, spec), 'crd')

t.test('one watch for each kind, own pods only, and nothing that no role allows', async (t) => {
  const server = await startKubernetes(t)
  await insync(t, server)
  const watched = server.calls.filter(({ verb }) => verb === 'watch')
  t.same(watched.map(({ resource }) => resource).sort(), [
    'bgpconfigurations',
    'bgpfilters',
    'bgppeers',
    'blockaffinities',
    'caliconodestatuses',
    'clusterinformations',
    'felixconfigurations',
    'ipamblocks',
    'ippools',
    'ipreservations',
    'nodes',
    'pods',
  ])
  t.equal(
    watched.find(({ resource }) => resource === 'pods')!.query.get('fieldSelector'),
    'spec.nodeName=node-a',
  )
  t.equal(callsOf(server, 'list', 'ippools').length, 1)
  t.notOk(server.calls.some(({ resource }) => resource === 'ipamhandles'))
})

t.test('a pod comes, terminates, loses its address and goes', async (t) => {
  const server = await startKubernetes(t)
  const sink = await insync(t, server)
  const id = 'WorkloadEndpoint/shop/node--a-k8s-web--0-eth0'
  server.put('pods', podObject('shop', 'elsewhere', { node: 'node-b' }))
  server.put('pods', podObject('shop', 'web-0'))
  await sink.until('the pod', () => sink.documents.has(id))
  t.match(sink.documents.get(id)!.spec, { interfaceName: 'calia4fc3c48bd8', ipNetworks: ['10.66.12.70/32'] })
  const gone = { 'cni.projectcalico.org/podIP': '', 'cni.projectcalico.org/podIPs': '' }
  server.put(
    'pods',
    podObject('shop', 'web-0', { annotations: gone, deletionTimestamp: '2026-03-04T05:06:07Z' }),
  )
  await sink.until('without address', () => (field(sink, id, 'ipNetworks') as unknown[]).length === 0)
  server.remove('pods', 'web-0', 'shop')
  await sink.until('gone', () => !sink.documents.has(id))
  t.equal(sink.documents.size, 0)
})

t.test('pages of a long list are put together', async (t) => {
  const server = await startKubernetes(t)
  for (let n = 0; n < 601; n++) server.put('nodes', nodeObject(`node-${n}`))
  const sink = await insync(t, server)
  t.equal(sink.documents.size, 601)
  t.equal(callsOf(server, 'list', 'nodes').length, 3)
})

t.test('a continue token that expires between two pages begins the list anew', async (t) => {
  const server = await startKubernetes(t)
  for (let n = 0; n < 300; n++) server.put('nodes', nodeObject(`node-${n}`))
  let refused = 0
  server.fault = ({ resource, query }) => {
    if (resource !== 'nodes' || !query.has('continue') || refused++ > 0) return undefined
    return expired('list')
  }
  const sink = await insync(t, server)
  t.equal(sink.documents.size, 300)
})

t.test('events cut anywhere arrive whole', async (t) => {
  const server = await startKubernetes(t)
  server.chunk = 7
  const sink = await insync(t, server)
  put(server, 'a', { nodeSelector: "rack == 'höchste\u2028Zeile'" })
  await sink.until('the pool', () => sink.documents.has('IPPool/a'))
  t.equal(field(sink, 'IPPool/a', 'nodeSelector'), "rack == 'höchste\u2028Zeile'")
})

t.test('after a bookmark the watch goes on from there', async (t) => {
  const server = await startKubernetes(t)
  const sink = await insync(t, server)
  put(server, 'a')
  await sink.until('a', () => sink.documents.has('IPPool/a'))
  server.store.revision = 5_000
  for (const watch of server.watches) {
    watch.bookmark()
    watch.end()
  }
  await until('watched again', () => callsOf(server, 'watch', 'ippools').length === 2)
  t.equal(callsOf(server, 'watch', 'ippools')[1]!.query.get('resourceVersion'), '5000')
  t.equal(callsOf(server, 'list', 'ippools').length, 1, 'without another list')
  t.notOk(sink.log.includes('not in sync'))
})

t.test(
  'a position that was compacted away is answered by a list, and what went meanwhile is deleted',
  async (t) => {
    const server = await startKubernetes(t)
    put(server, 'stays')
    put(server, 'goes')
    const sink = await insync(t, server)
    server.fault = ({ verb }) => (verb === 'watch' ? failure(503, 'ServiceUnavailable', 'away') : undefined)
    for (const watch of server.watches) watch.cut()
    server.remove('ippools', 'goes')
    server.store.compact()
    server.fault = () => undefined
    await sink.until('the deletion', () => !sink.documents.has('IPPool/goes'))
    t.ok(sink.documents.has('IPPool/stays'))
    put(server, 'later')
    await sink.until('later', () => sink.documents.has('IPPool/later'))
  },
)

t.test('a line that nobody can read is reported, and healed by a list', async (t) => {
  const server = await startKubernetes(t)
  const sink = await insync(t, server)
  for (const line of ['{"type": "ADDED", "obj', 'null', '{"type":"ADDED","object":{}}']) {
    const lists = callsOf(server, 'list', 'ippools').length
    for (const watch of server.watches) if (watch.resource.plural === 'ippools') watch.line(line)
    await until('listed again', () => callsOf(server, 'list', 'ippools').length > lists)
    await sink.until('healed', () => sink.problems.size === 0)
    t.ok(sink.log.includes('problem watch of IPPool'))
    await until('watched', () => [...server.watches].some(({ resource }) => resource.plural === 'ippools'))
  }
})

t.test('an ERROR event is tried again at the same revision', async (t) => {
  const server = await startKubernetes(t)
  const sink = await insync(t, server)
  const status = failure(500, 'InternalError', 'etcdserver: no leader').body
  for (const watch of server.watches) {
    watch.line(JSON.stringify({ type: 'ERROR', object: status }))
    watch.end()
  }
  put(server, 'a')
  await sink.until('the pool', () => sink.documents.has('IPPool/a'))
  t.equal(callsOf(server, 'list', 'ippools').length, 1)
})

t.test('a server restored from a backup, which is silent for good, is listed again', async (t) => {
  const server = await startKubernetes(t)
  put(server, 'a')
  const before = server.store.revision
  server.store.revision = 5_000
  const sink = await insync(t, server, { ...quick, watch: 500 })
  server.store.revision = before // and all our positions lie in its future
  await until('listed again', () => callsOf(server, 'list', 'ippools').length > 1)
  t.ok(sink.documents.has('IPPool/a'))
})

t.test('a kind that an old cluster lacks is in sync with nothing', async (t) => {
  const server = await startKubernetes(t)
  server.absent.add('bgpfilters')
  const sink = await insync(t, server)
  t.equal(sink.problems.size, 0)
})

t.test("a break that is over at once is nobody's business", async (t) => {
  const server = await startKubernetes(t)
  const sink = await insync(t, server)
  for (const watch of server.watches) watch.cut()
  put(server, 'a')
  await sink.until('the pool', () => sink.documents.has('IPPool/a'))
  t.same(sink.log, ['in sync', 'set IPPool/a'])
})

t.test('when all of Calico is uninstalled nothing is taken for deleted', async (t) => {
  const server = await startKubernetes(t)
  put(server, 'a')
  const sink = await insync(t, server)
  server.layouts = []
  for (const watch of server.watches) watch.cut()
  await sink.until('reported', () => sink.problems.has('datastore'))
  t.match(sink.problems.get('datastore')![0]!.message, /waiting for the Kubernetes API at https/)
  t.ok(sink.documents.has('IPPool/a'))
  server.layouts = ['crd']
  await sink.until('healed', () => !sink.problems.has('datastore'))
  t.notOk(sink.log.includes('delete IPPool/a'))
})

t.test('a token that is replaced is read again, and the trouble is over', async (t) => {
  const server = await startKubernetes(t)
  const serviceAccount = await mkdtemp(join(tmpdir(), 'caracal-account-'))
  t.teardown(() => rm(serviceAccount, { recursive: true }))
  await writeFile(join(serviceAccount, 'ca.crt'), await readFile(server.certificates.caFile))
  await writeFile(join(serviceAccount, 'token'), `${TOKEN}\n`)
  const { hostname: serviceHost, port } = new URL(server.url)
  const sink = follow(t, { serviceAccount, serviceHost, servicePort: Number(port) })
  await sink.until('in sync', () => sink.log.includes('in sync'))
  server.tokens.clear()
  for (const watch of server.watches) watch.cut()
  const said = () => sink.problems.get('datastore')?.[0]?.message ?? ''
  await sink.until('the reason', () => said().includes('Unauthorized'))
  server.tokens.set('another', 'calico-node')
  await writeFile(join(serviceAccount, 'token'), 'another')
  await sink.until('healed', () => !sink.problems.has('datastore'))
})

t.test('who has neither a kubeconfig nor a service account is told so', async (t) => {
  const sink = follow(t, { serviceAccount: '/nowhere' })
  await sink.until('reported', () => sink.problems.has('datastore'))
  t.match(sink.problems.get('datastore')![0]!.message, /KUBECONFIG is not set/)
})
