// A datastore in memory, with many clients. What a client does can be watched, held up, disturbed and cut off before
// and after every single operation.

import { type Document, type ResourceId, resourceId, StoreError } from '../../../src/cluster/feed.ts'
import type { IpamStore } from '../../../src/ipam/ipam.ts'

export interface Operation {
  readonly verb: keyof IpamStore
  /** What it is about; of a list the kind. */
  readonly id: string
  readonly isWrite: boolean
}

/** What happens to a client. An error that is thrown is what the client gets; after `after`, the write has come through. */
export interface Faults {
  before?(operation: Operation): void | Promise<void>
  after?(operation: Operation): void | Promise<void>
}

export interface MemoryStore {
  readonly documents: Map<ResourceId, Document>
  client(faults?: Faults): IpamStore
  /** Writes an object as somebody else would: it has another revision afterwards. */
  put(document: Document): Document
}

export function memoryStore(initial: readonly Document[] = []): MemoryStore {
  const documents = new Map<ResourceId, Document>()
  let revision = 0

  function put(document: Document): Document {
    const { name, namespace } = document.metadata
    const metadata = { ...document.metadata, resourceVersion: `${++revision}` }
    const stored = frozen({ ...document, metadata })
    documents.set(resourceId(document.kind, name, namespace), stored)
    return stored
  }

  function current(id: ResourceId, expected: string | undefined): Document {
    const found = documents.get(id)
    if (!found) throw new StoreError('not-found', `${id} does not exist`)
    if (expected !== undefined && found.metadata.resourceVersion !== expected)
      throw new StoreError('conflict', `${id} was changed by somebody else`)
    return found
  }

  function client({ before, after }: Faults = {}): IpamStore {
    async function run<T>(verb: keyof IpamStore, id: string, work: () => T): Promise<T> {
      const operation = { verb, id, isWrite: verb !== 'get' && verb !== 'list' }
      await before?.(operation)
      const result = work()
      await after?.(operation)
      return result
    }
    return {
      get: (kind, name, namespace) => {
        const id = resourceId(kind, name, namespace)
        return run('get', id, () => documents.get(id))
      },
      list: (kind) => run('list', kind, () => [...documents.values()].filter((one) => one.kind === kind)),
      create: (document) =>
        run('create', idOf(document), () => {
          if (documents.has(idOf(document)))
            throw new StoreError('exists', `${idOf(document)} exists already`)
          return put(document)
        }),
      update: (document) =>
        run('update', idOf(document), () => {
          current(idOf(document), document.metadata.resourceVersion ?? '')
          return put(document)
        }),
      delete: (kind, name, { namespace, resourceVersion } = {}) => {
        const id = resourceId(kind, name, namespace)
        return run('delete', id, () => {
          current(id, resourceVersion)
          documents.delete(id)
        })
      },
    }
  }

  for (const document of initial) put(document)
  return { documents, client, put }
}

function idOf({ kind, metadata }: Document): ResourceId {
  return resourceId(kind, metadata.name, metadata.namespace)
}

/** So that nobody changes what another client reads. */
function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const inner of Object.values(value)) frozen(inner)
  }
  return value
}
