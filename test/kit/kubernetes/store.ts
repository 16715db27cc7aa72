// The objects of the double: one revision counter for all, and the history that watches and pages need.

import type { Resource } from './resources.ts'

export type Fields = Readonly<Record<string, unknown>>

export interface Metadata extends Fields {
  readonly name: string
  readonly namespace?: string
  readonly uid?: string
  readonly resourceVersion?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly finalizers?: readonly string[]
  readonly deletionTimestamp?: string
}

export interface StoredObject extends Fields {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: Metadata
}

/** A change of one object. Before its creation and after its deletion there is none. */
export interface Change {
  readonly resource: Resource
  readonly revision: number
  readonly before: StoredObject | undefined
  readonly after: StoredObject | undefined
}

export interface ObjectStore {
  revision: number
  /** Everything up to here is compacted away. */
  readonly compacted: number
  get(resource: Resource, name: string, namespace?: string): StoredObject | undefined
  /** By namespace and name; at an older revision as it was then. */
  list(resource: Resource, revision?: number): StoredObject[]
  /** Stores it under the next revision. */
  put(resource: Resource, object: StoredObject): StoredObject
  remove(resource: Resource, object: StoredObject): StoredObject
  /** What happened to a resource after a revision. */
  since(resource: Resource, revision: number): Change[]
  compact(): void
  /** Calls back after each change, until the function returned is called. */
  subscribe(listener: (change: Change) => void): () => void
}

export function objectStore(): ObjectStore {
  const tables = new Map<Resource, Map<string, StoredObject>>()
  const listeners = new Set<(change: Change) => void>()
  let history: Change[] = []
  let compacted = 0

  function table(resource: Resource): Map<string, StoredObject> {
    if (!tables.has(resource)) tables.set(resource, new Map())
    return tables.get(resource)!
  }

  function happened(change: Change): void {
    history.push(change)
    for (const listener of [...listeners]) listener(change)
  }

  const store: ObjectStore = {
    revision: 1,
    get compacted() {
      return compacted
    },
    get: (resource, name, namespace) => table(resource).get(keyOf({ name, ...(namespace && { namespace }) })),
    list(resource, revision = store.revision) {
      const rows = new Map(table(resource))
      for (const { before, after } of store.since(resource, revision).toReversed()) {
        const key = keyOf((before ?? after)!.metadata)
        if (before) rows.set(key, before)
        else rows.delete(key)
      }
      return [...rows].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object)
    },
    put(resource, object) {
      const before = table(resource).get(keyOf(object.metadata))
      const after = atRevision(object, ++store.revision)
      table(resource).set(keyOf(object.metadata), after)
      happened({ resource, revision: store.revision, before, after })
      return after
    },
    remove(resource, object) {
      const before = atRevision(object, ++store.revision)
      table(resource).delete(keyOf(object.metadata))
      happened({ resource, revision: store.revision, before, after: undefined })
      return before
    },
    since: (resource, revision) =>
      history.filter((one) => one.resource === resource && one.revision > revision),
    compact() {
      compacted = store.revision
      history = []
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
  return store
}

export function keyOf({ name, namespace }: Pick<Metadata, 'name' | 'namespace'>): string {
  return namespace === undefined ? name : `${namespace}/${name}`
}

function atRevision(object: StoredObject, revision: number): StoredObject {
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } }
}
