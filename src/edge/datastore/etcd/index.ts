// The `etcdv3` datastore: Calico's keys and values in etcd, with Calico's transactions.

import type { Etcd3, IKeyValue, ITxnResponse } from 'etcd3'
import { documentFromEtcd, etcdFromDocument, etcdKey, prefixesOf } from '../../../cluster/etcd-keys.ts'
import { type Datastore, type Document, documentId, resourceId, StoreError } from '../../../cluster/feed.ts'
import { stamped } from '../stamp.ts'
import { connection, type EtcdSettings } from './client.ts'
import { decode } from './decode.ts'
import { type FeedTiming, feed, feedTiming } from './feed.ts'
import { readAll } from './range.ts'
import { storeError } from './reasons.ts'

/** Opens etcd. Nothing is loaded or contacted before the first call. @throws as `connection` does */
export function etcdDatastore(settings: EtcdSettings, timing: FeedTiming = feedTiming): Datastore {
  const etcd = connection(settings)
  const closing = new AbortController()

  /** One exchange with the server, its failures in the contract's words. */
  async function call<T>(exchange: (client: Etcd3) => Promise<T>): Promise<T> {
    const endpoint = etcd.endpoint()
    let client: Etcd3 | undefined
    try {
      client = await etcd.client()
      return await exchange(client)
    } catch (error) {
      const failure = storeError(error, endpoint)
      if (client && failure.reason === 'unavailable') etcd.drop(client)
      throw failure
    }
  }

  return {
    watch: (sink) => void feed(etcd, sink, timing, closing.signal),

    async get(kind, name, namespace) {
      const key = etcdKey(kind, name, namespace)
      const [kv] = await call(async (client) => (await client.kv.range({ key: Buffer.from(key) })).kvs)
      return kv && documentOf(kv)
    },

    async list(kind) {
      const kvs = await call(async (client) => {
        const pages = await Array.fromAsync(readAll(client, prefixesOf(kind)))
        return pages.flatMap((page) => page.kvs)
      })
      return kvs.map(documentOf).filter((document) => document?.kind === kind) as Document[]
    },

    async create(document) {
      const { key, value } = etcdFromDocument(stamped(document))
      const answer = await call((client) =>
        client.if(key, 'Version', '==', 0).then(client.put(key).value(value)).commit(),
      )
      if (!answer.succeeded) throw new StoreError('exists', `${documentId(document)} exists already`)
      return asStored({ key, value }, answer)
    },

    async update(document) {
      const { key, value } = etcdFromDocument(stamped(document))
      const answer = await call((client) =>
        client
          .if(key, 'Mod', '==', modRevision(document.metadata.resourceVersion))
          .then(client.put(key).value(value))
          .else(client.get(key))
          .commit(),
      )
      if (!answer.succeeded) throw conflictOrMissing(documentId(document), answer)
      return asStored({ key, value }, answer)
    },

    async delete(kind, name, { namespace, resourceVersion } = {}) {
      const key = etcdKey(kind, name, namespace)
      const answer = await call((client) =>
        (resourceVersion === undefined
          ? client.if(key, 'Version', '>', 0)
          : client.if(key, 'Mod', '==', modRevision(resourceVersion))
        )
          .then(client.delete().key(key))
          .else(client.get(key))
          .commit(),
      )
      if (!answer.succeeded) throw conflictOrMissing(resourceId(kind, name, namespace), answer)
    },

    async close() {
      closing.abort()
      etcd.close()
    },
  }
}

function documentOf({ key, value, mod_revision }: IKeyValue): Document | undefined {
  return decode(String(key), value, mod_revision).document
}

/** As etcd compares it; 0 would stand for a key that does not exist, and what is no revision must match nothing. */
function modRevision(resourceVersion: string | undefined): string {
  return resourceVersion && /^[1-9]\d*$/.test(resourceVersion) ? resourceVersion : '-1'
}

function asStored({ key, value }: { key: string; value: string }, { header }: ITxnResponse): Document {
  return documentFromEtcd(key, value, header.revision)!
}

/** What the other branch of the transaction found tells the two apart. */
function conflictOrMissing(id: string, { responses }: ITxnResponse): StoreError {
  const found = responses[0]?.response_range.kvs.length
  if (found) return new StoreError('conflict', `${id} was changed by somebody else`)
  return new StoreError('not-found', `${id} does not exist`)
}
