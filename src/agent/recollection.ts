// What the datastore last said, kept for an agent that comes back while the datastore is away.
//
// Such an agent would not know who its peers are. They keep our routes for their restart time, two minutes as a rule, and
// drop them. So what sessions and announcements follow from is in a file; what it says is in force from when the
// datastore has been silent for a moment until it has said all it has to say. What it does not know any more is deleted
// then, and not before. Routes to others need no memory: the kernel has them, and nothing goes before the datastore is in
// sync. Not across a reboot: while the node was down its blocks may have gone to others.
//
// Services, which come by a feed of their own, are remembered in the same way, in a file of their own.

import { type AnyKind, type Document, documentId, type FeedSink, type ResourceId } from '../cluster/feed.ts'
import { parseJson, printJson } from '../cluster/json.ts'
import type { Log } from '../edge/observe/log.ts'
import type { TimerClock } from '../reconcile/clock.ts'
import { isMemorable } from './memorable.ts'

/** What the file says is of use only to an agent of the same stamp. */
export interface Stamp {
  readonly node: string
  /** Which datastore: type and place. */
  readonly datastore: string
  /** Of this run of the kernel. */
  readonly boot: string
}

export interface RecollectionOptions {
  /** What it is of: `datastore`, or `services`. */
  readonly subject: string
  /** Where everything goes that the datastore says, and what is remembered. */
  readonly sink: FeedSink
  readonly stamp: Stamp
  readonly file: {
    /** Undefined: there is none. @throws when it cannot be read */
    read(): string | undefined
    /** All or nothing. @throws when it cannot be written */
    write(text: string): Promise<void>
  }
  readonly clock: Pick<TimerClock, 'after'>
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly log: Pick<Log, 'info' | 'warn'>
}

/** An intact datastore has said everything by then. */
const SILENCE_MS = 3_000
/** Changes come in bursts. */
const WRITE_AFTER_MS = 5_000

interface Header extends Stamp {
  readonly format: 1
  /** When it was written, in milliseconds since 1970. */
  readonly at: number
}

export class Recollection implements FeedSink {
  readonly #options: RecollectionOptions
  readonly #subject: string
  /** What to remember, printed: as it stands in the file. */
  readonly #lines = new Map<ResourceId, string>()
  /** In force only because they are remembered. */
  readonly #unconfirmed = new Set<ResourceId>()
  /** Contact is kept, and all is in. Only then is there something new to write down. */
  #isWhole = false
  #isDirty = false
  #cancelRecall: () => void = () => {}
  #cancelWrite: (() => void) | undefined
  #writing: Promise<void> = Promise.resolve()

  constructor(options: RecollectionOptions) {
    this.#options = options
    this.#subject = `${options.subject} (as remembered)`
  }

  /** To be called when the datastore is asked. */
  start(): void {
    this.#cancelRecall = this.#options.clock.after(SILENCE_MS, () => this.#recall())
  }

  /** Resolves when all there is to remember is in the file. */
  async stop(): Promise<void> {
    this.#cancelRecall()
    this.#write()
    await this.#writing
  }

  // ---- FeedSink

  set(document: Document<AnyKind>): void {
    const id = documentId(document)
    this.#unconfirmed.delete(id)
    this.#options.sink.set(document)
    this.#note(id, isMemorable(document, this.#options.stamp.node) ? lineOf(document) : undefined)
  }

  delete(id: ResourceId): void {
    this.#unconfirmed.delete(id)
    this.#options.sink.delete(id)
    this.#note(id, undefined)
  }

  inSync(isWhole: boolean): void {
    if (!isWhole) this.#write() // what it said as long as it was
    this.#isWhole = isWhole
    if (isWhole) this.#confirm()
    this.#options.sink.inSync(isWhole)
    this.#writeSoon()
  }

  problem(problem: Parameters<FeedSink['problem']>[0]): void {
    this.#options.sink.problem(problem)
  }

  healed(subject: string): void {
    this.#options.sink.healed(subject)
  }

  // ---- from the file

  #recall(): void {
    if (this.#isWhole) return
    const remembered = this.#read()
    if (!remembered) return
    const { at, documents } = remembered
    const { subject, log, sink } = this.#options
    const missing = documents.filter((document) => !this.#lines.has(documentId(document)))
    if (missing.length === 0) return
    const since = new Date(at).toISOString()
    log.info({ subject, objects: missing.length, since }, 'not all is told; going on as remembered')
    sink.problem({
      subject: this.#subject,
      message: `it has not said all yet; ${missing.length} objects are in force as they were at ${since}`,
    })
    for (const document of missing) {
      this.set(document)
      this.#unconfirmed.add(documentId(document))
    }
    sink.inSync(false) // none of this is its word
  }

  /** The datastore has said all there is. */
  #confirm(): void {
    this.#cancelRecall()
    for (const id of [...this.#unconfirmed]) this.delete(id)
    this.#options.sink.healed(this.#subject)
  }

  #read(): { at: number; documents: Document<AnyKind>[] } | undefined {
    const { file, stamp, log } = this.#options
    try {
      const [first, ...rest] = (file.read() ?? '').split('\n').filter((line) => line !== '')
      if (first === undefined) return undefined
      const header = parseJson(first) as Header
      if (stampOf(header) !== stampOf(stamp)) return undefined
      return { at: header.at, documents: rest.map((line) => parseJson(line) as Document<AnyKind>) }
    } catch (error) {
      log.warn({ reason: (error as Error).message }, 'what was remembered of the datastore cannot be read')
      return undefined
    }
  }

  // ---- to the file

  #note(id: ResourceId, line: string | undefined): void {
    if (this.#lines.get(id) === line) return
    if (line === undefined) this.#lines.delete(id)
    else this.#lines.set(id, line)
    this.#isDirty = true
    this.#writeSoon()
  }

  #writeSoon(): void {
    if (this.#isDirty && this.#isWhole)
      this.#cancelWrite ??= this.#options.clock.after(WRITE_AFTER_MS, () => this.#write())
  }

  #write(): void {
    const { file, stamp, now, log } = this.#options
    this.#cancelWrite?.()
    this.#cancelWrite = undefined
    if (!this.#isDirty || !this.#isWhole) return
    this.#isDirty = false
    const header: Header = { format: 1, ...stamp, at: now() }
    const text = [printJson(header), ...this.#lines.values(), ''].join('\n')
    this.#writing = this.#writing
      .then(() => file.write(text))
      .catch((error: Error) => {
        this.#isDirty = true // for the next change to try again
        log.warn({ reason: error.message }, 'what the datastore says cannot be written down')
      })
  }
}

/** A feed that is followed by way of what it last said. The function that is returned ends it, and resolves when that is in the file. */
export function remembering(
  watch: (sink: FeedSink) => () => void,
  options: Omit<RecollectionOptions, 'sink'>,
): (sink: FeedSink) => () => Promise<void> {
  return (sink) => {
    const recollection = new Recollection({ ...options, sink })
    recollection.start()
    const end = watch(recollection)
    return () => {
      end()
      return recollection.stop()
    }
  }
}

/** Without the revision: a writer that changes nothing is no news. */
function lineOf(document: Document<AnyKind>): string {
  const { resourceVersion: _, ...metadata } = document.metadata
  return printJson({ ...document, metadata })
}

function stampOf({ node, datastore, boot }: Stamp): string {
  return printJson([node, datastore, boot])
}
