// One kind of kernel object, brought to what is wanted and kept there.
//
// `wanted` comes from the plan, `actual` is what we believe the kernel holds: from
// reading it, from its events, and from what it acknowledged. Keys where the two
// differ are dirty, and only those cost anything. Three rules keep it right whatever
// the order in which news arrives (Calico felix/deltatracker, felix/routetable):
//
//   - Putting and removing may be repeated, so every doubt is settled by one write more.
//   - What an event said while a write or a read was under way counts for more than
//     that write or read: nobody knows which of them the kernel saw first.
//   - Removing needs the caller's leave: before the datastore is in sync a missing
//     item may be one we have not heard of yet.

import type { Clock } from './clock.ts'
import { Echoes } from './echoes.ts'
import { Entries, type Entry, type InForceChange } from './entries.ts'
import type { Kind, Refused } from './kind.ts'
import { Line } from './line.ts'
import { earliest, Refusals } from './refusals.ts'

/** So many items go to the kernel before others get a turn: of routes a millisecond of its time. */
const BATCH = 256

/** What the kernel is being asked: what it holds, or to take a batch. */
interface Question<T> {
  /** What it is to hold, or no longer. */
  readonly items: ReadonlyMap<Entry<T>, T>
  /** Keys of which events told meanwhile. */
  readonly told: Set<string>
}

/** One of the two ways to bring the kernel to what is wanted. */
interface Change<T> {
  readonly line: Line<Entry<T>>
  itemOf(entry: Entry<T>): T
  write(items: readonly T[]): Promise<readonly Refused[]>
  /** What the kernel holds when it has taken the item. */
  after(item: T): T | undefined
}

/** What had happened to an item that we put right. */
export type Cause = 'removed' | 'changed' | 'added' | 'device'

export interface ReconcilerView {
  readonly name: string
  readonly wanted: number
  readonly inForce: number
  readonly refused: readonly { readonly key: string; readonly reason: string; readonly attempts: number }[]
  /** How often the kernel had to be put right since the first reading, by cause. */
  readonly repairs: Readonly<Record<Cause, number>>
}

/** What is not yet as wanted. */
export interface Diff<T> {
  readonly put: readonly T[]
  readonly remove: readonly T[]
}

export interface ReconcilerOptions {
  /** The kernel has answered some of what it was asked: `takeInForce` may have news. */
  onWritten?(): void
  /** Items to a batch; for tests. */
  readonly batch?: number
}

export class Reconciler<T> {
  readonly #kind: Kind<T>
  readonly #clock: Clock
  readonly #onWritten: () => void
  readonly #batch: number
  readonly #entries: Entries<T>
  readonly #toPut = new Line<Entry<T>>()
  readonly #toRemove = new Line<Entry<T>>()
  readonly #refusals: Refusals
  /** Unwanted items in their time of grace, and when it ends. */
  readonly #kept = new Map<string, number>()
  readonly #echoes: Echoes<T>
  /** Dirty keys that were in order before, and what happened to them. */
  readonly #drift = new Map<string, Cause>()
  readonly #repairs: Record<Cause, number> = { removed: 0, changed: 0, added: 0, device: 0 }
  /** Unwanted keys whose interface has changed since: should they be wanted again, they may not be there. */
  readonly #doubted = new Set<string>()
  /** What it has not answered. */
  readonly #asked = new Set<Question<T>>()
  #turn: Promise<void> = Promise.resolve()
  #readOnce = false

  constructor(kind: Kind<T>, clock: Clock, { onWritten = () => {}, batch = BATCH }: ReconcilerOptions = {}) {
    this.#kind = kind
    this.#clock = clock
    this.#onWritten = onWritten
    this.#batch = batch
    this.#entries = new Entries(kind)
    this.#refusals = new Refusals(clock)
    this.#echoes = new Echoes(clock, kind.same)
  }

  /** The plan wants `item` under `key`, or nothing. */
  want(key: string, item: T | undefined): void {
    const entry = this.#entries.of(key)
    const before = entry.wanted
    this.#entries.want(entry, item)
    if (item && before && this.#kind.same(item, before)) return
    if (item && this.#doubted.has(key)) {
      this.#hear(key) // what is being written now may be for the former interface
      this.#believe(entry, undefined)
    }
    this.#refusals.forget(key)
    this.#mark(entry)
  }

  /** The kernel says that `key` holds `item` now, or nothing. Costs nothing when that is what we believe. */
  saw(key: string, item: T | undefined): void {
    this.#hear(key)
    const cause = this.#echoes.has(key, item) ? undefined : this.#drifted(key, item)
    this.#observe(key, item, cause)
  }

  /**
   * An interface came, went or changed its state: what hangs on it may have gone without a word. `ours`: because we did
   * that, so there is nothing to count.
   */
  doubt(device: string, ours = false): void {
    const on = (item: T | undefined): boolean => this.#entries.deviceOf(item) === device
    const asked = [...this.#asked].flatMap(({ items }) => [...items])
    const unsure = asked.filter(([, item]) => on(item)).map(([entry]) => entry)
    for (const { key, wanted, inForce } of [...unsure, ...this.#entries.on(device)]) {
      if (!wanted) {
        this.#doubted.add(key)
        continue
      }
      this.#hear(key)
      this.#observe(key, undefined, inForce && !ours ? 'device' : undefined)
    }
    for (const key of this.#refusals.keys()) {
      const entry = this.#entries.get(key)
      if (on(entry.wanted)) this.#mark(entry)
    }
  }

  /** Reads what the kernel holds; everything that differs becomes dirty. Rejects when it cannot be read. */
  resync(): Promise<void> {
    return this.#exclusively(async () => {
      const { told } = this.#ask(new Map())
      const found = await this.#kind.read()
      const keys = new Set<string>()
      for (const item of found) {
        const key = this.#kind.key(item)
        keys.add(key)
        if (!told.has(key)) this.#found(key, item)
      }
      for (const { key, actual } of this.#entries.values())
        if (actual && !keys.has(key) && !told.has(key)) this.#found(key, undefined)
      this.#readOnce = true
    })
  }

  /** Writes what is dirty; `prune` also removes what nobody wants, after everything new is in place. */
  async apply(options: { readonly prune: boolean }): Promise<void> {
    await this.put()
    if (options.prune) await this.prune()
  }

  /** Writes all wanted items that were dirty when it began, and those whose retry is due. */
  put(): Promise<void> {
    return this.#write({
      line: this.#toPut,
      itemOf: ({ wanted }) => wanted!,
      write: (items) => this.#kind.put(items),
      after: (item) => item,
    })
  }

  /** Removes all items that were unwanted when it began. */
  prune(): Promise<void> {
    return this.#write({
      line: this.#toRemove,
      itemOf: ({ actual }) => actual!,
      write: (items) => this.#kind.remove(items),
      after: () => undefined,
    })
  }

  /** True when the kernel is known to hold what is wanted under `key`. */
  inForce(key: string): boolean {
    return this.#entries.get(key).inForce
  }

  /** Which keys came into force or out of it since the last call. */
  takeInForce(): readonly InForceChange[] {
    return this.#entries.takeTurned()
  }

  /** How many items `put`, or with `prune` also that, would write now. */
  backlog(prune: boolean): number {
    return this.#toPut.size + (prune ? this.#toRemove.size : 0)
  }

  /** When the next refused or spared item is due, on the clock. */
  nextRetry(): number | undefined {
    return earliest([this.#refusals.next(), ...this.#kept.values()])
  }

  /** What we believe the kernel holds. */
  *actual(): Generator<T> {
    for (const { actual } of this.#entries.values()) if (actual) yield actual
  }

  view(): ReconcilerView {
    return {
      name: this.#kind.name,
      ...this.#entries.count,
      refused: this.#refusals.list().map(({ key, reason, attempts }) => ({ key, reason, attempts })),
      repairs: { ...this.#repairs },
    }
  }

  /** Costs as much as there are items: for tests, not for the loop. */
  diff(): Diff<T> {
    const entries = [...this.#entries.values()]
    return {
      put: entries.flatMap(({ wanted, inForce }) => (wanted && !inForce ? [wanted] : [])),
      remove: entries.flatMap(({ wanted, actual }) => (actual && !wanted ? [actual] : [])),
    }
  }

  /** One operation at a time, since each begins with what the one before it found. */
  #exclusively(operation: () => Promise<void>): Promise<void> {
    const run = this.#turn.then(operation)
    this.#turn = run.catch(() => {}).then(() => this.#asked.clear())
    return run
  }

  #hear(key: string): void {
    for (const { told } of this.#asked) told.add(key)
  }

  #write(change: Change<T>): Promise<void> {
    return this.#exclusively(async () => {
      this.#wake()
      let before = Promise.resolve()
      for (let left = change.line.size; left > 0; left -= this.#batch) {
        const answered = this.#writeSome(change, Math.min(left, this.#batch))
        await (this.#kind.pipelined ? before : answered)
        before = answered
      }
      await before
    })
  }

  async #writeSome({ line, itemOf, write, after }: Change<T>, most: number): Promise<void> {
    const entries = line.take(most)
    const question = this.#ask(new Map(entries.map((entry) => [entry, itemOf(entry)])))
    for (const entry of entries) {
      this.#entries.hold(entry)
      this.#countRepair(entry.key) // now: once it is written, its own echo may be faster than the answer
    }
    const refused = await write([...question.items.values()])
    this.#answered(question, refused, after)
  }

  #ask(items: ReadonlyMap<Entry<T>, T>): Question<T> {
    const question = { items, told: new Set<string>() }
    this.#asked.add(question)
    return question
  }

  #answered(question: Question<T>, refused: readonly Refused[], after: Change<T>['after']): void {
    this.#asked.delete(question)
    const refusedKeys = new Set(refused.map(({ key }) => key))
    for (const refusal of refused) this.#refusals.add(refusal)
    for (const [entry, item] of question.items) {
      if (!refusedKeys.has(entry.key)) this.#took(entry, after(item), question.told.has(entry.key))
      this.#entries.release(entry)
    }
    this.#onWritten()
  }

  #took(entry: Entry<T>, item: T | undefined, isToldOtherwise: boolean): void {
    const { key } = entry
    if (!this.#kind.silent) this.#echoes.wrote(key, item)
    this.#refusals.forget(key)
    if (!isToldOtherwise) this.#believe(entry, item)
    this.#mark(entry)
  }

  /** A reading says what `key` holds. */
  #found(key: string, item: T | undefined): void {
    this.#observe(key, item, this.#readOnce ? this.#drifted(key, item) : undefined)
  }

  #observe(key: string, item: T | undefined, cause: Cause | undefined): void {
    const believed = this.#entries.get(key).actual
    if (believed === item || (believed && item && this.#kind.same(believed, item))) return
    if (cause) this.#drift.set(key, cause)
    const entry = this.#entries.of(key)
    this.#believe(entry, item)
    if (item && !entry.wanted && this.#spared(key, item)) return
    this.#mark(entry)
  }

  /** What somebody else did to this key, or undefined when it was not in order anyway. */
  #drifted(key: string, item: T | undefined): Cause | undefined {
    const { wanted, actual, inForce } = this.#entries.get(key)
    if (inForce) return item ? 'changed' : 'removed'
    return item && !wanted && !actual ? 'added' : undefined
  }

  #believe(entry: Entry<T>, item: T | undefined): void {
    if (!item) this.#doubted.delete(entry.key)
    this.#entries.believe(entry, item)
  }

  #spared(key: string, item: T): boolean {
    const until = this.#kind.keepUntil?.(item) ?? 0
    if (until <= this.#clock.now()) return false
    this.#kept.set(key, until)
    return true
  }

  /** Refused items whose retry is due, and unwanted ones whose grace is over, become dirty again. */
  #wake(): void {
    const now = this.#clock.now()
    for (const key of this.#refusals.due()) this.#mark(this.#entries.get(key))
    for (const [key, until] of [...this.#kept]) {
      const item = this.#entries.get(key).actual
      // Asked again, since what the grace depends on may have changed.
      if (until <= now && !(item && this.#spared(key, item))) this.#mark(this.#entries.get(key))
    }
  }

  /** Wanted or actual changed: is the key dirty now, and which way? */
  #mark(entry: Entry<T>): void {
    const { key, wanted, actual, inForce } = entry
    this.#kept.delete(key)
    const isInOrder = inForce || (!wanted && !actual)
    if (isInOrder) {
      this.#refusals.forget(key)
      this.#drift.delete(key)
    }
    const line = isInOrder ? undefined : wanted ? this.#toPut : this.#toRemove
    for (const other of [this.#toPut, this.#toRemove]) if (other !== line) other.delete(entry)
    line?.add(entry)
  }

  #countRepair(key: string): void {
    const cause = this.#drift.get(key)
    if (cause) this.#repairs[cause]++
    this.#drift.delete(key)
  }
}
