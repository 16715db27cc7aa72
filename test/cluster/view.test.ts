// The view of the cluster: changes out of documents, and the last good version of what is broken.

import t from 'tap'
import { documentFromEtcd } from '../../src/cluster/etcd-keys.ts'
import type { Document } from '../../src/cluster/feed.ts'
import { resourceId } from '../../src/cluster/feed.ts'
import { ClusterView } from '../../src/cluster/view.ts'
import { affinity, block, node, pool, workload } from '../kit/documents.ts'
import { recordings } from '../kit/recordings.ts'

t.test('a document that is new, changed, the same and gone', async (t) => {
  const view = new ClusterView()
  const [added] = view.apply(pool('lan', '10.66.0.0/16'))
  t.match(added, { kind: 'IPPool', key: 'IPPool/lan', before: undefined, after: { cidr: '10.66.0.0/16' } })
  t.same(view.apply(pool('lan', '10.66.0.0/16')), [], 'the same again')
  t.same(
    view.apply(pool('lan', '10.66.7.7/16', { blockSize: 26, nodeSelector: '' })),
    [],
    'the same in other words',
  )
  const [changed] = view.apply(pool('lan', '10.66.0.0/16', { natOutgoing: true }))
  t.equal(changed?.before, added?.after)
  t.match(changed?.after, { natOutgoing: true })
  t.equal(view.get('IPPool', 'lan'), changed?.after)
  t.same(view.remove('IPPool/lan'), [
    { kind: 'IPPool', key: 'IPPool/lan', before: changed?.after, after: undefined },
  ])
  t.same(view.remove('IPPool/lan'), [], 'gone already')
  t.equal(view.get('IPPool', 'lan'), undefined)
})

t.test('a broken document is reported and changes nothing, until a good one comes', async (t) => {
  const view = new ClusterView()
  view.apply(pool('lan', '10.66.0.0/16'))
  t.same(view.apply(pool('lan', '10.66.0.300/16')), [])
  t.equal(view.get('IPPool', 'lan')?.cidr, '10.66.0.0/16', 'the last good version is in force')
  t.same(view.problems.list(), [
    {
      subject: 'IPPool/lan',
      field: 'spec.cidr',
      message: '"10.66.0.300/16" is not a CIDR; write it like 10.244.0.0/16',
    },
  ])
  t.match(view.apply(pool('lan', '10.67.0.0/16')), [
    { before: { cidr: '10.66.0.0/16' }, after: { cidr: '10.67.0.0/16' } },
  ])
  t.same(view.problems.list(), [])
})

t.test('a document that was never good and is deleted leaves nothing behind', async (t) => {
  const view = new ClusterView()
  t.same(view.apply(node('node-a', 'nowhere')), [])
  t.equal(view.problems.list().length, 1)
  t.same(view.remove('Node/node-a'), [])
  t.same(view.problems.list(), [])
})

t.test('an odd document is in force and reported', async (t) => {
  const view = new ClusterView()
  const odd = pool('lan', '10.66.0.0/16', { namespaceSelector: 'all()' })
  t.equal(view.apply(odd).length, 1)
  t.match(view.problems.list(), [{ subject: 'IPPool/lan', field: 'spec.namespaceSelector' }])
  view.apply(pool('lan', '10.66.0.0/16'))
  t.same(view.problems.list(), [])
})

t.test('an IPAM row that is being deleted counts as absent', async (t) => {
  const view = new ClusterView()
  const claim = affinity('node-a', '10.66.12.64/26')
  const deleted: Document = { ...claim, spec: { ...(claim.spec as object), deleted: true } }
  t.same(view.apply(deleted), [])
  t.equal(view.apply(claim).length, 1)
  t.match(view.apply(deleted), [{ kind: 'BlockAffinity', before: { node: 'node-a' }, after: undefined }])
  t.same([...view.all('BlockAffinity')], [])
})

t.test('endpoints of one name in two namespaces are two', async (t) => {
  const view = new ClusterView()
  const web = workload('node-a', 'web-0', 'cali1', '10.66.12.70/32')
  view.apply(web)
  view.apply({ ...web, metadata: { ...web.metadata, namespace: 'shop' } })
  t.same(
    [...view.all('WorkloadEndpoint')].map(({ namespace }) => namespace),
    ['default', 'shop'],
  )
  t.equal(view.get('WorkloadEndpoint', web.metadata.name, 'shop')?.namespace, 'shop')
})

t.test('the recorded cluster, state by state, ends as if only the last state had been seen', async (t) => {
  const moved = new ClusterView()
  let present = new Set<string>()
  for (const { name, kvs } of recordings) {
    const documents = kvs.flatMap(
      ({ key, value, mod_revision }) => documentFromEtcd(key, value, `${mod_revision}`) ?? [],
    )
    const ids = documents.map(({ kind, metadata }) => resourceId(kind, metadata.name, metadata.namespace))
    for (const document of documents) moved.apply(document)
    for (const id of present) if (!ids.includes(id)) moved.remove(id)
    present = new Set(ids)

    const fresh = new ClusterView()
    for (const document of documents) fresh.apply(document)
    for (const kind of ['IPPool', 'Node', 'IPAMBlock', 'BlockAffinity', 'IPAMHandle'] as const) {
      t.same(byName(moved.all(kind)), byName(fresh.all(kind)), `${name}: ${kind}`)
    }
    t.same(moved.problems.list(), [])
  }
})

t.test('a re-list of ten thousand full blocks is no change', async (t) => {
  const view = new ClusterView()
  const holders = Object.fromEntries(
    Array.from({ length: 64 }, (_, ordinal) => [ordinal, `node-${ordinal % 8}`]),
  )
  const blocks = Array.from({ length: 10_000 }, (_, n) =>
    block(`10.${n >> 10}.${(n >> 2) & 255}.${(n & 3) << 6}/26`, 'node-0', holders),
  )
  t.equal(blocks.flatMap((document) => view.apply(document)).length, 10_000)
  t.equal(blocks.flatMap((document) => view.apply(document)).length, 0)
  t.equal(
    [...view.all('IPAMBlock')].reduce((sum, { allocations }) => sum + allocations.length, 0),
    560_000, // its owner speaks for the others
  )
})

function byName<T extends { readonly name: string }>(resources: Iterable<T>): T[] {
  return [...resources].sort((a, b) => (a.name < b.name ? -1 : 1))
}
