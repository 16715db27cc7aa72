// Fills in the CalicoNodeStatus resources that ask about this node: at once when one comes or is changed, then as often
// as it says, and only when there is something new to say. Calico: node/pkg/status/status_reporter.go.

import { type Datastore, type Document, StoreError } from '../cluster/feed.ts'
import type { CalicoNodeStatus } from '../cluster/model.ts'
import { same } from '../cluster/same.ts'
import { timestamp } from '../cluster/timestamp.ts'
import type { Change } from '../cluster/view.ts'
import type { Log } from '../edge/observe/log.ts'
import type { TimerClock } from '../reconcile/clock.ts'

export interface NodeStatusesOptions {
  readonly datastore: Pick<Datastore, 'get' | 'update'>
  readonly nodename: string
  readonly clock: Pick<TimerClock, 'after'>
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly log: Pick<Log, 'warn' | 'info'>
  /** The status as it is now; undefined as long as there is nothing to say. */
  report(classes: CalicoNodeStatus['classes']): object | undefined
}

/** How often in a row a write is tried that others came before. */
const ATTEMPTS = 3

/** When a write that failed is tried again at the earliest, and one that had nothing to say, in milliseconds. */
const RETRY_MS = 30_000
const SOON_MS = 1_000

/** One of them. */
interface Kept {
  readonly request: CalicoNodeStatus
  /** As we last left it. Undefined: to be read. */
  document: Document | undefined
  cancel: () => void
  failed: boolean
}

export class NodeStatuses {
  readonly #options: NodeStatusesOptions
  readonly #kept = new Map<string, Kept>()

  constructor(options: NodeStatusesOptions) {
    this.#options = options
  }

  changed({ before, after }: Change): void {
    if (before?.kind === 'CalicoNodeStatus') this.#drop(before.name)
    if (after?.kind !== 'CalicoNodeStatus' || after.node !== this.#options.nodename) return
    const kept: Kept = { request: after, document: undefined, cancel: () => {}, failed: false }
    this.#kept.set(after.name, kept)
    this.#look(kept, 0)
  }

  stop(): void {
    for (const name of [...this.#kept.keys()]) this.#drop(name)
  }

  #drop(name: string): void {
    this.#kept.get(name)?.cancel()
    this.#kept.delete(name)
  }

  #look(kept: Kept, afterMs: number): void {
    kept.cancel = this.#options.clock.after(afterMs, () => void this.#fill(kept))
  }

  async #fill(kept: Kept): Promise<void> {
    const { classes, updatePeriodSeconds } = kept.request
    const status = this.#options.report(classes)
    if (!status) return this.#look(kept, SOON_MS)
    const isDone = await this.#write(kept, status)
    if (this.#kept.get(kept.request.name) !== kept) return
    if (updatePeriodSeconds > 0) this.#look(kept, updatePeriodSeconds * 1_000)
    else if (!isDone) this.#look(kept, RETRY_MS)
  }

  /** Whether it says so now. */
  async #write(kept: Kept, status: object): Promise<boolean> {
    const { log } = this.#options
    const subject = `CalicoNodeStatus/${kept.request.name}`
    try {
      await this.#attempt(kept, status, ATTEMPTS)
      if (kept.failed) log.info({ subject }, 'status written again')
      kept.failed = false
    } catch (error) {
      kept.document = undefined
      if (!kept.failed) log.warn({ subject, reason: (error as Error).message }, 'status cannot be written')
      kept.failed = true
    }
    return !kept.failed
  }

  async #attempt(kept: Kept, status: object, left: number): Promise<void> {
    const { datastore, now } = this.#options
    kept.document ??= await datastore.get('CalicoNodeStatus', kept.request.name)
    if (!kept.document || same(saidIn(kept.document), status)) return
    const lastUpdated = timestamp(now())
    try {
      kept.document = await datastore.update({ ...kept.document, status: { ...status, lastUpdated } })
    } catch (error) {
      if (!(error instanceof StoreError && error.reason === 'conflict') || left <= 1) throw error
      kept.document = undefined
      await this.#attempt(kept, status, left - 1)
    }
  }
}

/** What a document says, but for when. */
function saidIn({ status }: Document): object {
  const { lastUpdated: _, ...said } = (status ?? {}) as Readonly<Record<string, unknown>>
  return said
}
