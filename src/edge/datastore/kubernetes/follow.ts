// One collection: list, then watch from there, for ever. Calico's sequence (libcalico-go/lib/backend/watchersyncer).

import type { FeedSink } from '../../../cluster/feed.ts'
import { type Fields, mapping } from '../../../cluster/shape.ts'
import { serverBackoffMs } from '../backoff.ts'
import { pauses } from '../pauses.ts'
import type { ProblemBoard } from '../problems.ts'
import { type KeyTable, keyTable } from '../table.ts'
import { wait } from '../wait.ts'
import { ApiError, type Client } from './client.ts'
import type { Collection } from './collections.ts'
import type { FeedTiming } from './feed.ts'
import { readPages } from './pages.ts'
import { PositionLost, Unreadable, watchOnce } from './watch.ts'

/** Failures in a row at one revision, after which it is given up. */
const STUBBORN = 5

/** How many times longer than usual to wait for what our role does not allow: a minute at most, and five for what we can do without. */
const FORBIDDEN = { needed: 12, optional: 60 }

/** What the loops of all collections have in common. */
export interface Shared {
  readonly client: Client
  readonly sink: FeedSink
  readonly board: ProblemBoard
  readonly timing: FeedTiming
  readonly signal: AbortSignal
  /** It is listed and watched. */
  established(collection: Collection): void
  /** Nobody waits for it any more. */
  spared(collection: Collection): void
  /** How many are on their way in. */
  crowd(): number
  /** Aborted when the next of them has got in. */
  opened(): AbortSignal
  lost(collection: Collection, error: unknown): void
}

/** Keeps one collection up to date until `shared.signal`. */
export async function follow(collection: Collection, shared: Shared): Promise<void> {
  const { board, timing, signal } = shared
  const { clock } = shared.client
  const table = keyTable<Fields>(shared.sink, board, collection.decode)
  const troubled = `watch of ${collection.kind}`
  let position: string | undefined
  let failures = 0
  const moved = (to: string): void => {
    position = to
    failures = 0
  }

  /** Returns how long to wait before the next attempt. */
  async function attempt(): Promise<number> {
    const begun = clock.now()
    if (position === undefined) {
      position = await list(collection, table, shared)
      board.put(troubled, [])
      if (position === undefined) return timing.look
    }
    const isAlive = await watch(collection, position, table, shared, moved)
    failures = 0
    if (!isAlive) {
      position = undefined
      table.distrust()
    }
    return timing.relist - (clock.now() - begun)
  }

  function lost(error: Error): number {
    position = undefined
    const problem = { subject: troubled, message: `${error.message}; listing again` }
    if (error instanceof Unreadable) board.put(troubled, [problem])
    return timing.relist * (1 + clock.random()) // it may have come over all nodes at once
  }

  /**
   * What is over at the first attempt is nobody's business. While the server is away all kinds together knock as often as
   * one would, and the first that gets in calls the others.
   */
  function failed(error: unknown): number {
    const { code, retryAfterMs } = error instanceof ApiError ? error : { code: 0, retryAfterMs: 0 }
    const pause = serverBackoffMs(++failures, clock.random)
    if (code === 403) return pause * refused(error as ApiError)
    if (failures % STUBBORN === 0) position = undefined
    if (code === 404) collection.forget()
    if (failures > 1 || position === undefined) shared.lost(collection, error)
    isCallable = retryAfterMs === 0
    return Math.max(pause * shared.crowd(), retryAfterMs)
  }

  /** Our role does not allow it, and will not soon. What was delivered stays in force. Returns how much more patience that takes. */
  function refused(error: ApiError): number {
    position = undefined
    const { kind, isOptional } = collection
    const message = `${error.message}; ${isOptional ? 'it is done without' : 'without it nothing is in sync'}`
    board.put(kind, [{ subject: kind, message }])
    if (!isOptional) shared.lost(collection, error)
    else shared.spared(collection)
    return isOptional ? FORBIDDEN.optional : FORBIDDEN.needed
  }

  let isCallable = false
  while (!signal.aborted) {
    isCallable = false
    const waitMs = await attempt().catch((error) => {
      if (signal.aborted) return 0
      return error instanceof PositionLost ? lost(error) : failed(error)
    })
    const until = isCallable ? AbortSignal.any([signal, shared.opened()]) : signal
    await wait(clock, waitMs, until)
  }
}

/** Passes on what is there and what is gone; returns where to watch from, or undefined where there is nothing to watch. */
async function list(
  collection: Collection,
  table: KeyTable<Fields>,
  shared: Shared,
): Promise<string | undefined> {
  const { client, signal } = shared
  const { query, only } = collection
  const path = await collection.path()
  const pages =
    only === undefined
      ? readPages(client, path, query, signal)
      : readOne(collection, client, `${path}/${only}`)
  const seen = new Set<string>()
  const pause = pauses()
  let position: string | undefined
  try {
    for await (const { items, resourceVersion } of pages) {
      position = resourceVersion
      for (const object of items) {
        signal.throwIfAborted()
        const { key, revision } = identityOf(collection, object)
        seen.add(key)
        table.change({ key, value: object, revision })
        await pause()
      }
    }
  } catch (error) {
    if (error instanceof ApiError && error.code === 410) throw new PositionLost('expired', { cause: error })
    if (!(await isNothing(error, collection))) throw error
  }
  table.keepOnly(seen)
  const isWatched = position !== undefined && only === undefined
  if (!isWatched) shared.established(collection)
  return isWatched ? position : undefined
}

/** Whether a refusal means that there is nothing to list. What a role does not know is refused also when it is not installed. */
async function isNothing(error: unknown, { only, isAbsent }: Collection): Promise<boolean> {
  const code = error instanceof ApiError ? error.code : 0
  if (code === 404 && only !== undefined) return true
  return (code === 404 || code === 403) && (await isAbsent())
}

/** One object of a collection, as a list. */
async function* readOne(collection: Collection, client: Client, path: string) {
  const object = await client.call(path)
  yield { items: [object], resourceVersion: identityOf(collection, object).revision }
}

/** Returns false when the position is not worth keeping. */
async function watch(
  collection: Collection,
  from: string,
  table: KeyTable<Fields>,
  shared: Shared,
  moved: (to: string) => void,
): Promise<boolean> {
  const { client, timing, signal } = shared
  const { clock } = client
  const seconds = Math.max(1, Math.round((timing.watch * (1 + clock.random())) / 1_000))
  const begun = clock.now()
  const handlers = {
    established: () => shared.established(collection),
    event({ type, object }: { type: string; object: Fields }) {
      const { key, revision } = identityOf(collection, object)
      table.change({ key, value: type === 'DELETED' ? undefined : object, revision })
    },
    position: moved,
  }
  const options = { query: collection.query, seconds, signal }
  const spoke = await watchOnce(client, await collection.path(), from, handlers, options)
  // A server that was restored from a backup waits in silence for our revision to come. A bookmark comes from any other.
  return spoke || clock.now() - begun < timing.watch
}

/** The key names an object as kubectl does, and its problems with it. */
function identityOf({ plural }: Collection, object: Fields): { key: string; revision: string } {
  const { name, namespace, resourceVersion } = mapping('metadata', object.metadata)
  const parts = [plural, namespace, name].filter((part) => part !== undefined)
  return { key: parts.join('/'), revision: String(resourceVersion) }
}
