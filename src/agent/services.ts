// The services of Kubernetes, followed as long as something of them is announced; otherwise they cost nobody anything.

import { documentId, type FeedSink, type ResourceId } from '../cluster/feed.ts'
import type { TimerClock } from '../reconcile/clock.ts'

export interface ServicesOptions {
  /** Follows them until the function it returns is called; undefined: there is no Kubernetes API that we know of. */
  readonly watch: ((sink: FeedSink) => () => Promise<void>) | undefined
  /** Where they are noted. */
  readonly sink: Omit<FeedSink, 'inSync'>
  readonly clock: Pick<TimerClock, 'after'>
  /** `isSettled` has another answer. */
  onSettled(): void
}

/** What is announced is held to be all after so long, even if the API server cannot be reached. */
const PATIENCE_MS = 5_000

const NOWHERE =
  'services are to be announced (BGPConfiguration default), but there is no Kubernetes API to read them from: set KUBECONFIG; only their ranges are announced'

export class Services {
  readonly #options: ServicesOptions
  /** Those that have been noted. */
  readonly #known = new Set<ResourceId>()
  /** What there is trouble with. */
  readonly #troubled = new Set<string>()
  #isNeeded = false
  #isSettled = true
  #stop: () => Promise<void> = async () => {}

  constructor(options: ServicesOptions) {
    this.#options = options
  }

  /** Whether all that is to be announced of services is known, or is no longer waited for. */
  get isSettled(): boolean {
    return this.#isSettled
  }

  get warnings(): string[] {
    return this.#isNeeded && !this.#options.watch ? [NOWHERE] : []
  }

  /** From now on they are needed, or not. */
  need(isNeeded: boolean): void {
    if (this.#isNeeded === isNeeded) return
    this.#isNeeded = isNeeded
    if (isNeeded) this.#begin()
    else this.#end()
  }

  /** Resolves when all there is to remember of them is kept. */
  stop(): Promise<void> {
    return this.#stop()
  }

  #begin(): void {
    const { watch, sink, clock } = this.#options
    if (!watch) return
    this.#isSettled = false
    const cancel = clock.after(PATIENCE_MS, () => this.#settled())
    let isOver = false // what still comes then would never be taken back
    const end = watch({
      set: (document) => {
        if (isOver) return
        this.#known.add(documentId(document))
        sink.set(document)
      },
      delete: (id) => {
        this.#known.delete(id)
        sink.delete(id)
      },
      inSync: (isWhole) => {
        if (isWhole) this.#settled()
      },
      problem: (problem) => {
        if (isOver) return
        this.#troubled.add(problem.subject)
        sink.problem(problem)
      },
      healed: (subject) => {
        this.#troubled.delete(subject)
        sink.healed(subject)
      },
    })
    this.#stop = () => {
      isOver = true
      cancel()
      return end()
    }
  }

  /** What was known of them counts no more. */
  #end(): void {
    void this.#stop()
    this.#stop = async () => {}
    for (const id of this.#known) this.#options.sink.delete(id)
    this.#known.clear()
    for (const subject of this.#troubled) this.#options.sink.healed(subject)
    this.#troubled.clear()
    this.#settled()
  }

  #settled(): void {
    if (this.#isSettled) return
    this.#isSettled = true
    this.#options.onSettled()
  }
}
