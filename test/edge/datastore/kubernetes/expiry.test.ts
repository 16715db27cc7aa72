// 410, for every kind and in every form: the answer is a list, and nothing is lost.

import t from 'tap'
import { kinds, type ResourceKind } from '../../../../src/cluster/feed.ts'
import { objectFromDocument, pluralOf } from '../../../../src/cluster/kubernetes/objects.ts'
import { pool } from '../../../kit/datastore/contract.ts'
import { nodeObject, podObject, putDocument } from '../../../kit/datastore/kubernetes.ts'
import { expired } from '../../../kit/kubernetes/failure.ts'
import type { KubernetesServer } from '../../../kit/kubernetes/server.ts'
import type { StoredObject } from '../../../kit/kubernetes/store.ts'
import { type VirtualCluster, type VirtualFeed, virtualCluster } from '../../../kit/kubernetes/virtual.ts'

/** Handles are read when they are needed, and the one IPAMConfiguration is read by its name. */
const watched = kinds.filter((kind) => kind !== 'IPAMHandle' && kind !== 'IPAMConfiguration')

const lists = ({ calls }: KubernetesServer) => calls.filter(({ verb }) => verb === 'list').length

/** A feed that has been in contact for a while. */
async function settled({ follow }: VirtualCluster): Promise<VirtualFeed> {
  const feed = await follow()
  await feed.pass(70_000) // bookmarks have come
  return feed
}

/** What a kind may hold, whose identity has `name` in it. */
function objectOf(kind: ResourceKind, name: string): StoredObject {
  if (kind === 'Node') return nodeObject(name)
  if (kind === 'WorkloadEndpoint') return podObject('shop', name)
  const spec = { node: name, cidr: '10.66.0.0/26', affinity: `host:${name}` }
  const document = { apiVersion: 'projectcalico.org/v3', kind, metadata: { name }, spec } as const
  return { ...objectFromDocument(document, 'crd'), apiVersion: 'crd.projectcalico.org/v1' } as StoredObject
}

/** How a server says 410 to who follows a kind, once. */
const expiries: Readonly<Record<string, (server: KubernetesServer, plural: string) => void>> = {
  'in its watch': (server, plural) => over(server, plural, JSON.stringify(gone)),
  'to its next watch': (server, plural) => {
    once(server, plural, 'watch')
    over(server, plural)
  },
  'in its watch, and to the list after it': (server, plural) => {
    once(server, plural, 'list')
    over(server, plural, JSON.stringify(gone))
  },
}

const gone = { type: 'ERROR', object: expired('watch').body }

function over(server: KubernetesServer, plural: string, ...last: string[]): void {
  for (const watch of [...server.watches].filter(({ resource }) => resource.plural === plural)) {
    for (const line of last) watch.line(line)
    watch.end()
  }
}

function once(server: KubernetesServer, plural: string, verb: 'watch' | 'list'): void {
  server.fault = (call) => {
    if (call.verb !== verb || call.resource !== plural) return undefined
    server.fault = () => undefined
    return expired(verb)
  }
}

for (const [how, expire] of Object.entries(expiries)) {
  t.test(`410 ${how}: for every kind`, async (t) => {
    const cluster = await virtualCluster(t)
    const { server } = cluster
    const storeOf = (kind: ResourceKind) => server.resource(pluralOf(kind, 'crd'))
    for (const kind of watched)
      for (const name of ['stays', 'goes']) server.store.put(storeOf(kind), objectOf(kind, name))
    const { sink, pass } = await settled(cluster)
    const has = (kind: ResourceKind, name: string) =>
      [...sink.documents.keys()].some((id) => id.startsWith(`${kind}/`) && id.includes(name))
    for (const kind of watched) {
      const [resource, before] = [storeOf(kind), lists(server)]
      expire(server, resource.plural)
      const { metadata } = objectOf(kind, 'goes')
      server.store.remove(resource, server.store.get(resource, metadata.name, metadata.namespace)!)
      server.store.put(resource, objectOf(kind, 'new'))
      server.store.compact()
      await pass(5_000)
      const held = ['stays', 'goes', 'new'].filter((name) => has(kind, name))
      t.same(held, ['stays', 'new'], kind)
      t.ok(lists(server) - before <= 2, `${kind}: ${lists(server) - before} lists`)
    }
    t.equal(server.watches.size, watched.length)
    t.notOk(sink.log.includes('not in sync'))
    t.equal(sink.problems.size, 0)
  })
}

t.test('410 on every kind at once costs one list each, and loses nothing', async (t) => {
  const cluster = await virtualCluster(t)
  const { server } = cluster
  for (const name of ['stays', 'goes']) putDocument(server, pool(name), 'crd')
  server.put('nodes', nodeObject('node-b'))
  const { sink, pass } = await settled(cluster)
  const before = lists(server)
  for (const { resource } of [...server.watches]) over(server, resource.plural, JSON.stringify(gone))
  server.remove('ippools', 'goes')
  server.store.compact()
  putDocument(server, pool('new'), 'crd')
  await pass(5_000)
  t.same([...sink.documents.keys()].sort(), ['IPPool/new', 'IPPool/stays', 'Node/node-b'])
  t.equal(server.watches.size, watched.length)
  t.equal(lists(server) - before, watched.length)
  t.notOk(sink.log.includes('not in sync'))
})
