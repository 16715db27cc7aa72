// Collections of Kubernetes, followed together, each by a loop of its own (follow.ts). In sync means that every one was
// listed and is watched.

import { setImmediate as turn } from 'node:timers/promises'
import type { FeedSink } from '../../../cluster/feed.ts'
import { contact } from '../contact.ts'
import { problemBoard } from '../problems.ts'
import type { Client } from './client.ts'
import type { Collection } from './collections.ts'
import { follow, type Shared } from './follow.ts'
import { inWords } from './reasons.ts'

/** All in milliseconds. */
export interface FeedTiming {
  /** Without contact for this long, the feed is no longer in sync. */
  readonly patience: number
  /** The shortest time between two lists. */
  readonly relist: number
  /** The shortest time that the server is asked to keep a watch; the longest is twice that. */
  readonly watch: number
  /** When a collection that is not installed, or cannot be watched, is looked at again. */
  readonly look: number
}

export const feedTiming: FeedTiming = { patience: 10_000, relist: 500, watch: 300_000, look: 1_800_000 }

/** Feeds `sink` with these collections until `signal`; never ends by itself. `subject` is what troubles are about. */
export async function feed(
  client: Client,
  collections: readonly Collection[],
  sink: FeedSink,
  timing: FeedTiming,
  signal: AbortSignal,
  subject = 'datastore',
): Promise<void> {
  const board = problemBoard(sink)
  const touch = contact({
    server: 'the Kubernetes API',
    subject,
    sink,
    board,
    clock: client.clock,
    patienceMs: timing.patience,
  })
  const missing = new Set(collections)
  let opening = new AbortController()
  signal.addEventListener('abort', touch.close, { once: true })

  const shared: Shared = {
    client,
    sink,
    board,
    timing,
    signal,
    established(collection) {
      board.put(collection.kind, [])
      shared.spared(collection)
    },
    spared(collection) {
      if (!missing.delete(collection)) return
      opening.abort()
      opening = new AbortController()
      if (missing.size === 0) touch.established()
    },
    crowd: () => Math.max(1, missing.size),
    opened: () => opening.signal,
    lost(collection, error) {
      missing.add(collection)
      touch.lost(client.endpoint(), inWords(error))
    },
  }
  await turn() // nothing may be delivered from inside `watch`
  await Promise.all([...missing].map((collection) => follow(collection, shared)))
}
