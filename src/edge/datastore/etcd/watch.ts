// One watch stream over several prefixes.
//
// This speaks etcd's Watch RPC through the package's raw client, because the package's Watcher resumes from the
// revision in a response header: events between what it delivered and what the header promised are lost when the
// stream breaks while catching up. Here each prefix has its own position, which moves only over delivered events.

import type { Etcd3, IResponseHeader, IWatchResponse } from 'etcd3'
import type { Change } from '../table.ts'
import { rangeOf } from './range.ts'

/** The server no longer has the revisions we missed: only a new list helps. */
export class PositionLost extends Error {
  override readonly name: string = 'PositionLost'
}

/** The server has another past than the one we followed, as after a restored backup: what we know of revisions is void. */
export class AnotherPast extends PositionLost {
  override readonly name = 'AnotherPast'
}

/** How far everything was delivered, and of which history. */
export interface Positions {
  readonly cluster: string
  /** The latest term of that cluster's leaders. It never falls. */
  term: bigint
  /** By prefix: the revision up to which everything was delivered. */
  readonly revisions: Map<string, bigint>
}

/** The positions after a list of everything under these prefixes. */
export function positionsAfter(header: IResponseHeader, prefixes: readonly string[]): Positions {
  const { cluster_id, raft_term, revision } = header
  const revisions = new Map(prefixes.map((prefix) => [prefix, BigInt(revision)]))
  return { cluster: cluster_id, term: BigInt(raft_term), revisions }
}

export interface WatchHandlers {
  /** Every prefix is being watched. */
  established(): void
  change(change: Change<Buffer>): void
}

/**
 * Watches each prefix from its position + 1 and moves the positions along.
 *
 * @returns never
 * @throws PositionLost, or the stream's error, or the reason of the signal
 */
export async function watchFrom(
  client: Etcd3,
  positions: Positions,
  handlers: WatchHandlers,
  signal: AbortSignal,
): Promise<never> {
  const { promise: ended, reject } = Promise.withResolvers<never>()
  ended.catch(() => {}) // it may come when nobody waits for it any more: cancelling a stream is an error, too
  const stream = await client.watchClient.watch()
  const tracker = track(positions, handlers)
  const abort = () => reject(signal.reason)
  signal.addEventListener('abort', abort)
  stream.on('error', reject)
  stream.on('end', () => reject(new Error('the server ended the watch')))
  stream.on('data', (response) => {
    try {
      tracker(response)
    } catch (error) {
      reject(error)
    }
  })
  try {
    signal.throwIfAborted()
    for (const [prefix, position] of positions.revisions) {
      const start = { start_revision: String(position + 1n), progress_notify: true }
      stream.write({ create_request: { ...rangeOf(prefix), ...start } })
    }
    return await ended
  } finally {
    signal.removeEventListener('abort', abort)
    stream.cancel()
  }
}

/** Takes in the responses of one stream. Watches are confirmed in the order they were asked for. */
function track(positions: Positions, handlers: WatchHandlers): (response: IWatchResponse) => void {
  const { revisions } = positions
  const unconfirmed = [...revisions.keys()]
  const prefixes = new Map<string, string>() // by watch id

  function confirm({ watch_id, header }: IWatchResponse): void {
    const prefix = unconfirmed.shift()!
    if (BigInt(header.revision) < revisions.get(prefix)!)
      throw new AnotherPast('the store has gone back in time')
    prefixes.set(watch_id, prefix)
    if (unconfirmed.length === 0) handlers.established()
  }

  return (response) => {
    if (response.created || response.canceled) sameHistory(positions, response.header)
    if (response.canceled) throw cancelled(response)
    if (response.created) return confirm(response)
    const prefix = prefixes.get(response.watch_id)
    if (prefix === undefined) return
    for (const { type, kv } of response.events) {
      const deleted = String(type).toUpperCase() === 'DELETE'
      handlers.change({
        key: String(kv.key),
        value: deleted ? undefined : kv.value,
        revision: kv.mod_revision,
      })
    }
    // The last event, or with none a progress notification: everything up to the header's revision was sent.
    revisions.set(prefix, BigInt(response.events.at(-1)?.kv.mod_revision ?? response.header.revision))
  }
}

/**
 * A backup is restored as a new cluster, or under the old name in an early term. (With the same name and term only the
 * revision tells, or the audit.)
 */
function sameHistory(positions: Positions, { cluster_id, raft_term }: IResponseHeader): void {
  const term = BigInt(raft_term)
  if (cluster_id !== positions.cluster || term < positions.term)
    throw new AnotherPast('the store has another past')
  positions.term = term
}

function cancelled({ compact_revision, cancel_reason }: IWatchResponse): Error {
  const compacted = compact_revision !== '0' || cancel_reason.includes('required revision has been compacted')
  return compacted ? new PositionLost('compacted') : new Error(`watch cancelled: ${cancel_reason}`)
}
