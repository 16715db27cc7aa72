// The kubernetes datastore passes the contract in both layouts, and writes what real Calico needs to see.

import t, { type Test } from 'tap'
import type { Document } from '../../../../src/cluster/feed.ts'
import type { Layout } from '../../../../src/cluster/kubernetes/objects.ts'
import { kubernetesDatastore } from '../../../../src/edge/datastore/kubernetes/index.ts'
import { block, contract, type Harness, pool, refused } from '../../../kit/datastore/contract.ts'
import { nodeObject, objectOf, podObject, putDocument } from '../../../kit/datastore/kubernetes.ts'
import { type KubernetesServer, startKubernetes, TOKEN } from '../../../kit/kubernetes/server.ts'
import type { StoredObject } from '../../../kit/kubernetes/store.ts'

function harness(layout: Layout): (t: Test) => Promise<Harness> {
  return async (t) => {
    const server = await startKubernetes(t, { layouts: [layout] })
    const kubeconfig = await server.kubeconfig(TOKEN)
    return {
      open() {
        const datastore = kubernetesDatastore({ kubeconfig, nodename: 'node-a' })
        t.teardown(() => datastore.close())
        return datastore
      },
      async seed(document) {
        server.put(document.kind === 'Node' ? 'nodes' : 'pods', objectOf(document))
      },
      async spoil(document) {
        putDocument(server, document, layout, { spec: 'half' })
      },
      async mend(document) {
        putDocument(server, document, layout)
      },
      outage: () => server.stop(),
      async recover(deleted) {
        for (const { metadata } of deleted) server.remove('ippools', metadata.name)
        await server.start()
      },
    }
  }
}

for (const layout of ['crd', 'native'] as const)
  t.test(`contract, ${layout} layout`, async (t) => contract(t, harness(layout)))

async function started(t: Test, layout: Layout = 'crd') {
  const server = await startKubernetes(t, { layouts: [layout] })
  const store = kubernetesDatastore({ kubeconfig: await server.kubeconfig(TOKEN), nodename: 'node-a' })
  t.teardown(() => store.close())
  return { server, store }
}

t.test('an affinity has the labels that Calico lists by, and `deleted` as its schema wants it', async (t) => {
  for (const [layout, deleted] of [
    ['crd', 'false'],
    ['native', false],
  ] as const) {
    const { server, store } = await started(t, layout)
    const written = await store.create(affinity('worker-1', '10.66.12.64/26'))
    t.equal(written.metadata.name, 'worker-1-10-66-12-64-26')
    t.match(written.spec, { deleted: false, type: 'host' })
    t.match(stored(server, 'blockaffinities', 'worker-1-10-66-12-64-26'), {
      metadata: {
        labels: {
          'projectcalico.org/hostname-hash': 'CPU5J3TPSNHFA66J45DG4Z5C3PSJAZ36LD46JZLYEGZSTAWBUCUA',
          'projectcalico.org/affinity-type': 'host',
          'projectcalico.org/ip-version': '4',
        },
      },
      spec: { node: 'worker-1', cidr: '10.66.12.64/26', state: 'confirmed', deleted },
    })
  }
})

t.test('a block has what the schema requires, and keeps what it holds beside that', async (t) => {
  const { server, store } = await started(t)
  const written = await store.create(block('10.66.12.64/30', { sequenceNumber: 1772600767000000012n }))
  t.match(stored(server, 'ipamblocks', '10-66-12-64-30').spec, {
    strictAffinity: false,
    sequenceNumber: 1772600767000000012n,
  })
  await store.update({ ...written, spec: { ...(written.spec as object), affinity: undefined } })
  t.match(stored(server, 'ipamblocks', '10-66-12-64-30').spec, { strictAffinity: false, attributes: [] })
})

t.test('IPAM rows are marked deleted first, by the revision that was read', async (t) => {
  const { server, store } = await started(t)
  const { metadata } = await store.create(block('10.66.12.64/30'))
  server.calls.length = 0
  await store.delete('IPAMBlock', metadata.name, { resourceVersion: metadata.resourceVersion! })
  t.match(
    server.calls.map(({ verb, body }) => [verb, body]),
    [
      ['get', undefined],
      ['update', { metadata: { resourceVersion: metadata.resourceVersion }, spec: { deleted: true } }],
      ['delete', { preconditions: { uid: metadata.uid } }],
    ],
  )
})

t.test('a row that somebody left half deleted is finished, is not listed, and is no obstacle', async (t) => {
  const { server, store } = await started(t)
  const { metadata } = await store.create(block('10.66.12.64/30'))
  const row = stored(server, 'ipamblocks', metadata.name)
  const leave = () => server.put('ipamblocks', { ...row, spec: { ...(row.spec as object), deleted: true } })
  leave()
  t.same(await store.list('IPAMBlock'), [])
  t.equal(await store.get('IPAMBlock', metadata.name), undefined)
  t.throws(() => stored(server, 'ipamblocks', metadata.name), 'it is really gone')
  leave()
  t.match(await store.create(block('10.66.12.64/30')), { spec: { deleted: false } })
})

t.test('a handle goes by its exact identity, whatever the object is called', async (t) => {
  const { server, store } = await started(t)
  const handle = document('IPAMHandle', 'vxlan-tunnel-addr-Node-A', {
    handleID: 'vxlan-tunnel-addr-Node-A',
    block: {},
  })
  await store.create(handle)
  t.match(stored(server, 'ipamhandles', 'vxlan-tunnel-addr-node-a').spec, {
    handleID: 'vxlan-tunnel-addr-Node-A',
  })
  t.equal(
    (await store.get('IPAMHandle', 'vxlan-tunnel-addr-Node-A'))?.metadata.name,
    'vxlan-tunnel-addr-Node-A',
  )
})

t.test('labels and annotations of a resource are where Calico looks for them', async (t) => {
  const { server, store } = await started(t)
  const labels = { team: 'net', 'projectcalico.org/x': 'y' }
  const written = await store.create({
    ...pool('a'),
    metadata: { name: 'a', labels, annotations: { note: 'x' } },
  })
  t.match(written.metadata, { labels, annotations: { note: 'x' } })
  const { metadata } = stored(server, 'ippools', 'a')
  t.same(metadata.labels, { 'projectcalico.org/x': 'y' })
  t.same(JSON.parse(metadata.annotations!['projectcalico.org/metadata']!), {
    labels,
    annotations: { note: 'x' },
  })
})

t.test('finalizers and owners of an object outlive our update', async (t) => {
  const { server, store } = await started(t)
  const { metadata } = await store.create(pool('a'))
  const row = stored(server, 'ippools', 'a')
  server.put('ippools', { ...row, metadata: { ...row.metadata, finalizers: ['example.org/keep'] } })
  const read = await store.get('IPPool', metadata.name)
  await store.update({ ...read!, spec: { ...(read!.spec as object), disabled: true } })
  t.same(stored(server, 'ippools', 'a').metadata.finalizers, ['example.org/keep'])
})

t.test('a Node is patched through its status: our keys that differ, and nothing else', async (t) => {
  const { server, store } = await started(t)
  const theirs = { 'example.org/mine': 'stays', 'projectcalico.org/IPv4IPIPTunnelAddr': '10.66.0.1' }
  const conditions = [{ type: 'Ready', status: 'True' }]
  server.put('nodes', nodeObject('node-a', theirs, { status: { conditions } }))
  const read = await store.get('Node', 'node-a')
  server.calls.length = 0
  const bgp = { ipv4Address: '192.0.2.1/24' }
  const written = await store.update({ ...read!, spec: { ...(read!.spec as object), bgp } })
  t.match(
    server.calls.map(({ verb, path }) => `${verb} ${path}`),
    ['get /api/v1/nodes/node-a', 'patch /api/v1/nodes/node-a/status'],
  )
  t.same((server.calls.at(-1)!.body as StoredObject).metadata.annotations, {
    'projectcalico.org/IPv4Address': '192.0.2.1/24',
    'projectcalico.org/IPv4IPIPTunnelAddr': null,
  })
  t.match(written.spec, { bgp })
  const node = stored(server, 'nodes', 'node-a')
  t.match(node, { metadata: { annotations: { 'example.org/mine': 'stays' } }, status: { conditions } })

  server.calls.length = 0
  await store.update(written)
  t.notOk(
    server.calls.some(({ verb }) => verb === 'patch'),
    'what changes nothing is not written',
  )
  await refused(t, store.update(read!), 'conflict')
})

t.test('what only kubelet or the CNI plugin may make is refused in words', async (t) => {
  const { server, store } = await started(t)
  t.match(
    await refused(t, store.create(document('Node', 'node-x', {})), 'not-found'),
    /kubelet has not registered it/,
  )
  server.put('pods', podObject('shop', 'web'))
  const [endpoint] = await store.list('WorkloadEndpoint')
  t.match(await refused(t, store.update(endpoint!), 'not-found'), /made from a pod/)
})

t.test('a token that is not accepted, and a role that lacks a right, are told as such', async (t) => {
  const { server } = await started(t)
  const stranger = kubernetesDatastore({ kubeconfig: await server.kubeconfig('wrong') })
  t.teardown(() => stranger.close())
  t.match(await refused(t, stranger.get('IPPool', 'a'), 'unauthorized'), /Unauthorized/)
  server.allows = (_, { resource }) => resource !== 'ippools'
  const { store } = { store: kubernetesDatastore({ kubeconfig: await server.kubeconfig(TOKEN) }) }
  t.teardown(() => store.close())
  t.match(await refused(t, store.list('IPPool'), 'unauthorized'), /cannot list resource "ippools"/)
})

t.test('where both groups are served the classical one is used, unless told', async (t) => {
  const server = await startKubernetes(t, { layouts: ['crd', 'native'] })
  const kubeconfig = await server.kubeconfig(TOKEN)
  for (const [apiGroup, expected] of [
    [undefined, 'crd.projectcalico.org'],
    ['projectcalico.org/v3', '/projectcalico.org'],
  ] as const) {
    const store = kubernetesDatastore({ kubeconfig, apiGroup })
    t.teardown(() => store.close())
    await store.list('BGPPeer')
    t.match(server.calls.at(-1)!.path, expected)
  }
})

function affinity(node: string, cidr: string): Document {
  const spec = { node, cidr, state: 'confirmed', type: 'host', deleted: false }
  return document('BlockAffinity', `${node}-${cidr.replaceAll(/[.:/]/g, '-')}`, spec)
}

function document(kind: Document['kind'], name: string, spec: object): Document {
  return { apiVersion: 'projectcalico.org/v3', kind, metadata: { name }, spec }
}

function stored(server: KubernetesServer, plural: string, name: string): StoredObject {
  const object = server.store.get(server.resource(plural), name)
  if (!object) throw new Error(`no ${plural}/${name}`)
  return object
}
