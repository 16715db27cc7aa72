// What a node asks and tells the Kubernetes API, against the double.

import t, { type Test } from 'tap'
import { type KubernetesAccess, kubernetesAccess } from '../../src/agent/kubernetes-access.ts'
import { objectFromDocument } from '../../src/cluster/kubernetes/objects.ts'
import { apiClient } from '../../src/edge/datastore/kubernetes/client.ts'
import { nodeObject } from '../kit/datastore/kubernetes.ts'
import { type KubernetesServer, startKubernetes, TOKEN } from '../kit/kubernetes/server.ts'
import type { StoredObject } from '../kit/kubernetes/store.ts'
import { settingsOf } from '../kit/startup.ts'

async function start(t: Test): Promise<{ server: KubernetesServer; access: KubernetesAccess }> {
  const server = await startKubernetes(t)
  const kubeconfig = await server.kubeconfig(TOKEN)
  const client = apiClient({ kubeconfig })
  t.teardown(() => client.close())
  const { values } = settingsOf({ DATASTORE_TYPE: 'kubernetes', ETCD_ENDPOINTS: '' })
  return { server, access: kubernetesAccess(client, values) }
}

const configMap = (name: string, data: object): StoredObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'kube-system' },
  data,
})

t.test('start-up learns what there is, and takes what it may not read for absent', async (t) => {
  const { server, access } = await start(t)
  t.same((await access.facts('node-a')).madeWith, [])
  const addresses = [{ type: 'InternalIP', address: '172.20.0.11' }]
  server.put('nodes', nodeObject('node-a', {}, { status: { addresses } }))
  server.put('configmaps', configMap('kubeadm-config', { ClusterConfiguration: 'podSubnet: 10.244.0.0/16' }))
  t.match(await access.facts('node-a'), {
    internal: { ipv4: '172.20.0.11' },
    podSubnet: { ipv4: '10.244.0.0/16' },
    madeWith: ['kubeadm'],
  })
  server.allows = (_, { resource }) => resource !== 'configmaps'
  t.same((await access.facts('node-a')).madeWith, [])
})

t.test('an API server that is away is an error, not absence', async (t) => {
  const { server, access } = await start(t)
  await server.stop()
  await t.rejects(access.facts('node-a'), { message: /connection refused/ })
})

t.test('a condition is set, and those of others stay', async (t) => {
  const { server, access } = await start(t)
  const ready = { type: 'Ready', status: 'True' }
  server.put('nodes', nodeObject('node-a', {}, { status: { conditions: [ready] } }))
  const at = '2026-03-04T05:06:07Z'
  const ours = { type: 'NetworkUnavailable', status: 'False', reason: 'CalicoIsUp', message: 'up' } as const
  await access.setCondition('node-a', { ...ours, lastHeartbeatTime: at, lastTransitionTime: at })
  const { status } = server.store.get(server.resource('nodes'), 'node-a')!
  t.match(status, { conditions: [ours, ready] })
})

t.test('the token of another service account is good for what it is given', async (t) => {
  const { server, access } = await start(t)
  const { token, expires } = await access.requestToken('calico-cni-plugin', 86_400)
  t.equal(server.tokens.get(token), 'system:serviceaccount:kube-system:calico-cni-plugin')
  t.ok(expires > Date.now() + 80_000_000)
  const { server: url, caData } = await access.cluster()
  t.equal(url, server.url)
  t.match(Buffer.from(caData, 'base64').toString(), /BEGIN CERTIFICATE/)
})

t.test('affinities of ours that have no labels get them, and no others are touched', async (t) => {
  const { server, access } = await start(t)
  for (const node of ['node-a', 'node-b']) {
    const spec = { node, cidr: '10.66.0.0/26', state: 'confirmed', deleted: false }
    const document = {
      apiVersion: 'projectcalico.org/v3',
      kind: 'BlockAffinity',
      metadata: { name: node },
      spec,
    }
    const object = objectFromDocument(document as never, 'crd') as unknown as StoredObject
    const { labels: _, ...metadata } = object.metadata
    server.put('blockaffinities', { ...object, metadata: { ...metadata, name: `${node}-10-66-0-0-26` } })
  }
  await access.labelAffinities()
  const [ours, other] = server.store.list(server.resource('blockaffinities'))
  t.equal(ours!.metadata.labels!['projectcalico.org/affinity-type'], 'host')
  t.equal(other!.metadata.labels, undefined)
  const before = server.calls.length
  await access.labelAffinities()
  t.same(
    server.calls.slice(before).map(({ verb }) => verb),
    ['other', 'list'],
    'and a second time there is nothing to do',
  )
})
