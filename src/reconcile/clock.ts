// What the reconcilers are handed in place of the system's clock, dice and timers.

export interface Clock {
  /** Milliseconds since any fixed moment; never goes back. */
  now(): number
  /** At least 0, less than 1. */
  random(): number
}

export interface TimerClock extends Clock {
  /** Calls `run` once, after `ms` milliseconds. The answer takes it back. */
  after(ms: number, run: () => void): () => void
}
