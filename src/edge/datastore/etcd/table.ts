// What was delivered from etcd: per key its revision and the document it stands for.
//
// A list after a gap is compared with this table, so that only differences reach the sink, deletions among them.

import type { FeedSink, ResourceId } from '../../../cluster/feed.ts'
import type { ProblemBoard } from '../problems.ts'
import { decode } from './decode.ts'
import type { Change } from './watch.ts'

interface Row {
  /** Undefined when it no longer means anything. */
  readonly revision: string | undefined
  /** Undefined when no version of this key was ever good. */
  readonly id: ResourceId | undefined
}

export interface KeyTable {
  /** Takes in a change and passes on what it means. One that is known already means nothing. */
  change(change: Change): void
  /** Takes every key that is not in `seen` for deleted. */
  keepOnly(seen: ReadonlySet<string>): void
  /** Forgets which revisions were delivered, but not what: it is all compared anew. */
  distrust(): void
  /** The revision at which a key was last delivered. */
  revisionOf(key: string): string | undefined
  /** How many keys there are under a prefix. */
  count(prefix: string): number
}

export function keyTable(sink: Pick<FeedSink, 'set' | 'delete'>, board: ProblemBoard): KeyTable {
  const rows = new Map<string, Row>()

  function put(key: string, value: Buffer, revision: string): void {
    const row = rows.get(key)
    if (row?.revision === revision) return
    const { document, id, problem } = decode(key, value, revision)
    rows.set(key, { revision, id: id ?? row?.id })
    board.put(key, problem ? [problem] : [])
    if (document) sink.set(document)
  }

  function remove(key: string): void {
    const row = rows.get(key)
    rows.delete(key)
    board.put(key, [])
    if (row?.id !== undefined) sink.delete(row.id)
  }

  return {
    change: ({ key, value, revision }) => (value ? put(key, value, revision) : remove(key)),
    keepOnly(seen) {
      for (const key of [...rows.keys()]) if (!seen.has(key)) remove(key)
    },
    distrust() {
      for (const [key, { id }] of rows) rows.set(key, { revision: undefined, id })
    },
    revisionOf: (key) => rows.get(key)?.revision,
    count: (prefix) => rows.keys().reduce((sum, key) => sum + (key.startsWith(prefix) ? 1 : 0), 0),
  }
}
