// The roles of the manifests grant what the agent asks the API server for, and nothing else: what it asks is done here, by
// the code that does it, and noted by the double of the API server.

import t from 'tap'
import { kubernetesAccess } from '../../src/agent/kubernetes-access.ts'
import type { Datastore, Document } from '../../src/cluster/feed.ts'
import type { Settings } from '../../src/config/settings.ts'
import { apiClient } from '../../src/edge/datastore/kubernetes/client.ts'
import { eventWriter } from '../../src/edge/datastore/kubernetes/events.ts'
import { kubernetesDatastore } from '../../src/edge/datastore/kubernetes/index.ts'
import { watchServices } from '../../src/edge/datastore/kubernetes/services.ts'
import { reconcileTunnelAddresses } from '../../src/ipam/tunnel-addresses.ts'
import { nodeObject } from '../kit/datastore/kubernetes.ts'
import { ipamOver, pool } from '../kit/ipam.ts'
import { notFound } from '../kit/kubernetes/failure.ts'
import type { Layout } from '../kit/kubernetes/resources.ts'
import { type Call, type KubernetesServer, startKubernetes, TOKEN } from '../kit/kubernetes/server.ts'
import { recordingSink } from '../kit/sink.ts'
import { until } from '../kit/until.ts'
import { find, type KubernetesObject, rendered } from './rendered.ts'

t.test('kubernetes: the roles are what the agent asks for', async (t) => {
  const asked = new Set<string>()
  for (const layout of ['crd', 'native'] as const) {
    const { server, settings } = await start(t, layout)
    const store = kubernetesDatastore(settings)
    t.teardown(() => store.close())
    await follow(server, (to) => store.watch(to))
    await live(server, store)
    await serve(t, server, settings)
    for (const call of server.calls) for (const one of grantOf(call)) asked.add(one)
  }
  t.same(granted('kubernetes'), [...asked].sort())
})

t.test('etcd: the roles are what the agent asks of Kubernetes beside its datastore', async (t) => {
  const { server, settings } = await start(t, 'crd')
  await serve(t, server, settings)
  t.same(granted('etcd'), [...new Set(server.calls.flatMap(grantOf))].sort())
})

async function start(t: Parameters<typeof startKubernetes>[0], layout: Layout) {
  const server = await startKubernetes(t, { layouts: [layout] })
  server.put('nodes', nodeObject('node-a', { 'projectcalico.org/IPv4Address': '172.20.0.11/24' }))
  return { server, settings: { kubeconfig: await server.kubeconfig(TOKEN), nodename: 'node-a' } }
}

async function follow(
  server: KubernetesServer,
  watch: (to: ReturnType<typeof recordingSink>) => unknown,
): Promise<void> {
  const to = recordingSink()
  watch(to)
  await to.until('all is listed', () => to.log.includes('in sync'))
  await until('each list is followed', () => {
    const of = (verb: string) => server.calls.filter((call) => call.verb === verb).map(({ path }) => path)
    return new Set(of('watch')).size === new Set(of('list')).size
  })
}

/** What src/agent, src/startup and src/ipam write and read by name. */
async function live(server: KubernetesServer, store: Datastore): Promise<void> {
  const vxlan = pool('a', '10.66.0.0/28', { ipipMode: 'Never', vxlanMode: 'Always', blockSize: 30 })
  await store.list('IPPool')
  await store.list('Node')
  await store.create(document('IPPool', 'a', { cidr: '10.66.0.0/28', blockSize: 30, natOutgoing: true }))
  await store.get('FelixConfiguration', 'default')
  await store.create(document('FelixConfiguration', 'default', { logSeverityScreen: 'Info' }))
  await store.get('ClusterInformation', 'default')
  const information = await store.create(document('ClusterInformation', 'default', { datastoreReady: true }))
  await store.update({ ...information, spec: { datastoreReady: true, clusterType: 'k8s' } })
  await reconcileTunnelAddresses(ipamOver(store, { pools: [vxlan] }), 'node-a')
  await reconcileTunnelAddresses(ipamOver(store, { pools: [] }), 'node-a')
  for (const kind of ['BlockAffinity', 'IPAMBlock'] as const)
    for (const { metadata } of await store.list(kind)) await store.delete(kind, metadata.name)
  const { group, version } = server.resource('caliconodestatuses')
  server.put('caliconodestatuses', {
    apiVersion: `${group}/${version}`,
    kind: 'CalicoNodeStatus',
    metadata: { name: 'a', uid: 'a', creationTimestamp: '2026-03-04T05:06:07Z' },
    spec: { node: 'node-a', classes: ['Agent'], updatePeriodSeconds: 10 },
  })
  const status = await store.get('CalicoNodeStatus', 'a')
  const asked = await store.update({ ...status!, status: { lastUpdated: '2026-03-04T05:06:07Z' } })
  // CRDs of older Calicos have no status apart.
  const resource = server.resource('caliconodestatuses')
  server.fault = ({ path }) => (path.endsWith('/a/status') ? notFound(resource, 'a') : undefined)
  await store.update({ ...asked, status: { lastUpdated: '2026-03-04T05:06:08Z' } })
}

/** What it does in Kubernetes with any datastore. */
async function serve(
  t: { teardown(run: () => unknown): void },
  server: KubernetesServer,
  settings: { readonly kubeconfig: string; readonly nodename: string },
): Promise<void> {
  const client = apiClient(settings)
  t.teardown(() => client.close())
  const access = kubernetesAccess(client, { ...settings, datastoreType: 'etcdv3' } as Settings)
  await access.facts('node-a')
  const at = '2026-03-04T05:06:07Z'
  const times = { lastHeartbeatTime: at, lastTransitionTime: at }
  const condition = {
    type: 'NetworkUnavailable',
    status: 'False',
    reason: 'a',
    message: 'b',
    ...times,
  } as const
  await access.setCondition('node-a', condition)
  await access.requestToken('calico-cni-plugin', 600).catch(() => {}) // the double has no such thing; it was asked
  await follow(server, (to) => t.teardown(watchServices(client, to)))
  const write = eventWriter(client, 'node-a')
  const event = { type: 'Normal', reason: 'a', message: 'b', first: 0, last: 0 } as const
  for (const count of [1, 2]) await write({ ...event, count })
}

/** The role for the namespace in which Events on Nodes live. */
const EVENTS = 'calico-node-events'

/** What a role has to grant: `list crd.projectcalico.org ippools`, `create  serviceaccounts/token calico-cni-plugin`. */
function grantOf({ verb, method, path }: Call): string[] {
  const [, group = '', rest = ''] = /^\/(?:api|apis\/([^/]+))\/v\d+\/(.+)$/.exec(path) ?? []
  if (rest === '') return [] // discovery is open to all
  const [plural, name, subresource] = rest.replace(/^namespaces\/[^/]+\//, '').split('/')
  const resource = subresource === undefined ? plural : `${plural}/${subresource}`
  const named = plural === 'configmaps' || resource === 'serviceaccounts/token' ? ` ${name}` : ''
  return [
    `${verb === 'other' ? method.toLowerCase().replace('post', 'create') : verb} ${group} ${resource}${named}`,
  ]
}

function granted(manifest: string): string[] {
  const objects = rendered(manifest)
  const roles = [find(objects, 'ClusterRole'), find(objects, 'Role'), find(objects, 'Role', EVENTS)]
  const rules = roles.flatMap((role) => role.rules)
  const all = rules.flatMap(({ apiGroups, resources, verbs, resourceNames = [''] }: KubernetesObject) =>
    apiGroups.flatMap((group: string) =>
      resources.flatMap((resource: string) =>
        verbs.flatMap((verb: string) =>
          resourceNames.map((name: string) => `${verb} ${group} ${resource} ${name}`.trimEnd()),
        ),
      ),
    ),
  )
  // Each layout has a name of its own for one kind.
  const isServed = (grant: string) =>
    !/ crd\.projectcalico\.org ipamconfigurations| projectcalico\.org ipamconfigs/.test(grant)
  return [...new Set<string>(all)].filter(isServed).sort()
}

function document(kind: Document['kind'], name: string, spec: object): Document {
  return { apiVersion: 'projectcalico.org/v3', kind, metadata: { name }, spec }
}
