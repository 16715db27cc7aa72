// How long to leave a server alone that did not answer.

import { type Backoff, backoffMs } from '../../reconcile/backoff.ts'

const SERVER: Backoff = { first: 100, most: 5_000 }

/** Milliseconds before attempt number `failures` + 1; `failures` is at least 1. */
export function serverBackoffMs(failures: number, random: () => number): number {
  return backoffMs(failures, random(), SERVER)
}
