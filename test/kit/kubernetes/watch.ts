// Watches: what happened since a revision, then what happens, cut into chunks wherever the test wants it.

import type { ServerResponse } from 'node:http'
import { printJson } from '../../../src/cluster/json.ts'
import type { TimerClock } from '../../../src/reconcile/clock.ts'
import { expired, failure } from './failure.ts'
import { apiVersionOf, type Resource } from './resources.ts'
import type { Selection } from './select.ts'
import type { Change, ObjectStore, StoredObject } from './store.ts'

export interface Watch {
  readonly resource: Resource
  /** Sends a line as it is, be it JSON or not. */
  line(text: string): void
  /** Sends the beginning of a line. */
  half(text: string): void
  bookmark(annotations?: object): void
  /** The orderly end, as after `timeoutSeconds`. */
  end(): void
  /** The end of a connection that was cut. */
  cut(): void
}

export interface WatchOptions {
  /** Octets in a chunk; undefined: a line at a time. */
  readonly chunk: () => number | undefined
  readonly selected: Selection
  readonly clock: TimerClock
  /** Called when it is over, however it ends. */
  readonly onEnd: () => void
}

/** How often a server says how far it is, where that is wished for. */
const BOOKMARK_MS = 60_000

/** Serves one watch until it ends. @throws Failure before the first line */
export function serveWatch(
  store: ObjectStore,
  resource: Resource,
  query: URLSearchParams,
  response: ServerResponse,
  { chunk, selected, clock, onEnd }: WatchOptions,
): Watch {
  const from = startOf(store, query)
  response.writeHead(200, { 'content-type': 'application/json' })
  response.flushHeaders()
  const seconds = Number(query.get('timeoutSeconds') ?? 0)
  const cancelEnd = seconds > 0 ? clock.after(seconds * 1_000, end) : undefined
  let cancelBookmark: (() => void) | undefined
  const unsubscribe = store.subscribe(
    (change) => change.resource === resource && change.revision > from && tell(change),
  )
  response.once('close', stop)

  function stop(): void {
    cancelEnd?.()
    cancelBookmark?.()
    unsubscribe()
    onEnd()
  }

  function end(): void {
    stop()
    response.end()
  }

  function line(text: string): void {
    const bytes = Buffer.from(`${text}\n`)
    const size = chunk() ?? bytes.length
    for (let at = 0; at < bytes.length; at += size) response.write(bytes.subarray(at, at + size))
  }

  function event(type: string, object: unknown): void {
    line(printJson({ type, object }))
  }

  function tell(change: Change): void {
    const said = eventOf(change, selected)
    if (said) event(...said)
  }

  function bookmark(annotations?: object): void {
    const metadata = { ...(annotations && { annotations }), resourceVersion: String(store.revision) }
    event('BOOKMARK', { apiVersion: apiVersionOf(resource), kind: resource.kind, metadata })
  }

  function bookmarks(): void {
    cancelBookmark = clock.after(BOOKMARK_MS, () => {
      bookmark()
      bookmarks()
    })
  }

  if (query.get('sendInitialEvents') === 'true') {
    for (const object of store.list(resource)) if (selected(object)) event('ADDED', object)
    bookmark({ 'k8s.io/initial-events-end': 'true' })
  } else if (from < store.compacted) {
    event('ERROR', expired('watch').body)
    end()
  } else {
    for (const change of store.since(resource, from)) tell(change)
  }
  if (query.get('allowWatchBookmarks') === 'true' && !response.writableEnded) bookmarks()
  return {
    resource,
    line,
    half: (text) => void response.write(text),
    bookmark,
    end,
    cut: () => response.destroy(),
  }
}

/** Revision 0, and none at all, stand for now. A revision of the future is waited for. */
function startOf(store: ObjectStore, query: URLSearchParams): number {
  const asked = query.get('resourceVersion') ?? ''
  if (!/^\d*$/.test(asked)) {
    const why = `strconv.ParseUint: parsing "${asked}": invalid syntax`
    throw failure(500, undefined, `resourceVersion: Invalid value: "${asked}": ${why}`)
  }
  return Number(asked) || store.revision
}

/** Objects that leave a selection are deleted for who watches it, as they were when they were in it. */
function eventOf(
  { before, after, revision }: Change,
  selected: Selection,
): [type: string, object: StoredObject] | undefined {
  const [was, is] = [selected(before), selected(after)]
  if (is) return [was ? 'MODIFIED' : 'ADDED', after!]
  if (!was) return undefined
  return ['DELETED', { ...before!, metadata: { ...before!.metadata, resourceVersion: String(revision) } }]
}
