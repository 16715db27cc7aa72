// Waiting for the real world: until something holds, and no longer than a deadline.

import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Resolves when `holds` does, looked at every few milliseconds; rejects with `what` after `deadline` milliseconds. To look may
 * cost a process or two, during which nothing else happens here: most of the time is left to what is waited for.
 */
export async function until(what: string, holds: () => boolean, deadline = 30_000): Promise<void> {
  const end = performance.now() + deadline
  for (;;) {
    const begin = performance.now()
    if (holds()) return
    if (begin > end) throw new Error(`${what}: not within ${deadline} ms`)
    await sleep(Math.max(5, 2 * (performance.now() - begin)))
  }
}
