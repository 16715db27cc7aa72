// List, then watch from there, for ever: Calico's sequence (libcalico-go/lib/backend/watchersyncer), a loop for each
// kind. In sync means that every kind was listed and is watched.

import { setTimeout as delay } from 'node:timers/promises'
import { type FeedSink, kinds, type ResourceKind, resourceId } from '../../../cluster/feed.ts'
import {
  collectionPath,
  documentFromObject,
  isCore,
  type Layout,
  pluralOf,
} from '../../../cluster/kubernetes/objects.ts'
import { type Fields, mapping } from '../../../cluster/shape.ts'
import { backoffMs } from '../backoff.ts'
import { contact } from '../contact.ts'
import { pauses } from '../pauses.ts'
import { type ProblemBoard, problemBoard } from '../problems.ts'
import { type Decoded, type KeyTable, keyTable } from '../table.ts'
import { ApiError, type Client } from './client.ts'
import type { KubernetesSettings } from './config.ts'
import { discoverLayout, isAbsent } from './layout.ts'
import { readPages } from './pages.ts'
import { inWords } from './reasons.ts'
import { PositionLost, Unreadable, watchOnce } from './watch.ts'

/** All in milliseconds. */
export interface FeedTiming {
  /** Without contact for this long, the feed is no longer in sync. */
  readonly patience: number
  /** The shortest time between two lists. */
  readonly relist: number
  /** The shortest time that the server is asked to keep a watch; the longest is twice that. */
  readonly watch: number
  /** When a kind that is not installed, or cannot be watched, is looked at again. */
  readonly look: number
}

export const feedTiming: FeedTiming = { patience: 10_000, relist: 500, watch: 300_000, look: 1_800_000 }

/** Failures in a row at one revision, after which it is given up. */
const STUBBORN = 5

/** Read by name when they are needed; no role of Calico's allows to watch them. */
const NEVER: ReadonlySet<ResourceKind> = new Set(['IPAMHandle'])

/** Calico's role allows to read its one object, not to list or watch. */
const BY_NAME: ReadonlySet<ResourceKind> = new Set(['IPAMConfiguration'])

/** Feeds `sink` until `signal`; never ends by itself. */
export async function feed(
  client: Client,
  settings: KubernetesSettings,
  sink: FeedSink,
  timing: FeedTiming,
  signal: AbortSignal,
): Promise<void> {
  const board = problemBoard(sink)
  const touch = contact('the Kubernetes API', sink, board, timing.patience)
  const missing = new Set<ResourceKind>(kinds.filter((kind) => !NEVER.has(kind)))
  let layout: Promise<Layout> | undefined
  signal.addEventListener('abort', touch.close, { once: true })

  const shared: Shared = {
    client,
    settings,
    sink,
    board,
    timing,
    signal,
    layout() {
      layout ??= discoverLayout(client, settings.apiGroup)
      layout.catch(() => shared.forgetLayout())
      return layout
    },
    forgetLayout() {
      layout = undefined
    },
    established(kind) {
      if (missing.delete(kind) && missing.size === 0) touch.established()
    },
    lost(kind, error) {
      missing.add(kind)
      touch.lost(client.endpoint(), inWords(error))
    },
  }
  await delay(0) // nothing may be delivered from inside `watch`
  await Promise.all([...missing].map((kind) => follow(kind, shared)))
}

interface Shared {
  readonly client: Client
  readonly settings: KubernetesSettings
  readonly sink: FeedSink
  readonly board: ProblemBoard
  readonly timing: FeedTiming
  readonly signal: AbortSignal
  layout(): Promise<Layout>
  forgetLayout(): void
  established(kind: ResourceKind): void
  lost(kind: ResourceKind, error: unknown): void
}

/** Keeps one kind up to date. */
async function follow(kind: ResourceKind, shared: Shared): Promise<void> {
  const { board, timing, signal, settings } = shared
  const table = keyTable<Fields>(shared.sink, board, decoder(kind, settings.interfacePrefix ?? 'cali'))
  const troubled = `watch of ${kind}`
  let position: string | undefined
  let failures = 0
  const moved = (to: string): void => {
    position = to
    failures = 0
  }

  /** Returns how long to wait before the next attempt. */
  async function attempt(): Promise<number> {
    const begun = performance.now()
    if (position === undefined) {
      position = await list(kind, table, shared)
      board.put(troubled, [])
      if (position === undefined) return timing.look
    }
    const isAlive = await watch(kind, position, table, shared, moved)
    failures = 0
    if (!isAlive) {
      position = undefined
      table.distrust()
    }
    return timing.relist - (performance.now() - begun)
  }

  function lost(error: Error): number {
    position = undefined
    const problem = { subject: troubled, message: `${error.message}; listing again` }
    if (error instanceof Unreadable) board.put(troubled, [problem])
    return timing.relist
  }

  /** What is over at the first attempt is nobody's business. */
  function failed(error: unknown): number {
    const { code, retryAfterMs } = error instanceof ApiError ? error : { code: 0, retryAfterMs: 0 }
    if (++failures % STUBBORN === 0) position = undefined
    if (code === 404) shared.forgetLayout()
    if (failures > 1 || position === undefined) shared.lost(kind, error)
    return Math.max(backoffMs(failures), retryAfterMs)
  }

  while (!signal.aborted) {
    const waitMs = await attempt().catch((error) => {
      if (signal.aborted) return 0
      return error instanceof PositionLost ? lost(error) : failed(error)
    })
    await delay(Math.max(0, waitMs), undefined, { signal }).catch(() => {})
  }
}

/** Passes on what is there and what is gone; returns where to watch from, or undefined where there is nothing to watch. */
async function list(
  kind: ResourceKind,
  table: KeyTable<Fields>,
  shared: Shared,
): Promise<string | undefined> {
  const { client, signal } = shared
  const layout = await shared.layout()
  const path = collectionPath(kind, layout)
  const pages = BY_NAME.has(kind)
    ? readOne(kind, client, `${path}/default`)
    : readPages(client, path, queryOf(kind, shared), signal)
  const seen = new Set<string>()
  const pause = pauses()
  let position: string | undefined
  try {
    for await (const { items, resourceVersion } of pages) {
      position = resourceVersion
      for (const object of items) {
        signal.throwIfAborted()
        const { key, revision } = identityOf(kind, object)
        seen.add(key)
        table.change({ key, value: object, revision })
        await pause()
      }
    }
  } catch (error) {
    if (error instanceof ApiError && error.code === 410) throw new PositionLost('expired', { cause: error })
    const isMissing = error instanceof ApiError && error.code === 404 && !isCore(kind)
    const isByName = BY_NAME.has(kind) && isMissing
    if (!isMissing || (!isByName && !(await isAbsent(client, layout, pluralOf(kind, layout))))) throw error
  }
  table.keepOnly(seen)
  const isWatched = position !== undefined && !BY_NAME.has(kind)
  if (!isWatched) shared.established(kind)
  return isWatched ? position : undefined
}

/** The one object of a kind, as a list. */
async function* readOne(kind: ResourceKind, client: Client, path: string) {
  const object = await client.call(path)
  yield { items: [object], resourceVersion: identityOf(kind, object).revision }
}

/** Returns false when the position is not worth keeping. */
async function watch(
  kind: ResourceKind,
  from: string,
  table: KeyTable<Fields>,
  shared: Shared,
  moved: (to: string) => void,
): Promise<boolean> {
  const { client, timing, signal } = shared
  const seconds = Math.max(1, Math.round((timing.watch * (1 + Math.random())) / 1_000))
  const begun = performance.now()
  const handlers = {
    established: () => shared.established(kind),
    event({ type, object }: { type: string; object: Fields }) {
      const { key, revision } = identityOf(kind, object)
      table.change({ key, value: type === 'DELETED' ? undefined : object, revision })
    },
    position: moved,
  }
  const path = collectionPath(kind, await shared.layout())
  const spoke = await watchOnce(client, path, from, handlers, {
    query: queryOf(kind, shared),
    seconds,
    signal,
  })
  // A server that was restored from a backup waits in silence for our revision to come. A bookmark comes from any other.
  return spoke || performance.now() - begun < timing.watch
}

function queryOf(
  kind: ResourceKind,
  { settings: { nodename } }: Shared,
): Readonly<Record<string, string | undefined>> {
  return kind === 'WorkloadEndpoint' && nodename ? { fieldSelector: `spec.nodeName=${nodename}` } : {}
}

/** The key names an object as kubectl does, and its problems with it. */
function identityOf(kind: ResourceKind, object: Fields): { key: string; revision: string } {
  const { name, namespace, resourceVersion } = mapping('metadata', object.metadata)
  const parts = [pluralOf(kind, 'crd'), namespace, name].filter((part) => part !== undefined)
  return { key: parts.join('/'), revision: String(resourceVersion) }
}

/** Reads objects of a kind. */
function decoder(kind: ResourceKind, interfacePrefix: string): (key: string, value: Fields) => Decoded {
  return (key, value) => {
    try {
      const document = documentFromObject(kind, value, interfacePrefix)
      if (!document) return {}
      const { name, namespace } = document.metadata
      return { document, id: resourceId(kind, name, namespace) }
    } catch (error) {
      const { field, message } = error as { field?: string; message: string }
      return { problem: { subject: key, ...(field && { field }), message } }
    }
  }
}
