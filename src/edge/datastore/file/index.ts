// The `file` datastore: a directory of manifests, shared by as many processes as like to.
//
// Documents are those that `calicoctl apply -f` takes. Writes go through the same files, under a lock that all
// processes honour; a document's revision is the hash of its content, so an edit by hand counts as a change, too.

import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import {
  type Datastore,
  type Document,
  documentId,
  type ResourceId,
  resourceId,
  StoreError,
} from '../../../cluster/feed.ts'
import { stamped } from '../stamp.ts'
import { inWords, removeText, replaceText, textOf } from './directory.ts'
import { DELETED, fileName, printFile, removeObject, replaceObject } from './edit.ts'
import { follow } from './follow.ts'
import { withLock } from './lock.ts'
import { type Entry, nothing, readManifest } from './manifest.ts'
import { directoryReader } from './reader.ts'
import { serial } from './serial.ts'
import { allInForce, inForce } from './view.ts'

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
  const closing = new AbortController()
  /** Under way, by file. */
  const removals = new Map<string, Promise<void>>()
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
        for (const [name, { entries }] of reader.view.files) if (entries.length === 0) removeLater(name)
        return change()
      }),
    )
  }

  /** Puts a new text in a file and takes it into the view. */
  async function write(file: string, text: string): Promise<void> {
    await replaceText(join(directory, file), text).catch(unavailable)
    await reader.refresh(new Set([file])).catch(unavailable)
    if (text === DELETED) removeLater(file)
  }

  /** If it says then that it was deleted. What an earlier process has left is noticed when somebody writes. */
  function removeLater(file: string): void {
    if (removals.has(file)) return
    const path = join(directory, file)
    const removal = delay(seenMs, undefined, { ref: false, signal: closing.signal })
      .then(() => withLock(directory, async () => (await textOf(path)) === DELETED && removeText(path)))
      .then(() => {})
      .catch(() => {}) // an empty file does no harm
      .finally(() => removals.delete(file))
    removals.set(file, removal)
  }

  /** The text of a file as it is now, and where in it the object stands. */
  async function find(claim: Entry): Promise<{ text: string; entry: Entry }> {
    const text = (await textOf(join(directory, claim.file)).catch(unavailable)) ?? restored(claim.file)
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
        const id = documentId(document)
        if (inForce(reader.view, id)) throw new StoreError('exists', `${id} exists already`)
        const file = fileName(document, isTaken)
        await write(file, printFile(stamped(document)))
        return stored(id)
      }),

    update: (document) =>
      locked(async () => {
        const id = documentId(document)
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
      await Promise.all([inTurn(async () => {}), ...removals.values()])
    },
  }

  /** Of a file that is gone, all that counts still. */
  function restored(file: string): string {
    const { entries } = reader.view.files.get(file) ?? nothing
    return entries.map(({ document }) => printFile(document)).join('---\n')
  }

  function isTaken(name: string): boolean {
    const manifest = reader.view.files.get(name)
    return manifest !== undefined && (manifest.entries.length > 0 || !removals.has(name))
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

function unavailable(error: unknown): never {
  throw new StoreError('unavailable', inWords(error), error)
}
