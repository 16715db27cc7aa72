// Services announced by an agent whose datastore is files: from the API double beside it, through its troubles.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { Services } from '../../src/agent/services.ts'
import type { FeedSink } from '../../src/cluster/feed.ts'
import { ClusterView } from '../../src/cluster/view.ts'
import { openDatastore } from '../../src/edge/datastore/index.ts'
import { apiClient } from '../../src/edge/datastore/kubernetes/client.ts'
import { feedTiming } from '../../src/edge/datastore/kubernetes/feed.ts'
import { watchServices } from '../../src/edge/datastore/kubernetes/services.ts'
import { systemClock } from '../../src/edge/system-clock.ts'
import { Plan } from '../../src/plan/plan.ts'
import { bgpConfiguration, node, pool } from '../kit/documents.ts'
import { expired } from '../kit/kubernetes/failure.ts'
import { type KubernetesServer, startKubernetes, TOKEN } from '../kit/kubernetes/server.ts'
import { settings } from '../kit/plan.ts'
import { until } from '../kit/until.ts'

/** An agent as far as it is concerned with services, on node `a`. */
async function start(t: Test, server: KubernetesServer) {
  const path = await mkdtemp(join(tmpdir(), 'caracal-services-'))
  const view = new ClusterView()
  const plan = new Plan('a', settings)
  const sink: FeedSink = {
    set: (document) => void view.apply(document).map((change) => plan.cluster(change)),
    delete: (id) => void view.remove(id).map((change) => plan.cluster(change)),
    inSync: () => {},
    problem: (problem) => view.problems.add(problem),
    healed: (subject) => view.problems.replace(subject, []),
  }
  const client = apiClient({ kubeconfig: await server.kubeconfig(TOKEN) })
  const services = new Services({
    watch: (sink) => {
      const end = watchServices(client, sink, { ...feedTiming, relist: 10, patience: 50 })
      return async () => end()
    },
    sink,
    clock: systemClock,
    onSettled: () => {},
  })
  const datastore = openDatastore({ type: 'file', path })
  t.teardown(async () => {
    await services.stop()
    client.close()
    await datastore.close()
    await rm(path, { recursive: true })
  })
  const announced = (): string[] => {
    services.need(plan.needsServices)
    plan.settle()
    return [...plan.originations.keys()].sort()
  }
  datastore.watch(sink)
  return {
    services,
    view,
    announced,
    write: (spec: object) =>
      writeFile(
        join(path, 'cluster.json'),
        JSON.stringify({
          apiVersion: 'v1',
          kind: 'List',
          items: [
            node('a', '10.0.0.1/24'),
            pool('pods', '10.65.0.0/16'),
            bgpConfiguration('default', { ...spec }),
          ],
        }),
      ),
    becomes: (what: string, ...wanted: string[]) =>
      until(what, () => announced().join() === ['203.0.113.0/24', ...wanted].sort().join()),
  }
}

const EXTERNAL = { serviceExternalIPs: [{ cidr: '203.0.113.0/24' }] }

function putService(server: KubernetesServer, name: string, address: string): void {
  const spec = { clusterIP: '10.96.0.10', externalIPs: [address], externalTrafficPolicy: 'Local' }
  server.put('services', { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: 'web' }, spec })
}

function putEndpoint(server: KubernetesServer, service: string, ready: boolean): void {
  const labels = { 'kubernetes.io/service-name': service }
  server.put('endpointslices', {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: `${service}-x`, namespace: 'web', labels },
    addressType: 'IPv4',
    endpoints: [{ addresses: ['10.65.0.2'], nodeName: 'a', conditions: { ready } }],
  })
}

t.test(
  'the API is asked when the configuration says so, and left alone when it says so no more',
  async (t) => {
    const server = await startKubernetes(t)
    putService(server, 'www', '203.0.113.7')
    putEndpoint(server, 'www', true)
    const agent = await start(t, server)
    await agent.write({})
    await until('the node is known', () => agent.view.get('Node', 'a') !== undefined)
    t.same([agent.announced(), server.calls.length], [[], 0])
    await agent.write(EXTERNAL)
    await agent.becomes('range and address', '203.0.113.7/32')
    await until('both are followed', () => server.watches.size === 2)
    await agent.write({})
    await until('nothing is announced', () => agent.announced().length === 0)
    await until('nothing is followed', () => server.watches.size === 0)
    t.same([...agent.view.all('Service')], [])
  },
)

t.test('endpoints that flap, an API server that is away, and one that has forgotten the past', async (t) => {
  const server = await startKubernetes(t)
  putService(server, 'www', '203.0.113.7')
  const agent = await start(t, server)
  await agent.write(EXTERNAL)
  for (const ready of [true, false, true, false, true]) {
    putEndpoint(server, 'www', ready)
    await agent.becomes(`ready: ${ready}`, ...(ready ? ['203.0.113.7/32'] : []))
  }
  await server.stop()
  await until('that is said', () => agent.view.problems.list().some(({ subject }) => subject === 'services'))
  t.same(agent.announced(), ['203.0.113.0/24', '203.0.113.7/32'], 'and changes nothing')
  putEndpoint(server, 'www', false)
  putService(server, 'new', '203.0.113.8')
  putEndpoint(server, 'new', true)
  server.store.compact()
  await server.start()
  await agent.becomes('what happened meanwhile', '203.0.113.8/32')
  await until('that is over', () => agent.view.problems.list().length === 0)
  let gone = 0
  server.fault = ({ verb }) => (verb === 'watch' && gone++ < 4 ? expired('watch') : undefined)
  for (const watch of server.watches) watch.cut()
  putEndpoint(server, 'www', true)
  await agent.becomes('after 410 on both', '203.0.113.7/32', '203.0.113.8/32')
})

t.test('a thousand services come in pages, and one that changes costs one event', async (t) => {
  const server = await startKubernetes(t)
  for (let n = 0; n < 1_000; n++) {
    putService(server, `s${n}`, `203.0.${112 + (n >> 8)}.${n & 255}`)
    putEndpoint(server, `s${n}`, true)
  }
  const agent = await start(t, server)
  await agent.write({ serviceExternalIPs: [{ cidr: '203.0.112.0/22' }] })
  await until('all of them', () => agent.announced().length === 1_001)
  await until('both are followed', () => server.watches.size === 2)
  t.equal(server.calls.filter(({ verb }) => verb === 'list').length, 8, 'four pages each')
  const before = server.calls.length
  putEndpoint(server, 's7', false)
  await until('one less', () => agent.announced().length === 1_000)
  t.equal(server.calls.length, before, 'nothing is asked for')
})
