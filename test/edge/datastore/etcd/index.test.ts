// The etcdv3 datastore passes the contract on real servers, without and with everything that protects one.

import t, { type Test } from 'tap'
import { openDatastore } from '../../../../src/edge/datastore/index.ts'
import { contract, type Harness } from '../../../kit/datastore/contract.ts'
import { put, remove, USER } from '../../../kit/datastore/etcd.ts'
import { type EtcdOptions, startEtcd } from '../../../kit/etcd.ts'

/** One server for all tests of a group, emptied between two. */
async function serverFor(t: Test, options: EtcdOptions): Promise<(t: Test) => Promise<Harness>> {
  const server = await startEtcd(t, options)
  return async (t) => {
    await server.ctl('del', '--prefix', '/calico/')
    return {
      open() {
        const { url, certificates } = server
        const datastore = openDatastore({
          type: 'etcdv3',
          endpoints: [url],
          ...certificates,
          ...options.user,
        })
        t.teardown(() => datastore.close())
        return datastore
      },
      spoil: (document) => put(server, document, '{"kind": "IPPool", half'),
      mend: (document) => put(server, document),
      outage: () => server.kill(),
      async recover(deleted) {
        await server.start()
        for (const document of deleted) await remove(server, document)
      },
    }
  }
}

t.test('contract, plain', async (t) => contract(t, await serverFor(t, {})))

t.test('contract, with TLS, client certificates, user and password', async (t) => {
  contract(t, await serverFor(t, { tls: true, user: USER }))
})

t.test('settings that cannot work are refused at once, by name', async (t) => {
  t.throws(() => openDatastore({ type: 'etcdv3' }), { message: /ETCD_ENDPOINTS/ })
  t.throws(() => openDatastore({ type: 'etcdv3', endpoints: ['http://[half'] }), { code: 'ERR_INVALID_URL' })
  const half = { type: 'etcdv3', endpoints: ['https://etcd:2379'], certFile: '/client.crt' } as const
  t.throws(() => openDatastore(half), { message: /ETCD_KEY_FILE/ })
  t.throws(() => openDatastore({ type: 'file' }), { message: /CALICO_DATASTORE_PATH/ })
})
