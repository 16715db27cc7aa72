// One long-lived `ip -force -batch -`, or `bridge -force -batch -`: a change costs a line, not a process.
//
// A line that succeeds prints nothing. One that the kernel refuses prints its words,
// then `Command failed -:N`, N counting lines from 1. So each flush ends with a
// barrier, a line that always fails: when its number comes, all before it is done, and
// said so in one ordered stream. The next flush is said before that, so that the program
// is not without work while we see to what has become of the one before.
//
// Some lines end the process and say no number: what the program's own parser refuses, and
// refused neighbours (its ipneigh.c exits). Then the unconfirmed lines go to a new
// process with a barrier behind each, which shows the culprit; it alone is refused.

import type { Child, Program } from './run.ts'

/** Always fails, and asks nothing of the kernel: there is no such object. */
const BARRIER = 'barrier'
/** Lines to a flush. */
const FLUSH_LINES = 1_000
/** Flushes said before the barrier of the first has come. */
const FLUSHES_AT_ONCE = 2
/** iproute2 6.1 keeps 4 kB for every line it has done. */
const LINES_PER_CHILD = 5_000

/** Per line: undefined when it is done, else why not, in the words of the kernel or of the program. */
export type Outcome = string | undefined

/** Lines that are said together. */
interface Flush {
  readonly lines: readonly string[]
  /** Of those that are over, from the first. */
  readonly outcomes: Outcome[]
  /** One of the lines has ended a process: now a barrier stands behind each. */
  oneByOne: boolean
  readonly resolve: (outcomes: readonly Outcome[]) => void
}

export class Batch {
  readonly #program: Program
  /** Those that are not over, in order. The first of them have been said. */
  readonly #flushes: Flush[] = []
  #last: Promise<unknown> = Promise.resolve()
  #talk: Conversation | undefined
  /** Goes on when that one is through. */
  #next: Conversation | undefined

  constructor(program: Program) {
    this.#program = program
  }

  /**
   * Runs lines of the program (`route replace 10.65.0.0/26 …`) in order; a refused one does not stop the others. Lines may be
   * run more than once, so they must bear it, as `replace` and `del` do. Never rejects.
   */
  async run(lines: readonly string[]): Promise<readonly Outcome[]> {
    const parts: Promise<readonly Outcome[]>[] = []
    for (let at = 0; at < lines.length; at += FLUSH_LINES)
      parts.push(this.#flush(lines.slice(at, at + FLUSH_LINES)))
    return (await Promise.all(parts)).flat()
  }

  /**
   * These names may mean other interfaces now. A process looks each up only once, so one that has heard any of them is
   * replaced; of the interface of a new pod it has not, and to start one would hold up everything for some milliseconds.
   */
  renew(devices: readonly string[]): void {
    if (devices.some((device) => this.#talk?.devices.has(device))) this.#relieve()
  }

  /** Resolves when all lines given are done and the process is told to leave. */
  async close(): Promise<void> {
    await this.#last
    for (const talk of [this.#talk, this.#next]) talk?.retire()
  }

  #flush(lines: readonly string[]): Promise<readonly Outcome[]> {
    const over = new Promise<readonly Outcome[]>((resolve) => {
      this.#flushes.push({ lines, outcomes: [], oneByOne: false, resolve })
    })
    this.#last = over
    this.#say()
    return over
  }

  /** Says as much as may be said by now. */
  #say(): void {
    this.#replace()
    for (const flush of this.#flushes.slice(this.#talk?.said ?? 0, FLUSHES_AT_ONCE)) {
      if (this.#talk && this.#talk.lines >= LINES_PER_CHILD) this.#relieve()
      if (this.#next) return
      this.#talk ??= this.#converse()
      this.#talk.say(flush)
    }
  }

  #relieve(): void {
    this.#next ??= this.#converse() // ahead of the next line, which then need not wait for it
    this.#replace()
  }

  #replace(): void {
    if (!this.#next || (this.#talk && this.#talk.said > 0)) return
    this.#talk?.retire()
    this.#talk = this.#next
    this.#next = undefined
  }

  #converse(): Conversation {
    return new Conversation(this.#program, {
      onOver: () => this.#over(),
      onEnded: (talk, started, how) => this.#ended(talk, started, how),
    })
  }

  /** The first flush is. */
  #over(): void {
    const { resolve, outcomes } = this.#flushes.shift()!
    resolve(outcomes)
    this.#say()
  }

  #ended(talk: Conversation, started: boolean, how: string): void {
    if (talk === this.#next) this.#next = undefined
    if (talk !== this.#talk) return
    this.#talk = undefined
    if (!started) for (const flush of this.#flushes.splice(0)) flush.resolve(flush.lines.map(() => how))
    else if (talk.said > 0) this.#blame(this.#flushes[0]!, how)
    this.#say()
  }

  /** A line of this flush ended the process: which, shows when each has a barrier. */
  #blame(flush: Flush, how: string): void {
    if (flush.oneByOne) flush.outcomes.push(how)
    flush.oneByOne = true
    if (flush.outcomes.length === flush.lines.length) this.#over()
  }
}

interface Said {
  readonly flush: Flush
  /** How many of its lines were over before. */
  readonly over: number
  /** Number of the line before its first. */
  readonly before: number
  /** 2 when a barrier stands behind each line, else 1. */
  readonly stride: 1 | 2
}

interface Ears {
  /** All that was said of the first flush is done. */
  onOver(): void
  /** The process is gone; `said` tells how many flushes it did not get through. */
  onEnded(talk: Conversation, started: boolean, how: string): void
}

/** One process, and what has been said to it. */
class Conversation {
  readonly #child: Child
  readonly #onOver: () => void
  /** Physical lines written, barriers included. */
  lines = 0
  /** Interfaces that it was told of, by name. */
  readonly devices = new Set<string>()
  /** Flushes whose last barrier has not come. */
  readonly #said: Said[] = []
  #words: string[] = []

  constructor(program: Program, { onOver, onEnded }: Ears) {
    this.#onOver = onOver
    this.#child = program.start(['-force', '-batch', '-'], { stderr: (line) => this.#hear(line) })
    this.#child.ended.then(({ started, how }) =>
      onEnded(this, started, this.#words.join('; ') || `${program.name}: ${how}`),
    )
  }

  /** How many flushes it has not got through. */
  get said(): number {
    return this.#said.length
  }

  say(flush: Flush): void {
    const over = flush.outcomes.length
    const lines = flush.lines.slice(over)
    const text = flush.oneByOne ? lines.flatMap((line) => [line, BARRIER]) : [...lines, BARRIER]
    this.#said.push({ flush, over, before: this.lines, stride: flush.oneByOne ? 2 : 1 })
    this.lines += text.length
    for (const line of lines) for (const [, name] of line.matchAll(/ dev (\S+)/g)) this.devices.add(name!)
    this.#child.write(`${text.join('\n')}\n`)
  }

  /** It leaves when it has done what it was told. */
  retire(): void {
    this.#child.end()
  }

  #hear(line: string): void {
    const failed = /^Command failed -:(\d+)$/.exec(line)
    if (failed) this.#refused(Number(failed[1]), this.#words.splice(0).join('; '))
    else if (line.trim()) this.#words.push(line.trim())
  }

  #refused(number: number, words: string): void {
    const [said] = this.#said
    if (!said) return
    const { flush, over, before, stride } = said
    const { lines, outcomes } = flush
    const offset = number - before - 1
    const index = over + Math.floor(offset / stride)
    const isBarrier = stride === 2 ? offset % 2 === 1 : index === lines.length
    const through = isBarrier && stride === 2 ? index + 1 : index
    while (outcomes.length < through) outcomes.push(undefined)
    if (!isBarrier) outcomes.push(words)
    if (!isBarrier || outcomes.length < lines.length) return
    this.#said.shift()
    this.#onOver()
  }
}
