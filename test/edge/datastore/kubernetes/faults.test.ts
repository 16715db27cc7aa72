// An API server in trouble for minutes, and what it costs: nothing is lost, and the requests are counted. In virtual time.

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { kinds } from '../../../../src/cluster/feed.ts'
import { pool } from '../../../kit/datastore/contract.ts'
import { putDocument } from '../../../kit/datastore/kubernetes.ts'
import { failure } from '../../../kit/kubernetes/failure.ts'
import { type KubernetesServer, TOKEN } from '../../../kit/kubernetes/server.ts'
import { type VirtualCluster, type VirtualFeed, virtualCluster } from '../../../kit/kubernetes/virtual.ts'
import { until } from '../../../kit/until.ts'

const FIVE_MINUTES = 300_000

/** Handles are read when they are needed, and the one IPAMConfiguration is read by its name. */
const watched = kinds.filter((kind) => kind !== 'IPAMHandle' && kind !== 'IPAMConfiguration')

/** All kinds together ask as often as one would: each 2.5 s at most, and more often at the beginning. */
const MOST_REQUESTS = FIVE_MINUTES / 2_500 + 6 * kinds.length

/** The last of all kinds asks again: 5 s times the number of kinds, and the deadline of a call. */
const LONGEST_WAY_BACK = 5_000 * kinds.length + 10_000

interface Trouble {
  begin(server: KubernetesServer): unknown
  end(server: KubernetesServer): unknown
}

const faulty = (fault: KubernetesServer['fault']): Trouble => ({
  begin: (server) => {
    server.fault = fault
    for (const watch of [...server.watches]) watch.cut()
  },
  end: (server) => {
    server.fault = () => undefined
  },
})

const troubles: Readonly<Record<string, Trouble>> = {
  'has gone': { begin: (server) => server.stop(), end: (server) => server.start() },
  'answers 503': faulty(() => failure(503, 'ServiceUnavailable', 'etcd is away')),
  'takes requests and says nothing': faulty(() => 'silence'),
  'cuts each connection': faulty(() => 'cut'),
}

const put = (server: KubernetesServer, name: string) => putDocument(server, pool(name), 'crd')

const lists = ({ calls }: KubernetesServer) => calls.filter(({ verb }) => verb === 'list').length

/** A feed that has been in contact for a while. */
async function settled({ follow }: VirtualCluster): Promise<VirtualFeed> {
  const feed = await follow()
  await feed.pass(70_000) // bookmarks have come
  return feed
}

for (const [what, { begin, end }] of Object.entries(troubles)) {
  t.test(`a server that ${what} for five minutes, at the start and later`, async (t) => {
    const { server, follow } = await virtualCluster(t)
    put(server, 'stays')
    put(server, 'goes')
    await begin(server)
    const { sink, asked, pass } = await follow()
    await pass(FIVE_MINUTES)
    t.ok(asked() > 5 && asked() < MOST_REQUESTS, `${asked()} requests`)
    t.match(sink.problems.get('datastore')?.[0]?.message, /waiting for the Kubernetes API/)
    t.same(sink.log, ['problem datastore'])
    await end(server)
    await pass(LONGEST_WAY_BACK)
    t.same(sink.log.slice(1), ['set IPPool/goes', 'set IPPool/stays', 'healed datastore', 'in sync'])

    const before = asked()
    await begin(server)
    await pass(5_000)
    t.notOk(sink.log.includes('not in sync'), 'not at once')
    await pass(FIVE_MINUTES - 5_000)
    t.ok(sink.log.includes('not in sync'))
    t.ok(asked() - before < MOST_REQUESTS, `${asked() - before} requests`)
    server.remove('ippools', 'goes')
    put(server, 'new')
    t.same([...sink.documents.keys()], ['IPPool/goes', 'IPPool/stays'], 'all is in force meanwhile')
    const listed = lists(server)
    await end(server)
    await pass(LONGEST_WAY_BACK)
    t.same([...sink.documents.keys()], ['IPPool/stays', 'IPPool/new'])
    t.equal(sink.log.at(-1), 'in sync')
    t.equal(sink.problems.size, 0)
    t.ok(lists(server) - listed <= watched.length, `${lists(server) - listed} lists to come back`)
  })
}

/** A service account, as kubelet mounts it. */
async function serviceAccount(t: Test, server: KubernetesServer) {
  const directory = await mkdtemp(join(tmpdir(), 'caracal-account-'))
  t.teardown(() => rm(directory, { recursive: true }))
  await writeFile(join(directory, 'ca.crt'), await readFile(server.certificates.caFile))
  const rotate = (token: string) => writeFile(join(directory, 'token'), `${token}\n`)
  await rotate(TOKEN)
  const { hostname: serviceHost, port } = new URL(server.url)
  return { settings: { serviceAccount: directory, serviceHost, servicePort: Number(port) }, rotate }
}

t.test('a token that has expired, and for five minutes there is no other', async (t) => {
  const cluster = await virtualCluster(t)
  const { server } = cluster
  put(server, 'a')
  const { settings, rotate } = await serviceAccount(t, server)
  const { sink, asked, pass } = await cluster.follow(settings)
  await pass(70_000)
  const before = asked()
  server.tokens.clear()
  for (const watch of [...server.watches]) watch.cut()
  await pass(FIVE_MINUTES)
  t.ok(asked() - before < MOST_REQUESTS, `${asked() - before} requests`)
  t.match(sink.problems.get('datastore')?.[0]?.message, /Unauthorized/)
  t.ok(sink.documents.has('IPPool/a'))
  server.tokens.set('another', 'calico-node')
  await rotate('another')
  await pass(LONGEST_WAY_BACK)
  t.equal(sink.log.at(-1), 'in sync')
  t.equal(sink.problems.size, 0)
})

t.test('a token that kubelet has replaced in time is read again at the first refusal', async (t) => {
  const cluster = await virtualCluster(t)
  const { server } = cluster
  const { settings, rotate } = await serviceAccount(t, server)
  const { sink, asked, pass } = await cluster.follow(settings)
  await pass(70_000)
  const before = asked()
  await rotate('another')
  server.tokens.clear()
  server.tokens.set('another', 'calico-node')
  for (const watch of [...server.watches]) watch.cut()
  await pass(10_000)
  t.same(sink.log, ['in sync'], "and is nobody's business")
  t.ok(asked() - before <= 2 * watched.length, `${asked() - before} requests: once refused, once taken`)
})

t.test('a server that is overloaded is left alone for as long as it asks', async (t) => {
  const { server, clock, follow } = await virtualCluster(t)
  const times: number[] = []
  server.fault = ({ verb, resource }) => {
    if (verb !== 'list' || resource !== 'ippools') return undefined
    times.push(clock.now())
    const retryAfter = [1, 30][times.length - 1]
    return retryAfter === undefined ? undefined : failure(429, 'TooManyRequests', 'too many', { retryAfter })
  }
  const { sink, pass } = await follow()
  await pass(60_000)
  const [first, second, third] = times
  t.ok(second! - first! >= 1_000 && third! - second! >= 30_000, times.join())
  t.equal(sink.log.at(-1), 'in sync')
})

t.test('a watch that is cut in the middle of a line goes on from the last whole one', async (t) => {
  const cluster = await virtualCluster(t)
  const { server } = cluster
  const { sink, pass } = await settled(cluster)
  const before = lists(server)
  for (let n = 0; n < 50; n++) {
    put(server, `pool-${n}`)
    await sink.until('it has come', () => sink.documents.size === n + 1)
    for (const watch of server.watches) {
      if (watch.resource.plural !== 'ippools') continue
      watch.half('{"type":"MODIFIED","object":{"apiVersion":"crd.projectcalico')
      watch.cut()
    }
    put(server, `pool-${n}`)
    await pass(1_000)
  }
  await until('watched again', () => server.watches.size === watched.length)
  t.equal(lists(server), before, 'without a list')
})
