// The system's clock, dice and timers, for the reconcilers.

import type { TimerClock } from '../../reconcile/clock.ts'

export const systemClock: TimerClock = {
  now: () => performance.now(),
  random: () => Math.random(),
  after: (ms, run) => {
    const timer = setTimeout(run, ms)
    return () => clearTimeout(timer)
  },
}
