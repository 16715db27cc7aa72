// List, then watch from there, for ever: Calico's sequence (datastore syncer, libcalico-go watchersyncer) with one
// position for each prefix, so that etcd's role-based access may grant the prefixes one by one.

import { setTimeout as delay } from 'node:timers/promises'
import type { Etcd3 } from 'etcd3'
import { prefixesOf } from '../../../cluster/etcd-keys.ts'
import { type FeedSink, kinds } from '../../../cluster/feed.ts'
import { systemClock } from '../../system-clock.ts'
import { serverBackoffMs } from '../backoff.ts'
import { contact } from '../contact.ts'
import { problemBoard } from '../problems.ts'
import { type KeyTable, keyTable } from '../table.ts'
import type { Connection } from './client.ts'
import { decode } from './decode.ts'
import { rangeOf, readAll } from './range.ts'
import { inWords } from './reasons.ts'
import { AnotherPast, PositionLost, type Positions, positionsAfter, watchFrom } from './watch.ts'

/** All in milliseconds. */
export interface FeedTiming {
  /** Without contact for this long, the feed is no longer in sync. */
  readonly patience: number
  /** The longest time between two checks that the watch tells us everything. */
  readonly audit: number
  /** The shortest time between two lists. */
  readonly relist: number
}

export const feedTiming: FeedTiming = { patience: 10_000, audit: 300_000, relist: 500 }

const prefixes = [...new Set(kinds.flatMap(prefixesOf))]

/** Feeds `sink` until `signal`; never ends by itself. */
export async function feed(
  connection: Connection,
  sink: FeedSink,
  timing: FeedTiming,
  signal: AbortSignal,
): Promise<void> {
  const board = problemBoard(sink)
  const table = keyTable(sink, board, decode)
  const touch = contact({
    server: 'etcd',
    subject: 'datastore',
    sink,
    board,
    clock: systemClock,
    patienceMs: timing.patience,
  })
  signal.addEventListener('abort', touch.close, { once: true })
  let positions: Positions | undefined

  async function attempt(client: Etcd3): Promise<never> {
    positions ??= await list(client, table, signal)
    const stop = new AbortController()
    const either = AbortSignal.any([signal, stop.signal])
    const handlers = { established: touch.established, change: table.change }
    try {
      return await Promise.race([
        watchFrom(client, positions, handlers, either),
        auditing(client, positions, table, timing.audit, either),
      ])
    } finally {
      stop.abort()
    }
  }

  await delay(0) // nothing may be delivered from inside `watch`
  while (!signal.aborted) {
    const endpoint = connection.endpoint()
    let client: Etcd3 | undefined
    let waitMs = timing.relist
    try {
      client = await connection.client()
      await attempt(client)
    } catch (error) {
      if (signal.aborted) return
      if (error instanceof PositionLost) {
        positions = undefined
        if (error instanceof AnotherPast) table.distrust()
      } else {
        waitMs = serverBackoffMs(touch.lost(endpoint, inWords(error)), systemClock.random)
        if (client) connection.drop(client)
      }
    }
    await delay(waitMs, undefined, { signal }).catch(() => {})
  }
}

/** Reads everything at one revision, passes on the differences, and returns where to watch from. */
async function list(client: Etcd3, table: KeyTable<Buffer>, signal: AbortSignal): Promise<Positions> {
  const seen = new Set<string>()
  let positions: Positions | undefined
  for await (const { kvs, header } of readAll(client, prefixes)) {
    signal.throwIfAborted()
    for (const { key, value, mod_revision } of kvs) {
      seen.add(String(key))
      table.change({ key: String(key), value, revision: mod_revision })
    }
    positions = positionsAfter(header, prefixes)
  }
  table.keepOnly(seen)
  return positions!
}

/**
 * Asks now and then whether the watch has kept anything from us, as it would when our member is cut off from the
 * others. The question is a linearizable read that answers with hardly any data when all is well.
 */
async function auditing(
  client: Etcd3,
  positions: Positions,
  table: KeyTable<Buffer>,
  intervalMs: number,
  signal: AbortSignal,
): Promise<never> {
  for (;;) {
    await delay(intervalMs * (0.5 + Math.random() / 2), undefined, { signal })
    for (const [prefix, position] of positions.revisions) {
      const newer = { min_mod_revision: String(position + 1n), keys_only: true }
      const { kvs, count } = await client.kv.range({ ...rangeOf(prefix), ...newer })
      const unheard = kvs.some(({ key, mod_revision }) => table.revisionOf(String(key)) !== mod_revision)
      if (unheard || Number(count) !== table.count(prefix))
        throw new PositionLost('the watch has missed changes')
    }
  }
}
