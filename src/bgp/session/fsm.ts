// The state machine of one connection attempt. RFC 4271 §8.2.2; numbers are the events of §8.1.
//
// It decides and returns, and never acts. An attempt begins in Idle with `start`
// (we dial) or `accepted` (the peer did), and is over when it is in Idle again:
// the next attempt is another session. Hence three things the RFC has here are
// elsewhere: which of two connections stays is in collision.ts, the wait after
// an error in damping.ts, and when to try again in peer.ts.
//
// BIRD's names are used for the time before a connection: Active is the wait
// before a dial, Connect the dial itself.

import type { SessionState } from '../types.ts'
import type { RouteRefresh, Update } from '../wire/message.ts'
import {
  type Failure,
  HOLD_TIMER_EXPIRED,
  received,
  SEND_HOLD_TIMER_EXPIRED,
  socketFailure,
} from './failure.ts'
import { type SessionTimer, TIMERS } from './timers.ts'

export type State = Exclude<SessionState, 'Passive'>

export interface Session {
  readonly state: State
  /** Seconds; what OPEN settled, 0 for never. Before that, 0. */
  readonly holdTime: number
  /** Seconds between keepalives as configured; absent: a third of the hold time. */
  readonly keepaliveTime: number | undefined
}

export type SessionEvent =
  /** We are to dial (1, 3). */
  | { readonly kind: 'start' }
  /** The peer dialled (17): this connection or, when it is we who are about to dial on this one, another. */
  | { readonly kind: 'accepted' }
  /** End it, for a reason that lies outside of it (2, 8, 23). */
  | { readonly kind: 'stop'; readonly failure: Failure }
  /** Our dial came through (16). */
  | { readonly kind: 'connected' }
  /** The dial failed or the connection broke (18). */
  | { readonly kind: 'closed'; readonly reason?: string | undefined }
  /** An OPEN that passed the check (19), and the hold time settled with it. */
  | { readonly kind: 'open'; readonly holdTime: number }
  | { readonly kind: 'keepalive' } // 26
  | { readonly kind: 'update'; readonly message: Update } // 27
  | { readonly kind: 'route-refresh'; readonly message: RouteRefresh } // RFC 2918
  | {
      readonly kind: 'notification'
      readonly code: number
      readonly subcode: number
      readonly data: Uint8Array
    } // 24, 25
  /** The peer sent what it must not (21, 22, 28). */
  | { readonly kind: 'fault'; readonly code: number; readonly subcode: number; readonly data: Uint8Array }
  /** The peer stopped reading, and reads again: what we send waits with us. RFC 9687. */
  | { readonly kind: 'blocked' }
  | { readonly kind: 'drained' }
  | { readonly kind: `${SessionTimer} expired` } // 9, 10, 11, 12

export type SessionAction =
  | { readonly do: 'dial' }
  | { readonly do: 'send'; readonly message: 'open' | 'keepalive' }
  | { readonly do: 'notify'; readonly code: number; readonly subcode: number; readonly data?: Uint8Array }
  /** Closing what is closed already is harmless. */
  | { readonly do: 'close' }
  /** Starts a timer, again if it is running. 0 seconds is never. */
  | { readonly do: 'arm'; readonly timer: SessionTimer; readonly seconds: number }
  /** The session is Established. */
  | { readonly do: 'up' }
  /** For the tables. */
  | { readonly do: 'deliver'; readonly message: Update | RouteRefresh }
  /** The attempt is over, and so are its timers. */
  | { readonly do: 'ended'; readonly from: State; readonly failure: Failure }

export type Step = readonly [Session, ...SessionAction[]]

/** What a state does about an event; `otherwise` is for the events not named. */
type Transitions = {
  readonly [K in SessionEvent['kind']]?: (s: Session, e: Extract<SessionEvent, { kind: K }>) => Step
} & { readonly otherwise: (s: Session) => Step }

/** A connection attempt that has not begun. */
export function idle(keepaliveTime?: number): Session {
  return { state: 'Idle', holdTime: 0, keepaliveTime }
}

/** The next state, and what is to be done, in this order. */
export function step(session: Session, event: SessionEvent): Step {
  const transitions = TRANSITIONS[session.state]
  const transition = transitions[event.kind] as ((s: Session, e: SessionEvent) => Step) | undefined
  return (transition ?? transitions.otherwise)(session, event)
}

/** What holds in every state that has a connection over which our OPEN went. */
const connected = {
  start: (s) => [s], // RFC 4271: start events are ignored in these states
  stop: (s, { failure }) => end(s, failure),
  closed: (s, { reason }) => end(s, socketFailure(reason)),
  fault: (s, { code, subcode, data }) => end(s, { by: 'us', code, subcode, data }),
  notification: (s, words) => end(s, received(words)),
  blocked: (s) => [s, arm('send-hold', Math.max(TIMERS['send-hold'].seconds, 2 * s.holdTime))],
  drained: (s) => [s, arm('send-hold', 0)],
  'hold expired': (s) => end(s, HOLD_TIMER_EXPIRED),
  'send-hold expired': (s) => end(s, SEND_HOLD_TIMER_EXPIRED),
  otherwise: (s) => end(s, unexpected(s.state)),
} satisfies Transitions

const TRANSITIONS: Readonly<Record<State, Transitions>> = {
  Idle: {
    start: (s) => [{ ...s, state: 'Active' }, arm('connect-delay')],
    accepted: openSent,
    otherwise: (s) => [s],
  },

  Active: {
    start: (s) => [s],
    stop: (s, { failure }) => end(s, failure),
    accepted: (s) => [s, arm('connect-delay')],
    'connect-delay expired': (s) => [{ ...s, state: 'Connect' }, { do: 'dial' }, arm('connect-retry')],
    otherwise: (s) => end(s, unexpected(s.state)),
  },

  Connect: {
    start: (s) => [s],
    stop: (s, { failure }) => end(s, failure),
    connected: openSent,
    closed: (s, { reason }) => end(s, socketFailure(reason)),
    'connect-retry expired': (s) => end(s, socketFailure('Connection timed out')),
    otherwise: (s) => end(s, unexpected(s.state)),
  },

  OpenSent: {
    ...connected,
    open: (s, { holdTime }) => {
      const settled: Session = { ...s, state: 'OpenConfirm', holdTime }
      return [settled, send('keepalive'), arm('hold', holdTime), armKeepalive(settled)]
    },
  },

  OpenConfirm: {
    ...connected,
    keepalive: (s) => [{ ...s, state: 'Established' }, arm('hold', s.holdTime), { do: 'up' }],
    'keepalive expired': (s) => [s, send('keepalive'), armKeepalive(s)],
  },

  Established: {
    ...connected,
    keepalive: (s) => [s, arm('hold', s.holdTime)],
    update: (s, { message }) => [s, arm('hold', s.holdTime), { do: 'deliver', message }],
    'route-refresh': (s, { message }) => [s, { do: 'deliver', message }],
    'keepalive expired': (s) => [s, send('keepalive'), armKeepalive(s)],
  },
}

function openSent(s: Session): Step {
  return [{ ...s, state: 'OpenSent' }, arm('connect-retry', 0), send('open'), arm('hold')]
}

/** The one way out, so that nothing is left open behind. */
function end(s: Session, failure: Failure): Step {
  const over: Session = { ...s, state: 'Idle' }
  const ended = { do: 'ended', from: s.state, failure } as const
  if (s.state === 'Active') return [over, ended]
  if (s.state === 'Connect' || failure.by !== 'us') return [over, { do: 'close' }, ended]
  const { by: _, ...notification } = failure
  return [over, { do: 'notify', ...notification }, { do: 'close' }, ended]
}

/** RFC 4271 §6.6, with the subcodes of RFC 6608 §4. */
function unexpected(state: State): Failure {
  const subcodes: Partial<Record<State, number>> = { OpenSent: 1, OpenConfirm: 2, Established: 3 }
  return { by: 'us', code: 5, subcode: subcodes[state] ?? 0 }
}

function send(message: 'open' | 'keepalive'): SessionAction {
  return { do: 'send', message }
}

function arm(timer: SessionTimer, seconds = TIMERS[timer].seconds): SessionAction {
  return { do: 'arm', timer, seconds }
}

/**
 * Never less often than a third of the hold time (RFC 4271 §4.4), also when more was configured: the peer may have
 * settled for a shorter hold time than the one we proposed.
 */
function armKeepalive(s: Session): SessionAction {
  return arm('keepalive', Math.min(s.keepaliveTime ?? Number.POSITIVE_INFINITY, s.holdTime / 3))
}
