// Long work in slices: a session's keepalive must not wait until ten thousand documents are read.

import { setImmediate as turn } from 'node:timers/promises'

const SLICE_MS = 5

/** Gives a function to await between two pieces of work; it lets others run when the slice is used up. */
export function pauses(): () => Promise<void> {
  let since = performance.now()
  return async () => {
    if (performance.now() - since < SLICE_MS) return
    await turn()
    since = performance.now()
  }
}
