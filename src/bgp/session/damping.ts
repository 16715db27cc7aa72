// How long a peer is left alone after a protocol error. RFC 4271 §8.1.1: DampPeerOscillations.
//
// The wait doubles from one error to the next, and is forgotten after a while without any.

import { TIMERS } from './timers.ts'

/** Seconds. */
const LONGEST_WAIT = 30

/** Seconds to wait after an error, given the wait after the one before; 0: there was none. */
export function nextErrorWait(last: number): number {
  return last === 0 ? TIMERS['error-wait'].seconds : Math.min(2 * last, LONGEST_WAIT)
}
