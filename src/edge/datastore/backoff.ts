// How long to wait before the next attempt: doubled each time, capped, jittered so that a thousand nodes which
// lost the same server do not come back in the same instant.

const FIRST_MS = 100
const CAP_MS = 5_000

/** Milliseconds before attempt number `failures` + 1; `failures` is at least 1. */
export function backoffMs(failures: number, random: () => number = Math.random): number {
  const full = Math.min(CAP_MS, FIRST_MS * 2 ** (failures - 1))
  return full * (0.5 + random() / 2)
}
