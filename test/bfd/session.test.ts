// BFD sessions: every state and event, the intervals that are agreed, and two ends of a path. RFC 5880 §6.8.

import t from 'tap'
import type { ControlPacket, State } from '../../src/bfd/packet.ts'
import {
  type BfdEvent,
  type BfdSession,
  type BfdStep,
  controlPacket,
  openSession,
  step,
  TRANSITIONS,
  transmitMs,
} from '../../src/bfd/session.ts'

const SETTINGS = { intervalMs: 300, multiplier: 3 }
const STATES: readonly State[] = ['AdminDown', 'Down', 'Init', 'Up']

function packet(state: State, fields: Partial<ControlPacket> = {}): BfdEvent & { kind: 'packet' } {
  return {
    kind: 'packet',
    packet: {
      diagnostic: 0,
      state,
      poll: false,
      final: false,
      demand: false,
      multiplier: 3,
      myDiscriminator: 9,
      yourDiscriminator: 7,
      desiredMinTx: state === 'Up' ? 300_000 : 1_000_000,
      requiredMinRx: 300_000,
      ...fields,
    },
  }
}

/** A session that got where it is by what it heard. */
function inState(state: State): BfdSession {
  const heard: Readonly<Record<State, readonly BfdEvent[]>> = {
    AdminDown: [{ kind: 'close' }],
    Down: [],
    Init: [packet('Down')],
    Up: [packet('Init'), packet('Up', { final: true })],
  }
  return after(openSession(SETTINGS, 7), ...heard[state])
}

function after(session: BfdSession, ...events: readonly BfdEvent[]): BfdSession {
  return events.reduce((before, event) => step(before, event)[0], session)
}

/** `Down(3): listen 900, transmit`. */
function shown([{ state, diagnostic }, ...actions]: BfdStep): string {
  const words = actions.map((action) => {
    if (action.do === 'listen') return `listen ${action.ms}`
    if (action.do === 'send') return `send ${action.packet.state}${action.packet.final ? ' final' : ''}`
    return action.do === 'down' ? `down: ${action.reason}` : action.do
  })
  return `${state}(${diagnostic}): ${words.join(', ') || 'nothing'}`
}

const silence: BfdEvent = { kind: 'silence' }
const close: BfdEvent = { kind: 'close' }
const faster: BfdEvent = { kind: 'settings', settings: { intervalMs: 100, multiplier: 3 } }

// RFC 5880 §6.8.6, §6.8.4 and §6.8.16; in parentheses the diagnostic.
const table: Readonly<Record<State, readonly (readonly [event: BfdEvent, expected: string])[]>> = {
  AdminDown: [
    [packet('AdminDown'), 'AdminDown(7): nothing'],
    [packet('Down'), 'AdminDown(7): nothing'],
    [packet('Init'), 'AdminDown(7): nothing'],
    [packet('Up'), 'AdminDown(7): nothing'],
    [silence, 'AdminDown(7): nothing'],
    [faster, 'AdminDown(7): nothing'],
    [close, 'AdminDown(7): nothing'],
  ],
  Down: [
    [packet('AdminDown'), 'Down(0): listen 3000'],
    [packet('Down'), 'Init(0): listen 3000, transmit'],
    [packet('Init'), 'Up(0): listen 3000, transmit, up'],
    [packet('Up'), 'Down(0): listen 900'],
    [silence, 'Down(0): nothing'],
    [faster, 'Down(0): transmit'],
    [close, 'AdminDown(7): transmit'],
  ],
  Init: [
    [packet('AdminDown'), 'Down(3): listen 3000, transmit'],
    [packet('Down'), 'Init(0): listen 3000'],
    [packet('Init'), 'Up(0): listen 3000, transmit, up'],
    [packet('Up'), 'Up(0): listen 900, transmit, up'],
    [silence, 'Down(1): nothing'],
    [faster, 'Init(0): transmit'],
    [close, 'AdminDown(7): transmit'],
  ],
  Up: [
    [packet('AdminDown'), 'Down(3): listen 3000, transmit'],
    [packet('Down'), 'Down(3): listen 3000, transmit, down: neighbor signaled session down'],
    [packet('Init'), 'Up(0): listen 3000'],
    [packet('Up'), 'Up(0): listen 900'],
    [silence, 'Down(1): transmit, down: control detection time expired'],
    [faster, 'Up(0): transmit'],
    [close, 'AdminDown(7): transmit'],
  ],
}

for (const state of STATES)
  t.test(`${state}: every event`, async (t) => {
    for (const [event, expected] of table[state]) {
      const name = event.kind === 'packet' ? `packet ${event.packet.state}` : event.kind
      t.equal(shown(step(inState(state), event)), expected, name)
    }
    t.equal(table[state].length, 7, 'all of them')
  })

t.test('the transitions are those of the RFC', async (t) => {
  for (const state of STATES)
    for (const [event] of table[state])
      if (event.kind === 'packet')
        t.equal(step(inState(state), event)[0].state, TRANSITIONS[state][event.packet.state])
})

t.test('a poll is answered at once, with the final bit and without a poll of ours', async (t) => {
  const [, ...actions] = step(inState('Down'), packet('Init', { poll: true }))
  const sent = actions.find((action) => action.do === 'send')
  t.match(sent, { packet: { state: 'Up', final: true, poll: false } })
})

t.test('while not up it sends once a second at most, and says so', async (t) => {
  for (const state of ['Down', 'Init'] as const) {
    t.equal(controlPacket(inState(state)).desiredMinTx, 1_000_000)
    t.equal(transmitMs(inState(state), 0.999_999)?.toFixed(), '1000')
  }
  t.equal(controlPacket(inState('Up')).desiredMinTx, 300_000)
})

t.test('a session that came up polls until the other end answers', async (t) => {
  const up = after(inState('Down'), packet('Init'))
  t.equal(controlPacket(up).poll, true)
  t.equal(controlPacket(after(up, packet('Up'))).poll, true)
  t.equal(controlPacket(after(up, packet('Up', { final: true }))).poll, false)
})

t.test('up to a quarter of each interval is left to chance, and more with a multiplier of one', async (t) => {
  t.equal(transmitMs(inState('Up'), 0), 225)
  t.equal(transmitMs(inState('Up'), 0.5), 262.5)
  const single = after(openSession({ intervalMs: 300, multiplier: 1 }, 7), packet('Init'))
  t.equal(transmitMs(single, 0), 225)
  t.equal(transmitMs(single, 1)?.toFixed(3), '270.000')
})

t.test('it sends no faster than the other end can take, and expects no more than that sends', async (t) => {
  const [slow, ...actions] = step(
    inState('Up'),
    packet('Up', { requiredMinRx: 800_000, desiredMinTx: 700_000, multiplier: 5 }),
  )
  t.equal(transmitMs(slow, 0), 600)
  t.match(actions[0], { do: 'listen', ms: 3500 })
})

t.test('when the other end can take more, it does not have to wait for it', async (t) => {
  const slow = after(inState('Up'), packet('Up', { requiredMinRx: 5_000_000 }))
  t.equal(shown(step(slow, packet('Up'))), 'Up(0): listen 900, transmit')
})

t.test('an end that wants no packets is sent none, until it wants some again', async (t) => {
  const mute = after(inState('Up'), packet('Up', { requiredMinRx: 0 }))
  t.equal(transmitMs(mute, 0), undefined)
  t.equal(shown(step(mute, packet('Up'))), 'Up(0): listen 900, transmit')
})

t.test('in demand mode of the other end only polls are sent', async (t) => {
  const demand = after(inState('Up'), packet('Up', { demand: true }))
  t.equal(transmitMs(demand, 0), undefined)
  t.equal(transmitMs(after(demand, faster), 0), 225)
  t.equal(transmitMs(after(demand, packet('Down', { demand: true })), 0), 750)
})

t.test('shorter intervals: sent at once, expected when the other end has agreed', async (t) => {
  const [asking, ...actions] = step(inState('Up'), faster)
  t.same(actions, [{ do: 'transmit' }])
  t.match(controlPacket(asking), { poll: true, desiredMinTx: 100_000, requiredMinRx: 100_000 })
  const quick = { desiredMinTx: 100_000, requiredMinRx: 100_000 }
  t.match(step(asking, packet('Up', quick)), [{}, { do: 'listen', ms: 900 }])
  t.match(step(asking, packet('Up', { ...quick, final: true })), [{}, { do: 'listen', ms: 300 }])
})

t.test('longer intervals: expected at once, sent when the other end has agreed', async (t) => {
  const slower: BfdEvent = { kind: 'settings', settings: { intervalMs: 1000, multiplier: 3 } }
  const [asking] = step(inState('Up'), slower)
  t.equal(transmitMs(asking, 0), 225)
  t.match(step(asking, packet('Up')), [{}, { do: 'listen', ms: 3000 }])
  t.equal(transmitMs(after(asking, packet('Up', { final: true })), 0), 750)
})

t.test('a change of settings takes no session down', async (t) => {
  t.equal(after(inState('Up'), faster, packet('Up', { final: true })).state, 'Up')
})

t.test('who was silent is forgotten', async (t) => {
  t.equal(controlPacket(inState('Up')).yourDiscriminator, 9)
  t.equal(controlPacket(after(inState('Up'), silence)).yourDiscriminator, 0)
})

t.test('two ends come up, whoever speaks first', async (t) => {
  for (const first of [0, 1] as const) {
    const ends = [openSession(SETTINGS, 1), openSession(SETTINGS, 2)] as [BfdSession, BfdSession]
    for (let turn = 0; turn < 4; turn++) {
      const from = ((first + turn) % 2) as 0 | 1
      const to = (1 - from) as 0 | 1
      ends[to] = step(ends[to], { kind: 'packet', packet: controlPacket(ends[from]) })[0]
    }
    t.same(
      ends.map(({ state }) => state),
      ['Up', 'Up'],
    )
  }
})

t.test('an end that has started anew takes the other one down, and both come up again', async (t) => {
  const before = after(openSession(SETTINGS, 1), packet('Init'))
  const anew = openSession(SETTINGS, 2)
  const [down] = step(before, { kind: 'packet', packet: controlPacket(anew) })
  t.equal(down.state, 'Down')
  const init = after(anew, { kind: 'packet', packet: controlPacket(down) })
  t.equal(init.state, 'Init')
  t.equal(after(down, { kind: 'packet', packet: controlPacket(init) }).state, 'Up')
})
