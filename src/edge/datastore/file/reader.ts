// Keeps a view of a directory up to date: reads the files that changed, and tells a sink what that means.
//
// Two rules keep a running cluster safe. A deletion is believed only after the whole directory was read again, so a
// document that moves to another file is never gone in between. And a directory that is away, or was replaced by an
// empty one, deletes nothing.

import { join } from 'node:path'
import type { FeedSink, ResourceId } from '../../../cluster/feed.ts'
import { problemBoard } from '../problems.ts'
import type { Scope } from './changes.ts'
import { identityOf, listManifests, type Stamp, stampOf, textOf } from './directory.ts'
import { type Manifest, readManifest, unreadable } from './manifest.ts'
import { emptyView, inForce, problemsOf, replaceFile, type View } from './view.ts'

/** An emptied file is believed after this time; before, it may be one that a program has just begun to write. */
const SETTLE_MS = 1_000

export interface Reader {
  readonly view: View
  /**
   * Looks at files again and publishes what changed; returns the names still being written.
   *
   * @throws when the directory itself cannot be read
   */
  refresh(scope: Scope): Promise<readonly string[]>
  /** Publishes to `sink` from now on, beginning with all that is known. */
  publishTo(sink: FeedSink): void
  /** Whether every file there is has been read at least once. */
  complete(): boolean
}

export function directoryReader(directory: string): Reader {
  const view = emptyView()
  const stamps = new Map<string, string>()
  let readLast: string | undefined // the identity of the directory as last read whole
  let publish: (dirty: Iterable<ResourceId>) => void = () => {}

  async function refresh(scope: Scope): Promise<readonly string[]> {
    if (scope === 'all') return refreshAll()
    const looks = await lookAt([...scope])
    return looks.some((look) => look.gone) ? refreshAll() : settle(looks)
  }

  async function refreshAll(): Promise<readonly string[]> {
    const identity = await identityOf(directory)
    const names = await listManifests(directory)
    if (names.length === 0 && view.files.size > 0 && identity !== readLast) {
      throw new Error(
        `${directory} came back empty; what was read before stays in force until it holds manifests`,
      )
    }
    const looks = await lookAt(names, stamps)
    readLast = identity
    const present = new Set(names)
    const gone = [...view.files.keys()].filter((name) => !present.has(name)).map(goneLook)
    return settle([...looks, ...gone])
  }

  /** Reads the files; those of a stamp already known are passed over. */
  async function lookAt(names: readonly string[], known?: ReadonlyMap<string, string>): Promise<Look[]> {
    const looks: Look[] = []
    for (const name of names) {
      const look = await lookAtFile(join(directory, name), name, view.files.get(name), known?.get(name))
      if (look) looks.push(look)
    }
    return looks
  }

  function settle(looks: readonly Look[]): readonly string[] {
    const dirty = new Set<ResourceId>()
    for (const { name, stamp, manifest, unfinished } of looks) {
      if (unfinished) continue
      if (stamp === undefined) stamps.delete(name)
      else stamps.set(name, stamp)
      for (const id of replaceFile(view, name, manifest)) dirty.add(id)
    }
    publish(dirty)
    return looks.filter((look) => look.unfinished).map((look) => look.name)
  }

  return {
    view,
    refresh,
    publishTo(sink) {
      publish = publisher(view, sink)
      publish(view.claims.keys())
    },
    complete: () => readLast !== undefined && [...view.files.values()].every((manifest) => manifest.known),
  }
}

/** What one look at one file found. */
interface Look {
  readonly name: string
  readonly stamp: string | undefined
  readonly manifest: Manifest | undefined
  readonly gone: boolean
  readonly unfinished: boolean
}

function goneLook(name: string): Look {
  return { name, stamp: undefined, manifest: undefined, gone: true, unfinished: false }
}

async function lookAtFile(
  path: string,
  name: string,
  previous: Manifest | undefined,
  known: string | undefined,
): Promise<Look | undefined> {
  try {
    const stamp = await stampOf(path) // before the text: a write in between shows at the next look
    if (!stamp) return goneLook(name)
    if (stamp.key === known) return undefined
    if (previous && beingWritten(stamp)) return { ...goneLook(name), gone: false, unfinished: true }
    const text = await textOf(path)
    if (text === undefined) return goneLook(name)
    return { ...goneLook(name), stamp: stamp.key, manifest: readManifest(name, text, previous), gone: false }
  } catch (error) {
    return { ...goneLook(name), manifest: unreadable(name, (error as Error).message, previous), gone: false }
  }
}

function beingWritten(stamp: Stamp): boolean {
  return stamp.empty && Date.now() - stamp.modifiedMs < SETTLE_MS
}

/** Tells a sink how the documents in force differ from what it was told before. */
function publisher(view: View, sink: FeedSink): (dirty: Iterable<ResourceId>) => void {
  const told = new Map<ResourceId, string>()
  const board = problemBoard(sink)
  return (dirty) => {
    for (const id of dirty) {
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
