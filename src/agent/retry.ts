// How long a part of the agent leaves a server alone that did not do what it asked for.

import { type Backoff, backoffMs } from '../reconcile/backoff.ts'
import type { Clock } from '../reconcile/clock.ts'

const RETRY: Backoff = { first: 1_000, most: 30_000 }

/** Milliseconds after so many failures in a row; after none as after one. */
export function retryMs(failures: number, clock: Pick<Clock, 'random'>): number {
  return backoffMs(failures, clock.random(), RETRY)
}
