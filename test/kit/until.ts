// Waiting for the real world: until something holds, and no longer than a deadline.

import { setTimeout as sleep } from 'node:timers/promises'

/** Resolves when `holds` does, looked at every few milliseconds; rejects with `what` after `deadline` milliseconds. */
export async function until(what: string, holds: () => boolean, deadline = 15_000): Promise<void> {
  const end = performance.now() + deadline
  while (!holds()) {
    if (performance.now() > end) throw new Error(`${what}: not within ${deadline} ms`)
    await sleep(5)
  }
}
