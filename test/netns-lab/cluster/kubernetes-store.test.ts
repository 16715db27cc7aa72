// What the lab writes to a Kubernetes API in the place of kubelet, calico-node and the CNI plugin.

import t, { type Test } from 'tap'
import { workloadDocument } from '../../../netns-lab/cluster/documents.ts'
import { openKubernetes } from '../../../netns-lab/cluster/kubernetes-store.ts'
import { put, type Store } from '../../../netns-lab/cluster/store.ts'
import { podOf } from '../../../netns-lab/topology/index.ts'
import type { Document, StoreError } from '../../../src/cluster/feed.ts'
import { address } from '../../../src/inet/address.ts'
import { type KubernetesServer, startKubernetes, TOKEN } from '../../kit/kubernetes/server.ts'

async function start(t: Test): Promise<{ server: KubernetesServer; store: Store }> {
  const server = await startKubernetes(t)
  const store = openKubernetes({ type: 'kubernetes', kubeconfig: await server.kubeconfig(TOKEN) })
  t.teardown(() => store.close())
  return { server, store }
}

const node = (labels: Document['metadata']['labels'], bgp: object): Document => ({
  apiVersion: 'projectcalico.org/v3',
  kind: 'Node',
  metadata: { name: 'node-a', labels: labels! },
  spec: { addresses: [{ type: 'InternalIP', address: '172.20.0.11' }], bgp },
})

t.test('a Node is registered by kubelet, and annotated', async (t) => {
  const { server, store } = await start(t)
  const bgp = { ipv4Address: '172.20.0.11/24', asNumber: 64600 }
  const stored = await put(store, node({ rack: 'r1' }, bgp))
  t.match(stored.spec, { bgp, addresses: [{ type: 'CalicoNodeIP' }, { type: 'InternalIP' }] })
  t.match(server.store.get(server.resource('nodes'), 'node-a'), {
    metadata: {
      labels: { rack: 'r1' },
      annotations: {
        'projectcalico.org/IPv4Address': '172.20.0.11/24',
        'projectcalico.org/ASNumber': '64600',
        'projectcalico.org/labels': undefined,
      },
    },
    status: { addresses: [{ type: 'InternalIP', address: '172.20.0.11' }] },
  })
})

t.test('a changed Node has other labels and annotations', async (t) => {
  const { server, store } = await start(t)
  await put(store, node({ rack: 'r1', old: 'yes' }, { ipv4Address: '172.20.0.11/24', asNumber: 64600 }))
  await put(store, node({ rack: 'r2' }, { ipv4Address: '172.20.0.11/24' }))
  const { metadata } = server.store.get(server.resource('nodes'), 'node-a')!
  t.same(metadata.labels, { rack: 'r2' })
  t.same(Object.keys(metadata.annotations!), ['projectcalico.org/IPv4Address'])
})

t.test('a pod runs when it has an address, and when it goes gives that back first', async (t) => {
  const { server, store } = await start(t)
  const pod = podOf({ name: 'web-0', node: 'node-a', namespace: 'shop', labels: { app: 'web' } })
  const endpoint = workloadDocument(pod, [address('10.66.12.70')])
  const stored = await put(store, endpoint)
  const { mac: _, ...spec } = endpoint.spec as Record<string, unknown>
  t.match(stored, { metadata: { ...endpoint.metadata }, spec })

  const before = server.store.revision
  await store.delete('WorkloadEndpoint', endpoint.metadata.name, { namespace: 'shop' })
  t.same(await store.list('WorkloadEndpoint'), [])
  const last = server.store.since(server.resource('pods'), before).map(({ after }) => after?.metadata)
  t.match(last, [
    { deletionTimestamp: String },
    { annotations: { 'cni.projectcalico.org/podIP': '' } },
    { deletionGracePeriodSeconds: 0 },
    undefined,
  ])
})

t.test('what is not there, or there already, is said in the words of a datastore', async (t) => {
  const { store } = await start(t)
  const reason = (work: Promise<unknown>) => work.catch((error: StoreError) => error.reason)
  t.equal(await reason(store.delete('Node', 'node-a')), 'not-found')
  await store.create(node({}, {}))
  t.equal(await reason(store.create(node({}, {}))), 'exists')
})
