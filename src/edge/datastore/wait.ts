// Waiting by a clock that is handed in, for as long as a signal allows.

import type { TimerClock } from '../../reconcile/clock.ts'

type Timers = Pick<TimerClock, 'after'>

/** Resolves after `ms` milliseconds, or when `signal` is aborted. */
export async function wait(clock: Timers, ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  const { promise, resolve } = Promise.withResolvers<void>()
  const over = () => resolve()
  const cancel = clock.after(Math.max(0, ms), over)
  signal.addEventListener('abort', over)
  await promise
  cancel()
  signal.removeEventListener('abort', over)
}

/** Work under a signal that is aborted after `ms` milliseconds, as "no answer in time", or together with `signal`. */
export async function within<T>(
  clock: Timers,
  ms: number,
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const impatience = new AbortController()
  const cancel = clock.after(ms, () => impatience.abort(new Error('no answer in time')))
  try {
    return await work(signal ? AbortSignal.any([signal, impatience.signal]) : impatience.signal)
  } finally {
    cancel()
  }
}
