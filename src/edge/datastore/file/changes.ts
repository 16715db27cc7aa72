// When to look at a directory again: inotify's word after a quiet moment, and everything now and then, because
// inotify can overflow in silence and knows nothing of network file systems.

import { type FSWatcher, watch } from 'node:fs'
import { basename } from 'node:path'
import { isManifestName } from './directory.ts'

/** File names to look at, or all of them. */
export type Scope = ReadonlySet<string> | 'all'

/** All in milliseconds. */
export interface ChangeTiming {
  /** Quiet time after an event; a program that writes a file in several steps is given this long between two. */
  readonly quiet: number
  /** The longest that a steady stream of events can put off a look. */
  readonly patience: number
  /** Between two complete re-reads. */
  readonly reread: number
  /** The same where the kernel has no watch left to give. */
  readonly poll: number
}

const changeTiming: ChangeTiming = { quiet: 10, patience: 200, reread: 10_000, poll: 1_000 }

export interface Changes {
  /** False when the kernel's limit on inotify is reached and only re-reading is left. */
  readonly notified: boolean
  close(): void
}

/**
 * Calls `look` whenever something may have changed, never twice at once. `look` returns the names that are not
 * finished yet, to be looked at again after `patience`.
 *
 * @throws what fs.watch throws, ENOENT for one.
 */
export function watchChanges(
  directory: string,
  look: (scope: Scope) => Promise<readonly string[]>,
  timing: ChangeTiming = changeTiming,
): Changes {
  let pending: Set<string> | 'all' = new Set()
  let since: number | undefined // when the first of the pending events came
  let busy = false
  let closed = false
  const timers = { quiet: undefined as NodeJS.Timeout | undefined, unfinished: new Set<NodeJS.Timeout>() }

  function note(name: string | null): void {
    if (name !== null && isIrrelevant(name, directory)) return
    if (name === null || !isManifestName(name)) pending = 'all'
    else if (pending !== 'all') pending.add(name)
    since ??= Date.now()
    arm(Math.min(timing.quiet, since + timing.patience - Date.now()))
  }

  function arm(ms: number): void {
    clearTimeout(timers.quiet)
    timers.quiet = setTimeout(fire, Math.max(0, ms))
  }

  async function fire(): Promise<void> {
    if (busy) return
    const scope = pending
    pending = new Set()
    since = undefined
    busy = true
    const unfinished = await look(scope)
    busy = false
    if (closed) return
    for (const name of unfinished) noteLater(name)
    if (since !== undefined) arm(0)
  }

  function noteLater(name: string): void {
    const timer = setTimeout(() => {
      timers.unfinished.delete(timer)
      note(name)
    }, timing.patience)
    timers.unfinished.add(timer)
  }

  const watcher = tryWatch(directory, note)
  const reread = setInterval(() => note(null), watcher ? timing.reread : timing.poll)
  return {
    notified: watcher !== undefined,
    close() {
      closed = true
      watcher?.close()
      clearInterval(reread)
      for (const timer of [timers.quiet, ...timers.unfinished]) clearTimeout(timer)
    },
  }
}

function tryWatch(directory: string, note: (name: string | null) => void): FSWatcher | undefined {
  try {
    const watcher = watch(directory, (_event, name) => note(name))
    watcher.on('error', () => note(null)) // the look that follows finds out what is the matter
    return watcher
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOSPC' || code === 'EMFILE') return undefined // fs.inotify.max_user_watches, _instances
    throw error
  }
}

/** Dotfiles are nobody's manifest; but `..data` is how a mounted ConfigMap swaps all of its files at once. */
function isIrrelevant(name: string, directory: string): boolean {
  return name.startsWith('.') && !name.startsWith('..') && name !== basename(directory)
}
