// How long to wait before the next attempt: doubled each time, capped, and jittered, so that a thousand nodes which lost the
// same server do not come back in the same instant.

/** In milliseconds. */
export interface Backoff {
  readonly first: number
  readonly most: number
}

/** Milliseconds after so many failures in a row; after none as after one. `random`: at least 0, less than 1. */
export function backoffMs(failures: number, random: number, { first, most }: Backoff): number {
  return Math.min(most, first * 2 ** Math.max(0, failures - 1)) * (0.5 + random / 2)
}
