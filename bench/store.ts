// The cluster's datastore for a measure: a real etcd among the peers, and who writes to it.
//
// It keeps its data in memory: how long a disk takes is not what is measured. Writing is one request over a connection
// that is there already, by etcd's gateway for JSON, since that can be handed to the kernel before the process blocks to
// wait for what comes of it: https://etcd.io/docs/v3.4/dev-guide/api_grpc_gateway/

import { connect, type Socket } from 'node:net'
import { etcdFromDocument } from '../src/cluster/etcd-keys.ts'
import type { Document } from '../src/cluster/feed.ts'
import { startEtcd } from '../test/kit/etcd.ts'
import { STORE } from './ground.ts'

const MEMORY = '/dev/shm'

export interface Store {
  readonly url: string
  readonly port: number
  /** All of them in one transaction, which is under way when this returns. */
  put(documents: readonly Document[]): void
  remove(documents: readonly Document[]): void
  close(): Promise<void>
}

/** Resolves when it holds these documents. */
export async function startStore(documents: readonly Document[]): Promise<Store> {
  const ends: (() => Promise<void>)[] = []
  const { url } = await startEtcd({ teardown: (end) => ends.push(end) }, { host: STORE, parent: MEMORY })
  const port = Number(new URL(url).port)
  const localAddress = STORE // nobody else's, so that etcd's answers to us are not taken for its word to others
  const socket = connect({ host: STORE, port, localAddress, noDelay: true })
  await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject))
  const commit = (operations: readonly object[]) => socket.write(request(operations))
  const store: Store = {
    url,
    port,
    put: (all) => commit(all.map((one) => ({ request_put: entryOf(one) }))),
    remove: (all) => commit(all.map((one) => ({ request_delete_range: { key: entryOf(one).key } }))),
    async close() {
      socket.destroy()
      for (const end of ends) await end()
    },
  }
  store.put(documents)
  await answered(socket)
  return store
}

function entryOf(document: Document): { key: string; value: string } {
  const { key, value } = etcdFromDocument(document)
  return { key: btoa(key), value: btoa(value) }
}

function request(operations: readonly object[]): string {
  const body = JSON.stringify({ success: operations })
  return `POST /v3/kv/txn HTTP/1.1\r\nHost: etcd\r\nContent-Length: ${body.length}\r\n\r\n${body}`
}

/** Resolves when there is one answer; from then on nobody looks at them. @throws when etcd has refused */
async function answered(socket: Socket): Promise<void> {
  const answer = await new Promise<Buffer>((resolve) => socket.once('data', resolve))
  if (!String(answer).startsWith('HTTP/1.1 200 ')) throw new Error(`etcd answers ${answer}`)
  socket.resume()
}
