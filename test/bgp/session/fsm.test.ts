// The state machine, as the table of every state and every event. RFC 4271 §8.2.2.

import t from 'tap'
import { COLLISION, type Failure } from '../../../src/bgp/session/failure.ts'
import {
  idle,
  type Session,
  type SessionAction,
  type SessionEvent,
  type State,
  step,
} from '../../../src/bgp/session/fsm.ts'

const update = { kind: 'update', withdrawn: [], attributes: {}, nlri: [], faults: [] } as const
const refresh = { kind: 'route-refresh', family: 'ipv4', subtype: 0 } as const

const events = {
  start: { kind: 'start' },
  accepted: { kind: 'accepted' },
  'stop for a collision': { kind: 'stop', failure: COLLISION },
  'stop because the peer restarted': { kind: 'stop', failure: { by: 'restart' } },
  connected: { kind: 'connected' },
  closed: { kind: 'closed' },
  refused: { kind: 'closed', reason: 'Connection refused' },
  'open, hold 90': { kind: 'open', holdTime: 90 },
  'open, hold 0': { kind: 'open', holdTime: 0 },
  keepalive: { kind: 'keepalive' },
  update: { kind: 'update', message: update },
  'route refresh': { kind: 'route-refresh', message: refresh },
  'notification 6/2': { kind: 'notification', code: 6, subcode: 2, data: new Uint8Array() },
  'fault 3/1': { kind: 'fault', code: 3, subcode: 1, data: new Uint8Array() },
  blocked: { kind: 'blocked' },
  drained: { kind: 'drained' },
  'connect delay expired': { kind: 'connect-delay expired' },
  'connect retry expired': { kind: 'connect-retry expired' },
  'hold expired': { kind: 'hold expired' },
  'keepalive expired': { kind: 'keepalive expired' },
  'send hold expired': { kind: 'send-hold expired' },
} as const satisfies Record<string, SessionEvent>

type EventName = keyof typeof events

/** Each state as it is when OPEN settled 240 seconds. */
const sessions: Record<State, Session> = {
  Idle: idle(),
  Active: { ...idle(), state: 'Active' },
  Connect: { ...idle(), state: 'Connect' },
  OpenSent: { ...idle(), state: 'OpenSent' },
  OpenConfirm: { ...idle(), state: 'OpenConfirm', holdTime: 240 },
  Established: { ...idle(), state: 'Established', holdTime: 240 },
}

/** What every state with a connection does about what ends it. */
const endings = {
  start: 'stays',
  'stop for a collision': 'Idle: notify 6/7, close, ended by us 6/7',
  'stop because the peer restarted': 'Idle: close, ended by restart',
  closed: 'Idle: close, ended by socket Connection closed',
  refused: 'Idle: close, ended by socket Connection refused',
  'notification 6/2': 'Idle: close, ended by peer 6/2',
  'fault 3/1': 'Idle: notify 3/1, close, ended by us 3/1',
  blocked: 'stays: arm send-hold 480',
  drained: 'stays: disarm send-hold',
  'hold expired': 'Idle: notify 4/0, close, ended by us 4/0',
  'send hold expired': 'Idle: notify 8/0, close, ended by us 8/0',
}

/** The finite state machine error of a state, RFC 6608 §3. */
const misplaced = (subcode: number) => `Idle: notify 5/${subcode}, close, ended by us 5/${subcode}`

/** Before there is a connection, nothing that arrives on one is expected, and nobody can be told. */
const withoutConnection = (what: string): Record<EventName, string> => ({
  ...all(what),
  start: 'stays',
})

const expectations: Record<State, Record<EventName, string>> = {
  Idle: {
    ...all('stays'),
    start: 'Active: arm connect-delay 2',
    accepted: 'OpenSent: disarm connect-retry, send open, arm hold 240',
  },

  Active: {
    ...withoutConnection('Idle: ended by us 5/0'),
    'stop for a collision': 'Idle: ended by us 6/7',
    'stop because the peer restarted': 'Idle: ended by restart',
    accepted: 'stays: arm connect-delay 2',
    'connect delay expired': 'Connect: dial, arm connect-retry 5',
  },

  Connect: {
    ...withoutConnection('Idle: close, ended by us 5/0'),
    'stop for a collision': 'Idle: close, ended by us 6/7',
    'stop because the peer restarted': 'Idle: close, ended by restart',
    connected: 'OpenSent: disarm connect-retry, send open, arm hold 240',
    closed: 'Idle: close, ended by socket Connection closed',
    refused: 'Idle: close, ended by socket Connection refused',
    'connect retry expired': 'Idle: close, ended by socket Connection timed out',
  },

  OpenSent: {
    ...all(misplaced(1)),
    ...endings,
    'open, hold 90': 'OpenConfirm: send keepalive, arm hold 90, arm keepalive 30',
    'open, hold 0': 'OpenConfirm: send keepalive, disarm hold, disarm keepalive',
  },

  OpenConfirm: {
    ...all(misplaced(2)),
    ...endings,
    keepalive: 'Established: arm hold 240, up',
    'keepalive expired': 'stays: send keepalive, arm keepalive 80',
  },

  Established: {
    ...all(misplaced(3)),
    ...endings,
    keepalive: 'stays: arm hold 240',
    update: 'stays: arm hold 240, deliver update',
    'route refresh': 'stays: deliver route-refresh',
    'keepalive expired': 'stays: send keepalive, arm keepalive 80',
  },
}

for (const [state, row] of Object.entries(expectations) as [State, Record<EventName, string>][]) {
  t.test(`${state} answers every event`, async (t) => {
    for (const [name, expected] of Object.entries(row) as [EventName, string][])
      t.equal(shown(state, step(sessions[state], events[name])), expected, name)
  })
}

t.test('a configured keepalive interval holds, but never beyond a third of the hold time', async (t) => {
  const interval = (keepaliveTime: number, holdTime: number) =>
    step({ ...idle(keepaliveTime), state: 'OpenSent' }, { kind: 'open', holdTime }).at(-1)
  t.same(interval(20, 240), { do: 'arm', timer: 'keepalive', seconds: 20 })
  t.same(interval(60, 90), { do: 'arm', timer: 'keepalive', seconds: 30 })
})

t.test('a peer with a long hold time is given twice that to read', async (t) => {
  const [, action] = step({ ...sessions.Established, holdTime: 600 }, { kind: 'blocked' })
  t.same(action, { do: 'arm', timer: 'send-hold', seconds: 1200 })
})

function all(what: string): Record<EventName, string> {
  return Object.fromEntries(Object.keys(events).map((name) => [name, what])) as Record<EventName, string>
}

function shown(before: State, [{ state }, ...actions]: ReturnType<typeof step>): string {
  const to = state === before ? 'stays' : state
  return actions.length === 0 ? to : `${to}: ${actions.map(word).join(', ')}`
}

function word(action: SessionAction): string {
  switch (action.do) {
    case 'send':
      return `send ${action.message}`
    case 'notify':
      return `notify ${action.code}/${action.subcode}`
    case 'arm':
      return action.seconds === 0 ? `disarm ${action.timer}` : `arm ${action.timer} ${action.seconds}`
    case 'deliver':
      return `deliver ${action.message.kind}`
    case 'ended':
      return `ended by ${cause(action.failure)}`
    default:
      return action.do
  }
}

function cause(failure: Failure): string {
  if (failure.by === 'restart') return 'restart'
  return `${failure.by} ${failure.by === 'socket' ? failure.reason : `${failure.code}/${failure.subcode}`}`
}
