// Notices that someone changed our nat rules: nftables tells, through xtables-monitor. The legacy tables do not.

import { isListening } from './monitor.ts'
import type { Child, OpenProgram } from './run.ts'

export interface RuleWatchOptions {
  readonly open: OpenProgram
  onChange(): void
  /** Nothing is told any more. */
  onWarning(reason: string): void
}

export class RuleWatch {
  readonly #options: RuleWatchOptions
  #child: Child | undefined
  #hears = false

  constructor(options: RuleWatchOptions) {
    this.#options = options
  }

  /** Changes are told of. */
  get hears(): boolean {
    return this.#hears
  }

  /** Watches while there is something to watch. */
  set(active: boolean): void {
    if (active && !this.#child) this.#begin()
    if (!active) this.close()
  }

  close(): void {
    this.#child?.kill()
    this.#child = undefined
    this.#hears = false
  }

  /** stdbuf, since xtables-monitor keeps what it hears to itself until it has a page of it. */
  #begin(): void {
    const child = this.#options.open('stdbuf').start(['-oL', 'xtables-monitor', '--event'], {
      stdout: (line) => concernsUs(line) && this.#options.onChange(),
    })
    this.#child = child
    void this.#follow(child)
  }

  /** A monitor that ends is started again when `set` is called, unless it never came to listen: then there is none. */
  async #follow(child: Child): Promise<void> {
    const listening = isListening(child).then(() => undefined)
    const failed = await Promise.race([child.ended, listening])
    if (this.#child !== child) return
    if (failed) {
      this.#options.onWarning(failed.how)
      return
    }
    this.#hears = true
    this.#options.onChange() // of what happened before it listened nobody has told
    const { how } = await child.ended
    if (this.#child !== child) return
    this.close()
    this.#options.onWarning(how)
    this.#options.onChange()
  }
}

/** ` EVENT: -4 -t nat -D POSTROUTING -m comment --comment "caracal:…` and the end of a whole table. */
export function concernsUs(line: string): boolean {
  return /\bnat\b.*(caracal-|cali-|POSTROUTING)|nft: DEL table: table nat /.test(line)
}
