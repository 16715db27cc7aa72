// Roles that lack a right, as those of older Calico's manifests do: what can be done without holds nothing up, what cannot is
// named, and all of it is asked for again, rarely. In virtual time.

import t from 'tap'
import { kinds, type ResourceKind } from '../../../../src/cluster/feed.ts'
import { pluralOf } from '../../../../src/cluster/kubernetes/objects.ts'
import { pool } from '../../../kit/datastore/contract.ts'
import { putDocument } from '../../../kit/datastore/kubernetes.ts'
import { failure } from '../../../kit/kubernetes/failure.ts'
import type { Call } from '../../../kit/kubernetes/server.ts'
import { virtualCluster } from '../../../kit/kubernetes/virtual.ts'

const HOUR = 3_600_000

const optional: readonly ResourceKind[] = [
  'CalicoNodeStatus',
  'BGPFilter',
  'IPReservation',
  'IPAMConfiguration',
]

const needed = kinds.filter((kind) => kind !== 'IPAMHandle' && !optional.includes(kind))

const filter = {
  apiVersion: 'crd.projectcalico.org/v1',
  kind: 'BGPFilter',
  metadata: { name: 'f' },
  spec: {},
}

/** Of these kinds what is asked with one of these verbs. */
function refused(forbidden: readonly ResourceKind[], verbs: readonly string[] = ['get', 'list', 'watch']) {
  const plurals = forbidden.map((kind) => pluralOf(kind, 'crd'))
  return ({ verb, resource }: Call) => plurals.includes(resource) && verbs.includes(verb)
}

t.test('what can be done without holds nothing up', async (t) => {
  const { server, follow } = await virtualCluster(t)
  putDocument(server, pool('a'), 'crd')
  const isRefused = refused(optional)
  server.allows = (_, call) => !isRefused(call)
  const { sink, pass } = await follow()
  await pass(120_000)
  t.ok(sink.log.includes('in sync') && sink.documents.has('IPPool/a'))
  t.same([...sink.problems.keys()].sort(), [...optional].sort())
  for (const kind of optional) {
    const resource = `resource "${pluralOf(kind, 'crd')}" in API group "crd.projectcalico.org"`
    t.match(sink.problems.get(kind), [{ message: new RegExp(`cannot (get|list) ${resource}.*done without`) }])
  }
  const before = server.calls.filter(isRefused).length
  await pass(HOUR)
  const asked = server.calls.filter(isRefused).length - before
  t.ok(asked <= 24 * optional.length, `${asked} requests in an hour`)
  t.equal(sink.log.filter((line) => line.startsWith('problem')).length, optional.length, 'said once')
  server.allows = () => true
  await pass(300_000)
  t.equal(sink.problems.size, 0)
  t.equal(server.watches.size, kinds.length - 2)
  t.notOk(sink.log.includes('not in sync'))
})

t.test('what cannot be done without is named', async (t) => {
  const { server, follow } = await virtualCluster(t)
  for (const kind of needed) {
    const isRefused = refused([kind])
    server.allows = (_, call) => !isRefused(call)
    const { sink, pass, close } = await follow()
    await pass(120_000)
    t.notOk(sink.log.includes('in sync'), kind)
    t.match(sink.problems.get(kind), [{ message: /cannot list resource .* without it nothing is in sync/ }])
    t.match(sink.problems.get('datastore'), [{ message: /^waiting for the Kubernetes API at .* forbidden/ }])
    const before = server.calls.filter(isRefused).length
    await pass(HOUR / 2)
    const asked = server.calls.filter(isRefused).length - before
    t.ok(asked <= 60, `${asked} requests in half an hour`)
    server.allows = () => true
    await pass(60_000)
    t.equal(sink.log.at(-1), 'in sync')
    t.equal(sink.problems.size, 0)
    await close()
  }
})

t.test('a right to list and not to watch: what was listed counts, and is listed again', async (t) => {
  const { server, follow } = await virtualCluster(t)
  const isRefused = refused(['BGPFilter'], ['watch'])
  server.allows = (_, call) => !isRefused(call)
  const { sink, pass } = await follow()
  await pass(1_000)
  t.ok(sink.log.includes('in sync'))
  t.match(sink.problems.get('BGPFilter'), [{ message: /cannot watch resource/ }])
  server.put('bgpfilters', filter)
  await pass(300_000)
  t.ok(sink.documents.has('BGPFilter/f'))
})

t.test('a right that is taken away leaves in force what was delivered', async (t) => {
  const { server, follow } = await virtualCluster(t)
  server.put('bgpfilters', filter)
  const { sink, pass } = await follow()
  await pass(70_000)
  server.allows = (_, { resource }) => resource !== 'bgpfilters'
  for (const watch of [...server.watches]) watch.cut()
  await pass(HOUR)
  t.ok(sink.documents.has('BGPFilter/f'))
  t.same([...sink.problems.keys()], ['BGPFilter'])
  t.notOk(sink.log.includes('not in sync'))
})

t.test(
  'a kind that neither the role nor the cluster knows is refused, and is in sync with nothing',
  async (t) => {
    const { server, follow } = await virtualCluster(t)
    for (const plural of ['bgpfilters', 'ipreservations']) server.absent.add(plural)
    server.fault = ({ path }) =>
      /\/(bgpfilters|ipreservations)$/.test(path)
        ? failure(403, 'Forbidden', 'User "calico-node" cannot list resource')
        : undefined
    const { sink, pass } = await follow()
    await pass(60_000)
    t.same(sink.log, ['in sync'])
  },
)
