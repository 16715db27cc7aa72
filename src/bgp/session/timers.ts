// The timers of a peer, and how long they run. RFC 4271 §10.
//
// The values are those BIRD runs with under Calico, so that nodes of both kinds
// keep the same pace. Where we depart: BIRD lets the hold timer too run for 75
// to 100 % of its time, so that a peer which keeps its word may be dropped after
// 180 of 240 seconds; RFC 4271 §10 asks for jitter on the others only.

/** Timers of one connection attempt. */
export type SessionTimer = 'connect-delay' | 'connect-retry' | 'hold' | 'keepalive' | 'send-hold'

/** Timers of a peer, which outlive its connections. */
export type PeerTimer = 'error-wait' | 'over-limit' | 'amnesia'

interface TimerTraits {
  /** Seconds it runs for when nothing says otherwise. */
  readonly seconds: number
  /** It runs for a random 75 to 100 % of its time, so that nodes that started together do not stay in step. */
  readonly jittered: boolean
}

export const TIMERS: Readonly<Record<SessionTimer | PeerTimer, TimerTraits>> = {
  /** Before each dial, after a refused or lost connection too (RFC 4271 §8.1.1: DampPeerOscillations). */
  'connect-delay': { seconds: 2, jittered: true },
  /** How long a dial may hang. */
  'connect-retry': { seconds: 5, jittered: true },
  /** Without a sign of life; this long until OPEN has settled it (RFC 4271 §8.2.2 suggests 4 minutes). */
  hold: { seconds: 240, jittered: false },
  keepalive: { seconds: 80, jittered: true },
  /** Without the peer reading what we send, at least; RFC 9687 §4. */
  'send-hold': { seconds: 480, jittered: false },
  /** After a protocol error, at first; see damping.ts. */
  'error-wait': { seconds: 5, jittered: true },
  /** After more prefixes than allowed; the operator says for how long. */
  'over-limit': { seconds: 0, jittered: false },
  /** After which errors of the past no longer count. */
  amnesia: { seconds: 300, jittered: false },
}

/** Milliseconds a timer of `seconds` is to run. `random` gives numbers from 0 up to 1. */
export function runtime(timer: SessionTimer | PeerTimer, seconds: number, random: () => number): number {
  const share = TIMERS[timer].jittered ? 0.75 + random() / 4 : 1
  return Math.round(seconds * share * 1000)
}
