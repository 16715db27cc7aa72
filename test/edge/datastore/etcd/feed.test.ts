// What can happen to a watch on etcd, with a real server and a path to it that can be cut.

import { EventEmitter } from 'node:events'
import { join } from 'node:path'
import type { Etcd3 } from 'etcd3'
import t, { type Test } from 'tap'
import { etcdFromDocument, prefixesOf } from '../../../../src/cluster/etcd-keys.ts'
import { kinds } from '../../../../src/cluster/feed.ts'
import { connection } from '../../../../src/edge/datastore/etcd/client.ts'
import { feed, feedTiming } from '../../../../src/edge/datastore/etcd/feed.ts'
import { etcdDatastore } from '../../../../src/edge/datastore/etcd/index.ts'
import { field, pool } from '../../../kit/datastore/contract.ts'
import { compact, insync, put, remove } from '../../../kit/datastore/etcd.ts'
import { startEtcd } from '../../../kit/etcd.ts'
import { startProxy, type TcpProxy } from '../../../kit/proxy.ts'
import { recordings } from '../../../kit/recordings.ts'
import { recordingSink } from '../../../kit/sink.ts'

const server = await startEtcd(t)
const writer = etcdDatastore({ endpoints: [server.url] })
t.teardown(() => writer.close())

t.beforeEach(async () => void (await server.ctl('del', '--prefix', '/calico/')))

/** A feed that reaches the server through a proxy, in sync. */
async function throughProxy(t: Test, timing = feedTiming) {
  const proxy = await startProxy(t, Number(new URL(server.url).port))
  const store = etcdDatastore({ endpoints: [urlOf(proxy)] }, timing)
  t.teardown(() => store.close())
  return { proxy, sink: await insync(store) }
}

const urlOf = ({ port }: TcpProxy) => `http://127.0.0.1:${port}`

t.test('a watch that breaks resumes where it was: nothing is listed again, nothing is missed', async (t) => {
  await writer.create(pool('before'))
  const { proxy, sink } = await throughProxy(t)
  proxy.cut()
  await writer.create(pool('missed'))
  await remove(server, pool('before'))
  proxy.open()
  await sink.until('what was missed', () => sink.log.includes('delete IPPool/before'))
  t.same(
    sink.log.filter((line) => !line.endsWith('datastore')),
    ['set IPPool/before', 'in sync', 'set IPPool/missed', 'delete IPPool/before'],
  )
})

t.test('a stream that breaks again and again while catching up loses nothing', async (t) => {
  const { proxy, sink } = await throughProxy(t)
  for (let round = 0; round < 5; round++) {
    const created = Array.from({ length: 20 }, (_, n) => writer.create(pool(`p${round}-${n}`)))
    await sink.until('a part of it', () => sink.documents.size > round * 20)
    proxy.cut()
    await Promise.all(created)
    proxy.open()
  }
  await sink.until('all of it', () => sink.documents.size === 100)
  t.equal(sink.log.filter((line) => line.startsWith('set')).length, 100, 'and delivers nothing twice')
})

t.test(
  'a compaction that swallowed what was missed makes it list again and find the deletions',
  async (t) => {
    await writer.create(pool('gone'))
    await writer.create(pool('stays'))
    const changing = await writer.create(pool('changing'))
    const { proxy, sink } = await throughProxy(t)
    proxy.cut()
    await remove(server, pool('gone'))
    await writer.update({ ...changing, spec: { cidr: '10.1.0.0/16' } })
    await compact(server)
    proxy.open()
    await sink.until('the deletion', () => !sink.documents.has('IPPool/gone'))
    t.equal(field(sink, 'IPPool/changing', 'cidr'), '10.1.0.0/16')
    t.equal(
      sink.log.filter((line) => line === 'set IPPool/stays').length,
      1,
      'what did not change is not repeated',
    )
    await writer.create(pool('later'))
    await sink.until('the watch goes on', () => sink.documents.has('IPPool/later'))
  },
)

t.test('without contact for long the feed is not in sync, keeps everything, and says why', async (t) => {
  await writer.create(pool('a'))
  const { proxy, sink } = await throughProxy(t, { ...feedTiming, patience: 300 })
  proxy.cut()
  await sink.until('the problem', () => sink.problems.has('datastore'))
  t.match(sink.problems.get('datastore')?.[0]?.message, `waiting for etcd at ${urlOf(proxy)}: `)
  await sink.until('not in sync', () => sink.log.includes('not in sync'))
  t.ok(sink.documents.has('IPPool/a'))
  proxy.open()
  await sink.until('in sync again', () => sink.log.filter((line) => line === 'in sync').length === 2)
  t.equal(sink.problems.size, 0)
})

t.test('of several endpoints one is enough', async (t) => {
  const proxy = await startProxy(t, Number(new URL(server.url).port))
  proxy.cut()
  const store = etcdDatastore({ endpoints: [urlOf(proxy), 'http://127.0.0.1:1', server.url] })
  t.teardown(() => store.close())
  const sink = await insync(store)
  t.equal(sink.problems.size, 0)
})

t.test(
  'a bad value that was there from the start is reported, deleted with its key, and holds up nothing',
  async (t) => {
    await put(server, pool('bad'), 'not JSON')
    await put(server, pool('good'))
    const store = etcdDatastore({ endpoints: [server.url] })
    t.teardown(() => store.close())
    const sink = await insync(store)
    const { key } = etcdFromDocument(pool('bad'))
    t.same([...sink.documents.keys()], ['IPPool/good'])
    t.match(sink.problems.get(key), [{ subject: key }])
    await remove(server, pool('bad'))
    await sink.until('healed', () => sink.problems.size === 0)
    t.notOk(sink.log.includes('delete IPPool/bad'), 'what never was in force is not deleted')
  },
)

t.test('keys of other programs next to ours are passed over', async (t) => {
  const [prefix] = prefixesOf('IPPool')
  await server.ctl('put', `${prefix!.slice(0, -1)}-of-others/a`, 'x')
  await server.ctl('put', '/calico/ipam/v2/configuration', '{"strict_affinity":true}')
  await server.ctl('put', '/calico/resources/v3/projectcalico.org/networkpolicies/shop/a', '{}')
  const store = etcdDatastore({ endpoints: [server.url] })
  t.teardown(() => store.close())
  const sink = await insync(store)
  t.same(sink.log, ['in sync'])
})

t.test("what Calico's own programs left in etcd is read whole", async (t) => {
  const etcd = connection({ endpoints: [server.url] })
  t.teardown(async () => etcd.close())
  const client = await etcd.client()
  for (const { name, kvs } of recordings) {
    await client.delete().prefix('/calico/')
    for (const { key, value } of kvs) await client.put(key).value(value)
    const store = etcdDatastore({ endpoints: [server.url] })
    const sink = await insync(store)
    await store.close()
    const ours = kvs.filter(({ key }) =>
      kinds.some((kind) => prefixesOf(kind).some((p) => key.startsWith(p))),
    )
    t.ok(ours.length > 0)
    t.equal(sink.documents.size, ours.length, name)
    t.equal(sink.problems.size, 0, name)
  }
})

t.test('a server that came back without its data, or with older data, is listed anew', async (t) => {
  const other = await startEtcd(t)
  const otherWriter = etcdDatastore({ endpoints: [other.url] })
  const store = etcdDatastore({ endpoints: [other.url] })
  t.teardown(() => Promise.all([otherWriter.close(), store.close()]).then(() => {}))
  for (const name of ['a', 'b', 'c']) await otherWriter.create(pool(name))
  const sink = await insync(store)
  await other.kill()
  await other.wipe()
  await other.start()
  await otherWriter.create(pool('new'))
  await sink.until('the new world', () => sink.documents.has('IPPool/new') && sink.documents.size === 1)
})

// Seconds each, because a server that starts waits about one for its own election.
for (const token of [['--initial-cluster-token', 'another'], []]) {
  const name = token.length > 0 ? 'as another cluster' : 'under the old name'
  t.test(`a backup restored ${name} is listed anew, however far it has gone since`, async (t) => {
    const other = await startEtcd(t)
    const otherWriter = etcdDatastore({ endpoints: [other.url] })
    await otherWriter.create(pool('kept'))
    const backup = join(t.testdir(), 'backup')
    await other.ctl('snapshot', 'save', backup)
    await other.kill()
    await other.start() // in a later term
    const proxy = await startProxy(t, Number(new URL(other.url).port))
    const store = etcdDatastore({ endpoints: [urlOf(proxy)] })
    t.teardown(() => Promise.all([otherWriter.close(), store.close()]).then(() => {}))
    await otherWriter.create(pool('changed'))
    await otherWriter.create(pool('forgotten'))
    const sink = await insync(store)
    proxy.cut()
    await other.kill()
    await other.restore(backup, ...token)
    await other.start()
    // The same key at the same revision as in the other past, and more revisions than there had been.
    await otherWriter.create({ ...pool('changed'), spec: { cidr: '10.1.0.0/16' } })
    for (const name of ['a', 'b', 'c']) await otherWriter.create(pool(name))
    proxy.open()
    await sink.until('the new world', () => sink.documents.has('IPPool/c') && sink.documents.size === 5)
    t.notOk(sink.documents.has('IPPool/forgotten'))
    t.equal(field(sink, 'IPPool/changed', 'cidr'), '10.1.0.0/16')
    t.notOk(sink.log.includes('delete IPPool/kept'))
  })
}

t.test('a watch that says nothing any more is found out', async (t) => {
  const real = connection({ endpoints: [server.url] })
  const closing = new AbortController()
  t.teardown(async () => {
    closing.abort()
    real.close()
  })
  let deaf = true
  const client = async () => (deaf ? withDeafWatch(await real.client()) : real.client())
  const sink = recordingSink()
  void feed({ ...real, client }, sink, { ...feedTiming, audit: 20, relist: 20 }, closing.signal)
  await sink.until('in sync', () => sink.log.includes('in sync'))
  await writer.create(pool('a'))
  await sink.until('found by the audit', () => sink.documents.has('IPPool/a'))
  await writer.delete('IPPool', 'a')
  await sink.until('a deletion, too', () => !sink.documents.has('IPPool/a'))
  deaf = false
  t.equal(sink.problems.size, 0)
})

/** The client with a watch that confirms whatever is asked, and then keeps silent. */
function withDeafWatch(client: Etcd3): Etcd3 {
  const watch = async () => {
    const { header } = await client.kv.range({ key: Buffer.from('/') })
    let asked = 0
    const write = () => {
      const confirmation = { created: true, canceled: false, watch_id: String(asked++), events: [] }
      stream.emit('data', {
        ...confirmation,
        header: { ...header, revision: String(Number.MAX_SAFE_INTEGER) },
      })
    }
    const stream = Object.assign(new EventEmitter(), { write, cancel: () => {} })
    return stream
  }
  return { kv: client.kv, watchClient: { watch } } as unknown as Etcd3
}
