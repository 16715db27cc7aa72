// The `file` datastore: a directory of manifests, shared by as many processes as like to.
//
// Documents are those that `calicoctl apply -f` takes. Writes go through the same files, under a lock that all
// processes honour; a document's revision is the hash of its content, so an edit by hand counts as a change, too.

import { join } from 'node:path'
import {
  type Datastore,
  type Document,
  type ResourceId,
  resourceId,
  StoreError,
} from '../../../cluster/feed.ts'
import { stamped } from '../stamp.ts'
import { inWords, removeText, replaceText, textOf } from './directory.ts'
import { fileName, printFile, removeObject, replaceObject } from './edit.ts'
import { follow } from './follow.ts'
import { withLock } from './lock.ts'
import { type Entry, readManifest } from './manifest.ts'
import { directoryReader } from './reader.ts'
import { serial } from './serial.ts'
import { allInForce, inForce } from './view.ts'

/** Opens a directory of manifests. It need not exist yet to be watched. */
export function fileDatastore(directory: string): Datastore {
  const reader = directoryReader(directory)
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
    return inTurn(() =>
      withLock(directory, async () => {
        await reader.refresh('all').catch(unavailable)
        return change()
      }),
    )
  }

  /** Puts a new text in a file (undefined: removes it) and takes it into the view. */
  async function write(file: string, text: string | undefined): Promise<void> {
    const path = join(directory, file)
    await (text === undefined ? removeText(path) : replaceText(path, text)).catch(unavailable)
    await reader.refresh(new Set([file])).catch(unavailable)
  }

  /** The text of a file as it is now, and where in it the object stands. */
  async function find(claim: Entry): Promise<{ text: string; entry: Entry }> {
    const text = (await textOf(join(directory, claim.file)).catch(unavailable)) ?? ''
    const { entries } = await readManifest(claim.file, text)
    const entry = entries.find(({ id }) => id === claim.id)
    if (entry) return { text, entry }
    throw new StoreError('unavailable', `${claim.file} is broken where it defines ${claim.id}; mend it first`)
  }

  return {
    watch: (sink) => void follow({ directory, reader, inTurn, signal: closing.signal }, sink),

    get: (kind, name, namespace) => fresh(() => inForce(reader.view, resourceId(kind, name, namespace))),

    list: (kind) => fresh(() => allInForce(reader.view).filter((document) => document.kind === kind)),

    create: (document) =>
      locked(async () => {
        const id = idOf(document)
        if (inForce(reader.view, id)) throw new StoreError('exists', `${id} exists already`)
        const file = fileName(document, (name) => reader.view.files.has(name))
        await write(file, printFile(stamped(document)))
        return stored(id)
      }),

    update: (document) =>
      locked(async () => {
        const id = idOf(document)
        const { text, entry } = await find(claims(id)[0])
        compare(entry, document.metadata.resourceVersion ?? '')
        await write(entry.file, await replaceObject(text, entry, stamped(document)))
        return stored(id)
      }),

    delete: (kind, name, { namespace, resourceVersion } = {}) =>
      locked(async () => {
        const id = resourceId(kind, name, namespace)
        const [first] = claims(id)
        if (resourceVersion !== undefined) compare(first, resourceVersion)
        while (inForce(reader.view, id)) {
          // Each turn removes one definition: a duplicate must not come into force by a deletion.
          const { text, entry } = await find(claims(id)[0])
          await write(entry.file, await removeObject(text, entry))
        }
      }),

    async close() {
      closing.abort()
      await inTurn(async () => {})
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

function idOf({ kind, metadata }: Document): ResourceId {
  return resourceId(kind, metadata.name, metadata.namespace)
}

function compare(entry: Entry, resourceVersion: string): void {
  const { resourceVersion: current } = entry.document.metadata
  if (current !== resourceVersion)
    throw new StoreError('conflict', `${entry.id} was changed by somebody else`)
}

function unavailable(error: unknown): never {
  throw new StoreError('unavailable', inWords(error), error)
}
