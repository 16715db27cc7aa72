// The system's clock, dice and timers: what every part that waits is handed, and tests replace.

import type { TimerClock } from '../reconcile/clock.ts'

export const systemClock: TimerClock = {
  now: () => performance.now(),
  random: () => Math.random(),
  after: (ms, run) => {
    const timer = setTimeout(run, ms)
    return () => clearTimeout(timer)
  },
}
