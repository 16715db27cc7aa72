// The lab's hand on the cluster's datastore: through the agent's own `Datastore`, so that every kind of datastore works.
//
// A real etcd, or the Kubernetes API, answers in the lab's network only. There the calls are carried to a process inside, over Node's IPC.

import { type ChildProcess, fork, type Serializable } from 'node:child_process'
import { join } from 'node:path'
import {
  type Datastore,
  type Document,
  type ResourceKind,
  resourceId,
  StoreError,
} from '../../src/cluster/feed.ts'
import { type DatastoreSettings, openDatastore } from '../../src/edge/datastore/index.ts'
import { openKubernetes } from './kubernetes-store.ts'

export type Store = Omit<Datastore, 'watch'>

export type Method = Exclude<keyof Store, 'close'>

/** What goes to the process inside, and what comes back. */
export interface Call {
  readonly id: number
  readonly method: Method
  readonly args: readonly unknown[]
}
export type Answer =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly reason: StoreError['reason']; readonly message: string }

/** Opens a datastore that this process can reach. */
export function openStore(settings: DatastoreSettings): Store {
  return settings.type === 'kubernetes' ? openKubernetes(settings) : openDatastore(settings)
}

/** Opens a datastore that can be reached in a namespace only. */
export function openStoreInside(namespace: string, settings: DatastoreSettings): Store {
  const worker = fork(join(import.meta.dirname, 'store-worker.ts'), [JSON.stringify(settings)], {
    execPath: 'ip',
    execArgv: ['netns', 'exec', namespace, process.execPath],
    serialization: 'advanced', // keeps bigint
    detached: true,
  })
  worker.unref()
  worker.channel?.unref()
  return remote(worker)
}

/** Creates a document or replaces the one of its name. */
export async function put(store: Store, document: Document): Promise<Document> {
  const { kind, metadata } = document
  const stored = await store.get(kind, metadata.name, metadata.namespace)
  if (!stored) return store.create(document)
  const { uid, creationTimestamp, resourceVersion } = stored.metadata
  const kept = Object.entries({ uid, creationTimestamp, resourceVersion }).filter(([, value]) => value)
  return store.update({ ...document, metadata: { ...metadata, ...Object.fromEntries(kept) } })
}

/** Deletes the document, if it is there. */
export async function remove(store: Store, { kind, metadata }: Document): Promise<void> {
  const { name, namespace } = metadata
  try {
    await store.delete(kind, name, namespace === undefined ? {} : { namespace })
  } catch (err) {
    if (!(err instanceof StoreError && err.reason === 'not-found')) throw err
  }
}

/** Reads a document, changes it and writes it back; undefined deletes it. @throws StoreError when it is not there */
export async function change(
  store: Store,
  kind: ResourceKind,
  name: string,
  edit: (document: Document) => Document | undefined,
): Promise<void> {
  const stored = await store.get(kind, name)
  if (!stored) throw new StoreError('not-found', `${resourceId(kind, name)} does not exist`)
  const edited = edit(stored)
  if (edited) await store.update(edited)
  else await remove(store, stored)
}

function remote(worker: ChildProcess): Store {
  const waiting = new Map<number, PromiseWithResolvers<unknown>>()
  let last = 0
  worker.on('message', (answer: Answer) => {
    const call = waiting.get(answer.id)
    waiting.delete(answer.id)
    if (waiting.size === 0) worker.channel?.unref()
    if ('value' in answer) call?.resolve(answer.value)
    else call?.reject(new StoreError(answer.reason, answer.message))
  })
  const broken = (why: string) => () => {
    for (const call of waiting.values()) call.reject(new StoreError('unavailable', why))
    waiting.clear()
  }
  worker.once('error', (err) => broken(err.message)())
  worker.once('exit', broken('the process beside the datastore has ended'))

  async function call<T>(method: Method, ...args: unknown[]): Promise<T> {
    if (!worker.connected) throw new StoreError('unavailable', 'the process beside the datastore has ended')
    const id = ++last
    const answer = Promise.withResolvers<unknown>()
    waiting.set(id, answer)
    worker.channel?.ref()
    const message: Call = { id, method, args }
    worker.send(message as unknown as Serializable)
    return answer.promise as Promise<T>
  }
  return {
    get: (...args) => call('get', ...args),
    list: (...args) => call('list', ...args),
    create: (...args) => call('create', ...args),
    update: (...args) => call('update', ...args),
    delete: (...args) => call('delete', ...args),
    async close() {
      if (worker.connected) worker.disconnect()
    },
  }
}
