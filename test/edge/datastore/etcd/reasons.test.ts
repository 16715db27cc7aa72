// Why etcd cannot be used, in words: pinned against real servers, since gRPC's own texts are all there is to go by.

import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { etcdDatastore } from '../../../../src/edge/datastore/etcd/index.ts'
import { makeCertificates } from '../../../kit/certificates.ts'
import { refused } from '../../../kit/datastore/contract.ts'
import { USER } from '../../../kit/datastore/etcd.ts'
import { startEtcd } from '../../../kit/etcd.ts'
import { recordingSink } from '../../../kit/sink.ts'

const directory = await mkdtemp(join(tmpdir(), 'caracal-reasons-'))
t.teardown(() => rm(directory, { recursive: true, force: true }))
const plain = await startEtcd(t)
const secure = await startEtcd(t, { tls: true, user: USER })
const files = secure.certificates!
const stranger = await makeCertificates(directory)
const good = { endpoints: [secure.url], ...files, ...USER }
const tlsToPlain = [plain.url.replace('http:', 'https:')]

for (const [settings, reason, words] of [
  [{ endpoints: ['http://127.0.0.1:1'] }, 'unavailable', /connection refused/],
  [{ endpoints: ['http://nowhere.invalid:2379'] }, 'unavailable', /host name cannot be resolved/],
  [{ ...good, endpoints: tlsToPlain }, 'unavailable', /does not speak TLS/],
  [{ ...good, caFile: undefined }, 'unavailable', /not signed by our CA certificate/],
  [{ ...good, caFile: stranger.caFile }, 'unavailable', /not signed by our CA certificate/],
  [
    { ...good, caFile: '/nowhere/ca.crt' },
    'unavailable',
    /certificate, our key or the CA certificate cannot be read/,
  ],
  [{ ...good, certFile: undefined, keyFile: undefined }, 'unavailable', /refuses our client certificate/],
  [
    { ...good, certFile: stranger.certFile, keyFile: stranger.keyFile },
    'unavailable',
    /refuses our client certificate/,
  ],
  [{ ...good, password: undefined }, 'unauthorized', /permission denied|asks for a user name/],
  [{ ...good, password: 'wrong' }, 'unauthorized', /user name or password not accepted/],
  [{ endpoints: [plain.url], ...USER }, 'unavailable', /authentication switched off/],
] as const) {
  t.test(`${reason}: ${words.source}`, async (t) => {
    const store = etcdDatastore(settings)
    t.teardown(() => store.close())
    t.match(await refused(t, store.get('IPPool', 'a'), reason), words)
    const sink = recordingSink()
    store.watch(sink)
    await sink.until('the problem', () => sink.problems.has('datastore'))
    t.match(sink.problems.get('datastore')?.[0]?.message, words)
    t.notOk(sink.log.includes('in sync'))
  })
}

t.test('certificates that are replaced are read again, and the trouble is over', async (t) => {
  const caFile = join(directory, 'mounted-ca.crt')
  await copyFile(stranger.caFile, caFile)
  const store = etcdDatastore({ ...good, caFile })
  t.teardown(() => store.close())
  const sink = recordingSink()
  store.watch(sink)
  await sink.until('the problem', () => sink.problems.has('datastore'))
  await writeFile(caFile, '') // a secret may also be seen half written
  await copyFile(files.caFile, caFile)
  await sink.until('in sync', () => sink.log.includes('in sync'))
  t.equal(sink.problems.size, 0)
})
