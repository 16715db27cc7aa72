// One long-lived `ip -force -batch -`, or `bridge -force -batch -`: a change costs a line, not a process.
//
// A line that succeeds prints nothing. One that the kernel refuses prints its words,
// then `Command failed -:N`, N counting lines from 1. So each flush ends with a
// barrier, a line that always fails: when its number comes, all before it is done, and
// said so in one ordered stream.
//
// Some lines end the process and say no number: what the program's own parser refuses, and
// refused neighbours (its ipneigh.c exits). Then the unconfirmed lines go to a new
// process with a barrier behind each, which shows the culprit; it alone is refused.

import type { Child, Program } from './run.ts'

/** Always fails, and asks nothing of the kernel: there is no such object. */
const BARRIER = 'barrier'
/** Lines sent before we wait for their barrier. */
const FLUSH_LINES = 1_000
/** iproute2 6.1 keeps 4 kB for every line it has done. */
const LINES_PER_CHILD = 5_000

/** Per line: undefined when it is done, else why not, in the words of the kernel or of the program. */
export type Outcome = string | undefined

export class Batch {
  readonly #program: Program
  #talk: Conversation | undefined
  #last: Promise<unknown> = Promise.resolve()
  #idle = true

  constructor(program: Program) {
    this.#program = program
  }

  /**
   * Runs lines of the program (`route replace 10.65.0.0/26 …`) in order; a refused one does not stop the others. Lines may be
   * run more than once, so they must bear it, as `replace` and `del` do. Never rejects.
   */
  run(lines: readonly string[]): Promise<readonly Outcome[]> {
    const outcomes = this.#last.then(() => this.#runAll(lines))
    this.#last = outcomes
    return outcomes
  }

  /** An interface name may mean another interface now. A process looks each name up only once. */
  renew(): void {
    if (!this.#talk || this.#talk.lines === 0) return
    this.#talk.retire()
    this.#talk = undefined
    if (this.#idle) this.#talk = new Conversation(this.#program) // ahead of the next line, which then need not wait for it
  }

  /** Resolves when all lines given are done and the process is told to leave. */
  async close(): Promise<void> {
    await this.#last
    this.#talk?.retire()
    this.#talk = undefined
  }

  async #runAll(lines: readonly string[]): Promise<readonly Outcome[]> {
    this.#idle = false
    const outcomes: Outcome[] = []
    let oneByOne = false
    while (outcomes.length < lines.length) {
      const talk = this.#conversation()
      const told = await talk.tell(lines.slice(outcomes.length, outcomes.length + FLUSH_LINES), oneByOne)
      for (const outcome of told.outcomes) outcomes.push(outcome) // may be many: no spread
      if (!told.died) oneByOne = false
      else {
        this.#talk = undefined
        if (!told.died.started) while (outcomes.length < lines.length) outcomes.push(told.died.how)
        else if (oneByOne) outcomes.push(told.died.how)
        oneByOne = true
      }
    }
    this.#idle = true
    return outcomes
  }

  #conversation(): Conversation {
    if (this.#talk && this.#talk.lines >= LINES_PER_CHILD) this.renew()
    this.#talk ??= new Conversation(this.#program)
    return this.#talk
  }
}

interface Told {
  /** Of the lines it got through, from the first. */
  readonly outcomes: readonly Outcome[]
  /** Set when the process ended before it got through all of them. */
  readonly died?: { readonly started: boolean; readonly how: string }
}

interface Flush {
  /** Number of the line before its first. */
  readonly before: number
  readonly count: number
  /** 2 when a barrier stands behind each line, else 1. */
  readonly stride: 1 | 2
  readonly outcomes: Outcome[]
  readonly resolve: (told: Told) => void
}

/** One process, and what has been said to it. */
class Conversation {
  readonly #child: Child
  /** Physical lines written, barriers included. */
  lines = 0
  #flush: Flush | undefined
  #words: string[] = []
  #died: Told['died']

  constructor(program: Program) {
    this.#child = program.start(['-force', '-batch', '-'], { stderr: (line) => this.#hear(line) })
    this.#child.ended.then(({ started, how }) => {
      this.#died = { started, how: this.#words.join('; ') || `${program.name}: ${how}` }
      this.#flush?.resolve({ outcomes: this.#flush.outcomes, died: this.#died })
    })
  }

  tell(lines: readonly string[], oneByOne: boolean): Promise<Told> {
    if (this.#died) return Promise.resolve({ outcomes: [], died: this.#died })
    const text = oneByOne ? lines.flatMap((line) => [line, BARRIER]) : [...lines, BARRIER]
    return new Promise((resolve) => {
      const stride = oneByOne ? 2 : 1
      this.#flush = { before: this.lines, count: lines.length, stride, outcomes: [], resolve }
      this.lines += text.length
      this.#child.write(`${text.join('\n')}\n`)
    })
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
    const flush = this.#flush
    if (!flush) return
    const { outcomes, count, stride } = flush
    const offset = number - flush.before - 1
    const index = Math.floor(offset / stride)
    const isBarrier = stride === 2 ? offset % 2 === 1 : index === count
    const through = isBarrier && stride === 2 ? index + 1 : index
    while (outcomes.length < through) outcomes.push(undefined)
    if (!isBarrier) outcomes.push(words)
    if (!isBarrier || outcomes.length < count) return
    this.#flush = undefined
    flush.resolve({ outcomes })
  }
}
