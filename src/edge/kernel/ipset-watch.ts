// Notices that someone changed our sets. The kernel has no events for that, so it is asked.
//
// One ipset in interactive mode answers twice a second; a process for each question
// would cost sixty times as much. `list -t` gives the number of members: who swaps one
// for another is found out by the slow reading of everything.

import type { TimerClock } from '../../reconcile/clock.ts'
import { isOwnSet } from './ipsets.ts'
import type { Child, OpenProgram } from './run.ts'

export interface SetWatchOptions {
  readonly open: OpenProgram
  readonly clock: TimerClock
  onChange(): void
  /** It cannot be done. */
  onWarning(reason: string): void
}

const INTERVAL_MS = 500
/** The answer to `version`, which ends the answer to the question before it. */
const END = /protocol version: \d+$/

export class SetWatch {
  readonly #options: SetWatchOptions
  #child: Child | undefined
  #cancelTimer: () => void = () => {}
  #answer: string[] = []
  #last: string | undefined

  constructor(options: SetWatchOptions) {
    this.#options = options
  }

  /** Watches while there is something to watch. */
  set(active: boolean): void {
    if (active && !this.#child) this.#begin()
    if (!active) this.close()
  }

  close(): void {
    this.#cancelTimer()
    this.#child?.end()
    this.#child = undefined
    this.#last = undefined
  }

  /** stdbuf, since ipset keeps its answers to itself until it has a page of them. */
  #begin(): void {
    const child = this.#options.open('stdbuf').start(['-oL', 'ipset', '-'], {
      stdout: (line) => this.#hear(line),
    })
    this.#child = child
    this.#answer = []
    void child.ended.then(({ how }) => this.#ended(child, how))
    this.#ask()
  }

  /** It is started again when `set` is called, unless it never answered: then there is none. */
  #ended(child: Child, how: string): void {
    if (this.#child !== child) return
    this.#cancelTimer()
    this.#options.onWarning(how)
    if (this.#last === undefined) return
    this.close()
    this.#options.onChange()
  }

  #ask(): void {
    this.#child?.write('list -t\nversion\n')
  }

  #hear(line: string): void {
    if (!END.test(line)) {
      this.#answer.push(line.replace(/^(ipset> )+/, ''))
      return
    }
    const now = summary(this.#answer.splice(0))
    if (now !== this.#last) this.#options.onChange()
    this.#last = now
    this.#cancelTimer = this.#options.clock.after(INTERVAL_MS, () => this.#ask())
  }
}

/** Name, type and number of members of our sets. */
export function summary(lines: readonly string[]): string {
  const kept: string[] = []
  let ours = false
  for (const line of lines) {
    const [, name] = /^Name: (\S+)$/.exec(line) ?? []
    if (name !== undefined) ours = isOwnSet(name)
    if (ours && /^(Name|Type|Header|Number of entries):/.test(line)) kept.push(line)
  }
  return kept.join('\n')
}
