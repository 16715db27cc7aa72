// Whether we are in contact with a server, and who is told when we are not.
//
// A stream that breaks and is back at once is nobody's business. From the second failure on, or before the first
// success, the trouble is reported with its reason; after ten seconds the feed says that it is no longer in sync.
// What was delivered stays in force all the while.

import type { FeedSink } from '../../cluster/feed.ts'
import type { TimerClock } from '../../reconcile/clock.ts'
import type { ProblemBoard } from './problems.ts'

export interface Contact {
  /** An attempt at this endpoint failed; returns how many have in a row. */
  lost(endpoint: string, reason: string): number
  /** Everything is listed and watched. */
  established(): void
  close(): void
}

export interface ContactOptions {
  /** What it is called in messages. */
  readonly server: string
  /** What they are about. */
  readonly subject: string
  readonly sink: Pick<FeedSink, 'inSync'>
  readonly board: ProblemBoard
  readonly clock: Pick<TimerClock, 'after'>
  readonly patienceMs: number
}

export function contact({ server, subject, sink, board, clock, patienceMs }: ContactOptions): Contact {
  const reasons = new Map<string, string>() // by endpoint, so that the report settles while we try one after another
  let failures = 0
  let everInContact = false
  let inSync = false
  let cancelPatience: (() => void) | undefined

  function tell(now: boolean): void {
    if (now !== inSync) sink.inSync(now)
    inSync = now
  }

  return {
    lost(endpoint, reason) {
      failures++
      reasons.set(endpoint, reason)
      cancelPatience ??= clock.after(patienceMs, () => tell(false))
      if (failures > 1 || !everInContact) {
        const message = [...reasons].map(([endpoint, reason]) => `${endpoint}: ${reason}`).join('; ')
        board.put(subject, [{ subject, message: `waiting for ${server} at ${message}` }])
      }
      return failures
    },
    established() {
      failures = 0
      everInContact = true
      reasons.clear()
      cancelPatience?.()
      cancelPatience = undefined
      board.put(subject, [])
      tell(true)
    },
    close: () => cancelPatience?.(),
  }
}
