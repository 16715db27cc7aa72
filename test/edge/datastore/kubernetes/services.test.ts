// What an agent of any datastore hears of services, and what that costs the API server.

import t, { type Test } from 'tap'
import { apiClient } from '../../../../src/edge/datastore/kubernetes/client.ts'
import { feedTiming } from '../../../../src/edge/datastore/kubernetes/feed.ts'
import { watchServices } from '../../../../src/edge/datastore/kubernetes/services.ts'
import { type KubernetesServer, startKubernetes, TOKEN } from '../../../kit/kubernetes/server.ts'
import type { StoredObject } from '../../../kit/kubernetes/store.ts'
import { recordingSink } from '../../../kit/sink.ts'

async function follow(t: Test, server: KubernetesServer) {
  const sink = recordingSink()
  const kubeconfig = await server.kubeconfig(TOKEN)
  const client = apiClient({ kubeconfig })
  t.teardown(() => client.close())
  t.teardown(watchServices(client, sink, { ...feedTiming, relist: 10, patience: 50 }))
  await sink.until('in sync', () => sink.log.includes('in sync'))
  return sink
}

const metadata = (name: string, labels = {}) => ({ name, namespace: 'web', labels })
const service = (name: string, spec: object, labels = {}): StoredObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: metadata(name, labels),
  spec,
})
const slice = (name: string, ready: boolean): StoredObject => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: metadata(name, { 'kubernetes.io/service-name': 'www' }),
  addressType: 'IPv4',
  endpoints: [{ addresses: ['10.65.0.2'], conditions: { ready }, nodeName: 'node-a' }],
})

t.test(
  'one watch for services and one for their endpoints, without those that have no address',
  async (t) => {
    const server = await startKubernetes(t)
    server.put('services', service('www', { clusterIP: '10.96.0.10' }))
    server.put('services', service('none', { clusterIP: 'None' }, { 'service.kubernetes.io/headless': '' }))
    const sink = await follow(t, server)
    t.same([...sink.documents.keys()], ['Service/web/www'])
    t.same(server.calls.map(({ verb, resource }) => `${verb} ${resource}`).sort(), [
      'list endpointslices',
      'list services',
      'watch endpointslices',
      'watch services',
    ])
    server.put('endpointslices', slice('www-abcde', true))
    await sink.until('the slice', () => sink.documents.has('EndpointSlice/web/www-abcde'))
    t.match(sink.documents.get('EndpointSlice/web/www-abcde')!.spec, {
      addressType: 'IPv4',
      endpoints: [{ nodeName: 'node-a', conditions: { ready: true } }],
    })
    server.remove('endpointslices', 'www-abcde', 'web')
    await sink.until('gone', () => !sink.documents.has('EndpointSlice/web/www-abcde'))
  },
)

t.test(
  'a server that is away takes no service away, and its absence is said apart from the datastore',
  async (t) => {
    const server = await startKubernetes(t)
    server.put('services', service('www', { clusterIP: '10.96.0.10' }))
    const sink = await follow(t, server)
    await server.stop()
    await sink.until('trouble', () => sink.problems.has('services') && sink.log.includes('not in sync'))
    t.match(sink.problems.get('services'), [
      { message: /^waiting for the Kubernetes API at https:.*refused/ },
    ])
    t.ok(sink.documents.has('Service/web/www'))
    server.put('services', service('more', { clusterIP: '10.96.0.11' }))
    server.remove('services', 'www', 'web')
    await server.start()
    await sink.until(
      'back',
      () => sink.documents.has('Service/web/more') && !sink.documents.has('Service/web/www'),
    )
    await sink.until('healed', () => sink.problems.size === 0)
  },
)
