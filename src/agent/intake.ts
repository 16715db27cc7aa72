// What the datastore says, from its first word on: how whole it is, and whether it may be carried out.

import type { Document, FeedSink } from '../cluster/feed.ts'
import type { Change, ClusterView } from '../cluster/view.ts'
import type { DatastoreStatus } from '../edge/control/api.ts'
import type { Log } from '../edge/observe/log.ts'
import type { TimerClock } from '../reconcile/clock.ts'

export interface IntakeOptions {
  /** Documents and problems are noted in it. */
  readonly view: ClusterView
  readonly clock: Pick<TimerClock, 'after'>
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly log: Pick<Log, 'info' | 'warn'>
  /** Something in the cluster is different. */
  onChange(change: Change): void
  /** Anything was said at all, if only of a problem. */
  onInput(): void
  /** `isWhole` or `isReady` may have another answer. */
  onState(): void
  /** It has not been whole for so long that what there is must do. */
  onPartial(): void
}

/**
 * A datastore may be reachable and yet not whole, because one file in it cannot be read. After so long we work with what
 * there is, and remove nothing.
 */
const PARTIAL_AFTER_MS = 5_000

const FROZEN = 'datastoreReady is false: nothing of what the datastore says is carried out until it is true'

export class Intake implements FeedSink {
  readonly #options: IntakeOptions
  #state: Pick<DatastoreStatus, 'state' | 'since'>
  /** What changed while the datastore was said not to be ready. */
  readonly #held: Change[] = []
  #cancel: () => void = () => {}
  #contactsLost = 0

  constructor(options: IntakeOptions) {
    this.#options = options
    this.#state = { state: 'waiting', since: options.now() }
  }

  /** All kinds are in, and contact is kept. */
  get isWhole(): boolean {
    return this.#state.state === 'in-sync'
  }

  /** What the datastore says is all there is, and is to be carried out. */
  get isReady(): boolean {
    return this.isWhole && !this.#isFrozen
  }

  get state(): Pick<DatastoreStatus, 'state' | 'since'> {
    return this.#state
  }

  /** How often the datastore was whole and then no more. */
  get contactsLost(): number {
    return this.#contactsLost
  }

  get warnings(): string[] {
    return this.#isFrozen ? [`ClusterInformation default: ${FROZEN}`] : []
  }

  stop(): void {
    this.#cancel()
  }

  // ---- FeedSink

  set(document: Document): void {
    if (this.#state.state === 'waiting') this.#begin()
    this.#changed(this.#options.view.apply(document))
  }

  delete(id: string): void {
    this.#changed(this.#options.view.remove(id))
  }

  inSync(isWhole: boolean): void {
    this.#to(isWhole ? 'in-sync' : 'waiting')
    this.#options.onState()
  }

  problem(...[problem]: Parameters<FeedSink['problem']>): void {
    this.#options.view.problems.add(problem)
    this.#options.onInput()
  }

  healed(subject: string): void {
    this.#options.view.problems.replace(subject, [])
    this.#options.onInput()
  }

  /** For what does not come from the datastore, and so says nothing of how whole that is. */
  readonly beside: Omit<FeedSink, 'inSync'> = {
    set: (document) => this.#changed(this.#options.view.apply(document)),
    delete: (id) => this.delete(id),
    problem: (problem) => this.problem(problem),
    healed: (subject) => this.healed(subject),
  }

  #begin(): void {
    const { clock, onPartial } = this.#options
    this.#to('synchronising')
    this.#cancel()
    this.#cancel = clock.after(PARTIAL_AFTER_MS, () => this.#isFrozen || onPartial())
  }

  #changed(changes: readonly Change[]): void {
    for (const change of changes) {
      if (change.kind === 'ClusterInformation') this.#onReadiness()
      else if (this.#isFrozen) this.#held.push(change)
      else this.#options.onChange(change)
    }
    this.#options.onInput()
  }

  /** While the data is being moved to another datastore, every component is to stand still. */
  get #isFrozen(): boolean {
    return this.#options.view.get('ClusterInformation', 'default')?.datastoreReady === false
  }

  #onReadiness(): void {
    const { log, onChange, onState } = this.#options
    if (this.#isFrozen) log.warn({ subject: 'ClusterInformation/default' }, FROZEN)
    else for (const change of this.#held.splice(0)) onChange(change)
    onState()
  }

  #to(state: DatastoreStatus['state']): void {
    if (this.#state.state === state) return
    if (this.isWhole) this.#contactsLost++
    this.#state = { state, since: this.#options.now() }
    this.#options.log.info({ state }, 'datastore')
  }
}
