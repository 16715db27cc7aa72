// The `file` datastore: a directory of manifests, shared by as many processes as like to.
//
// Documents are those that `calicoctl apply -f` takes. Writes go through the same files, under a lock that all
// processes honour; a document's revision is the hash of its content, so an edit by hand counts as a change, too.

import {
  type Datastore,
  type Document,
  documentId,
  type ResourceId,
  resourceId,
  StoreError,
} from '../../../cluster/feed.ts'
import { stamped } from '../stamp.ts'
import { fileName, printFile, removeObject, replaceObject } from './edit.ts'
import { follow } from './follow.ts'
import type { Entry } from './manifest.ts'
import { directoryReader } from './reader.ts'
import { serial } from './serial.ts'
import { allInForce, inForce } from './view.ts'
import { unavailable, Writer } from './writer.ts'

export interface FileDatastoreOptions {
  /** Milliseconds since 1970. */
  readonly now?: () => number
  /** How long a file with nothing left in it stays, in milliseconds, for all readers to see that this is on purpose. */
  readonly seenMs?: number
}

/** Opens a directory of manifests. It need not exist yet to be watched. */
export function fileDatastore(
  directory: string,
  { now, seenMs = 10_000 }: FileDatastoreOptions = {},
): Datastore {
  const reader = directoryReader(directory, now)
  const writer = new Writer(directory, reader, seenMs)
  const closing = new AbortController()
  const inTurn = serial()

  /** Reads everything that changed, then asks `question` of the view. */
  function fresh<T>(question: () => T): Promise<T> {
    return inTurn(async () => {
      await reader.refresh('all').catch(unavailable)
      return question()
    })
  }

  /** As `fresh`, while no other process writes. */
  function locked<T>(change: () => Promise<T>): Promise<T> {
    return inTurn(() => writer.locked(change))
  }

  return {
    watch: (sink) => void follow({ directory, reader, inTurn, signal: closing.signal }, sink),

    get: (kind, name, namespace) => fresh(() => inForce(reader.view, resourceId(kind, name, namespace))),

    list: (kind) => fresh(() => allInForce(reader.view).filter((document) => document.kind === kind)),

    create: (document) =>
      locked(async () => {
        const id = documentId(document)
        if (inForce(reader.view, id)) throw new StoreError('exists', `${id} exists already`)
        const file = fileName(document, (name) => writer.isTaken(name))
        await writer.write(file, printFile(stamped(document)))
        return stored(id)
      }),

    update: (document) =>
      locked(async () => {
        const id = documentId(document)
        const { text, entry } = await writer.find(claims(id)[0])
        compare(entry, document.metadata.resourceVersion ?? '')
        await writer.write(entry.file, await replaceObject(text, entry, stamped(document)))
        return stored(id)
      }),

    delete: (kind, name, { namespace, resourceVersion } = {}) =>
      locked(async () => {
        const id = resourceId(kind, name, namespace)
        const [first] = claims(id)
        if (resourceVersion !== undefined) compare(first, resourceVersion)
        while (inForce(reader.view, id)) {
          // Each turn removes one definition: a duplicate must not come into force by a deletion.
          const { text, entry } = await writer.find(claims(id)[0])
          await writer.write(entry.file, await removeObject(text, entry))
        }
      }),

    async close() {
      closing.abort()
      await Promise.all([inTurn(async () => {}), writer.close()])
    },
  }

  function claims(id: ResourceId): [Entry, ...Entry[]] {
    const [first, ...rest] = reader.view.claims.get(id) ?? []
    if (!first) throw new StoreError('not-found', `${id} does not exist`)
    return [first, ...rest]
  }

  function stored(id: ResourceId): Document {
    const document = inForce(reader.view, id)
    if (!document) throw new StoreError('unavailable', `${id} was written and cannot be read back`)
    return document
  }
}

function compare(entry: Entry, resourceVersion: string): void {
  const { resourceVersion: current } = entry.document.metadata
  if (current !== resourceVersion)
    throw new StoreError('conflict', `${entry.id} was changed by somebody else`)
}
