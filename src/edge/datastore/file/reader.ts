// Keeps a view of a directory up to date: reads the files that changed, and tells a sink what that means.
//
// Two rules keep a running cluster safe. What stood in a file that is gone stays in force for a minute, unless another
// file defines it: an editor, a copy or a person may have taken the file away by mistake, or only for a moment. And a
// directory that is away, or was replaced by an empty one, deletes nothing.

import { join } from 'node:path'
import type { FeedSink, ResourceId } from '../../../cluster/feed.ts'
import { pauses } from '../pauses.ts'
import { problemBoard } from '../problems.ts'
import type { Scope } from './changes.ts'
import { identityOf, inWords, listManifests, type Stamp, stampOf, textOf } from './directory.ts'
import { absent, type Manifest, readManifest, unreadable } from './manifest.ts'
import { emptyView, inForce, onlyIn, problemsOf, replaceFile, type View } from './view.ts'

/** An emptied file is believed after this time; before, it may be one that a program has just begun to write. */
const SETTLE_MS = 1_000
/** A file that is gone with documents in it is believed to be gone on purpose after this time. */
const GONE_MS = 60_000

export interface Reader {
  readonly view: View
  /**
   * Looks at files again and publishes what changed; returns the names still being written.
   *
   * @throws when the directory itself cannot be read
   */
  refresh(scope: Scope): Promise<readonly string[]>
  /** Publishes to `sink` from the next refresh on, beginning with all that is known. */
  publishTo(sink: FeedSink): void
  /** Whether every file there is has been read at least once. */
  complete(): boolean
}

/** `now`: milliseconds since 1970. */
export function directoryReader(directory: string, now: () => number = Date.now): Reader {
  const view = emptyView()
  const stamps = new Map<string, string>()
  const gone = new Map<string, number>() // files that are not there any more, but count, and since when
  const dirty = new Set<ResourceId>() // to be published
  let publish: ((dirty: Set<ResourceId>) => Promise<void>) | undefined
  let readLast: string | undefined // the identity of the directory as last read whole

  async function refresh(scope: Scope): Promise<readonly string[]> {
    if (scope === 'all') return refreshAll()
    const looks = await lookAt([...scope])
    return looks.some((look) => look.found === 'nothing') ? refreshAll() : takeIn(looks)
  }

  async function refreshAll(): Promise<readonly string[]> {
    const identity = await identityOf(directory)
    const names = await listManifests(directory)
    const present = new Set(names)
    const absentees = [...view.files.keys()].filter((name) => !present.has(name))
    if (absentees.length > 0 && identity !== readLast) refuseEmpty(directory, names.length)
    const looks = await lookAt(names, stamps)
    readLast = identity
    return takeIn([...looks, ...absentees.map((name) => ({ name, found: 'nothing' }) as const)])
  }

  /** Reads the files; those whose stamp is known already are passed over. */
  async function lookAt(names: readonly string[], known?: ReadonlyMap<string, string>): Promise<Look[]> {
    const looks: Look[] = []
    for (const name of names) {
      looks.push(await lookAtFile(directory, name, view.files.get(name), known?.get(name)))
    }
    return looks
  }

  async function takeIn(looks: readonly Look[]): Promise<readonly string[]> {
    for (const look of looks) note(look)
    for (const [name, since] of gone)
      replace(name, now() - since < GONE_MS ? absent(name, onlyIn(view, name)) : undefined)
    await publish?.(dirty)
    return looks.filter((look) => look.found === 'unfinished').map((look) => look.name)
  }

  function note(look: Look): void {
    const { name, found } = look
    if (found === 'nothing') {
      stamps.delete(name)
      if (!gone.has(name)) gone.set(name, now())
    } else {
      gone.delete(name)
    }
    if (found !== 'manifest') return
    if (look.stamp === undefined) stamps.delete(name)
    else stamps.set(name, look.stamp)
    replace(name, look.manifest)
  }

  function replace(name: string, manifest: Manifest | undefined): void {
    for (const id of replaceFile(view, name, manifest)) dirty.add(id)
    if (!manifest) gone.delete(name)
  }

  return {
    view,
    refresh,
    publishTo(sink) {
      publish = publisher(view, sink)
      for (const id of view.claims.keys()) dirty.add(id)
    },
    complete: () => readLast !== undefined && [...view.files.values()].every((manifest) => manifest.known),
  }
}

/** @throws when a directory that took the place of another has nothing in it yet */
function refuseEmpty(directory: string, manifests: number): void {
  if (manifests > 0) return
  throw new Error(`${directory} came back empty; what was read before stays in force until it has manifests`)
}

/** What one look at one file found. Without a stamp the file is read again at the next look. */
type Look =
  | { readonly name: string; readonly found: 'nothing' | 'no change' | 'unfinished' }
  | {
      readonly name: string
      readonly found: 'manifest'
      readonly manifest: Manifest
      readonly stamp?: string
    }

async function lookAtFile(
  directory: string,
  name: string,
  previous: Manifest | undefined,
  known: string | undefined,
): Promise<Look> {
  const path = join(directory, name)
  let text: string | undefined
  let stamp: Stamp | undefined
  try {
    stamp = await stampOf(path) // before the text: a write in between shows at the next look
    if (stamp && stamp.key === known) return { name, found: 'no change' }
    if (stamp && previous && beingWritten(stamp)) return { name, found: 'unfinished' }
    text = await textOf(path)
  } catch (error) {
    return { name, found: 'manifest', manifest: unreadable(name, inWords(error), previous) }
  }
  if (!stamp || text === undefined) return { name, found: 'nothing' }
  return { name, found: 'manifest', manifest: await readManifest(name, text, previous), stamp: stamp.key }
}

function beingWritten(stamp: Stamp): boolean {
  return stamp.empty && Date.now() - stamp.modifiedMs < SETTLE_MS
}

/** Tells a sink how the documents in force differ from what it was told before, and empties `dirty` as it goes. */
function publisher(view: View, sink: FeedSink): (dirty: Set<ResourceId>) => Promise<void> {
  const told = new Map<ResourceId, string>()
  const board = problemBoard(sink)
  return async (dirty) => {
    const pause = pauses()
    for (const id of dirty) {
      await pause()
      dirty.delete(id)
      const document = inForce(view, id)
      const version = document?.metadata.resourceVersion
      if (version === told.get(id)) continue
      if (document && version !== undefined) {
        told.set(id, version)
        sink.set(document)
      } else {
        told.delete(id)
        sink.delete(id)
      }
    }
    board.replace(problemsOf(view))
  }
}
