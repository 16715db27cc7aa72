// What was delivered from a server: per key its revision and the document it stands for.
//
// A list after a gap is compared with this table, so that only differences reach the sink, deletions among them.

import type { AnyKind, Document, FeedSink, Problem, ResourceId } from '../../cluster/feed.ts'
import type { ProblemBoard } from './problems.ts'

/** A change of one key. */
export interface Change<V> {
  readonly key: string
  /** Undefined when the key was deleted. */
  readonly value: V | undefined
  readonly revision: string
}

/** What a value stands for: a document with its id, a problem, or nothing. */
export interface Decoded<Kind extends AnyKind = AnyKind> {
  readonly document?: Document<Kind>
  readonly id?: ResourceId
  readonly problem?: Problem
}

export type Decode<V> = (key: string, value: V, revision: string) => Decoded

interface Row {
  /** Undefined when it no longer means anything. */
  readonly revision: string | undefined
  /** Undefined when no version of this key was ever good. */
  readonly id: ResourceId | undefined
}

export interface KeyTable<V> {
  /** Takes in a change and passes on what it means. One that is known already means nothing. */
  change(change: Change<V>): void
  /** Takes every key that is not in `seen` for deleted. */
  keepOnly(seen: ReadonlySet<string>): void
  /** Forgets which revisions were delivered, but not what: it is all compared anew. */
  distrust(): void
  /** The revision at which a key was last delivered. */
  revisionOf(key: string): string | undefined
  /** How many keys there are under a prefix. */
  count(prefix: string): number
}

export function keyTable<V>(
  sink: Pick<FeedSink, 'set' | 'delete'>,
  board: ProblemBoard,
  decode: Decode<V>,
): KeyTable<V> {
  const rows = new Map<string, Row>()

  function put(key: string, value: V, revision: string): void {
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
    change: ({ key, value, revision }) => (value !== undefined ? put(key, value, revision) : remove(key)),
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
