// One end of a BFD session in virtual time: when it speaks, when silence is failure, and when it is only late itself.

import t from 'tap'
import { type ControlPacket, DIAGNOSTIC, type State } from '../../../src/bfd/packet.ts'
import { BfdEnd } from '../../../src/edge/bfd/end.ts'
import { FakeClock } from '../../kit/reconciler.ts'

const SETTINGS = { intervalMs: 300, multiplier: 3 }

function packet(state: State, fields: Partial<ControlPacket> = {}): ControlPacket {
  return {
    diagnostic: DIAGNOSTIC.none,
    state,
    poll: false,
    final: false,
    demand: false,
    multiplier: 3,
    myDiscriminator: 9,
    yourDiscriminator: 7,
    desiredMinTx: 300_000,
    requiredMinRx: 300_000,
    ...fields,
  }
}

/** An end, and what it said and told. */
function anEnd() {
  const clock = new FakeClock()
  const said: string[] = []
  const told: string[] = []
  const end = new BfdEnd({
    settings: SETTINGS,
    discriminator: 7,
    clock,
    afterReading: (run) => clock.after(1, run),
    say: ({ state, poll, final }) =>
      said.push(`${clock.time} ${state}${poll ? ' poll' : ''}${final ? ' final' : ''}`),
    up: () => told.push('up'),
    down: (reason) => told.push(`down: ${reason}`),
    excused: (reason) => told.push(`excused: ${reason}`),
  })
  /** Lets timers expire one after the other, each in time. */
  const pass = (ms: number) => {
    const over = clock.time + ms
    for (let next = clock.next(); next !== undefined && next <= over; next = clock.next())
      clock.advance(next - clock.time)
    clock.advance(over - clock.time)
  }
  return { clock, said, told, end, pass }
}

/** One that is up, with the other end having agreed to the intervals. */
function anEndThatIsUp() {
  const made = anEnd()
  made.end.receive(packet('Init'))
  made.end.receive(packet('Up', { final: true }))
  made.said.length = 0
  made.told.length = 0
  return made
}

t.test('while nobody answers it speaks once a second, less what is left to chance', async (t) => {
  const { said, pass } = anEnd()
  pass(2000)
  t.same(said, ['0 Down', '750 Down', '1500 Down'])
})

t.test('once up it speaks at its interval', async (t) => {
  const { end, said, told, pass } = anEnd()
  end.receive(packet('Init'))
  end.receive(packet('Up', { final: true }))
  pass(500)
  t.same(said, ['0 Down', '0 Up poll', '225 Up', '450 Up'])
  t.same(told, ['up'])
})

t.test('silence for three intervals is failure, and no sooner', async (t) => {
  const { told, pass } = anEndThatIsUp()
  pass(900)
  t.same(told, [])
  pass(1)
  t.same(told, ['down: control detection time expired'])
})

t.test('each packet gives it time again', async (t) => {
  const { end, told, pass } = anEndThatIsUp()
  for (let n = 0; n < 10; n++) {
    pass(800)
    end.receive(packet('Up'))
  }
  t.same(told, [])
})

t.test('a failure is told to the other end at once', async (t) => {
  const { said, pass } = anEndThatIsUp()
  pass(901)
  t.equal(said.at(-1), '901 Down')
})

t.test('a timer that expires late is our own lateness: the peer has its whole time again', async (t) => {
  const { clock, told, pass } = anEndThatIsUp()
  clock.advance(5000)
  t.same(told, [])
  pass(900)
  t.same(told, [])
  pass(1)
  t.same(told, ['down: control detection time expired'])
})

t.test(
  'a timer that is late by less than an interval is no excuse: what came would have been read',
  async (t) => {
    const { clock, told, pass } = anEndThatIsUp()
    pass(899)
    clock.advance(250)
    pass(1)
    t.same(told, ['down: control detection time expired'])
  },
)

t.test('what has arrived before the time is over is read before it counts', async (t) => {
  const { clock, end, told } = anEndThatIsUp()
  clock.advance(225)
  clock.advance(675) // the detection time is over, and the socket is yet to be read
  end.receive(packet('Up'))
  clock.advance(1)
  t.same(told, [])
})

const missedUs = packet('Down', { diagnostic: DIAGNOSTIC.detectionTimeExpired })

t.test('a peer that missed our packets while we were held up has not failed', async (t) => {
  const { clock, end, told, pass } = anEndThatIsUp()
  clock.advance(1500)
  pass(10)
  end.receive(missedUs)
  t.same(told, ['excused: neighbor signaled session down'])
})

t.test('nor when its packet is read before our timers had their turn', async (t) => {
  const { clock, end, told } = anEndThatIsUp()
  clock.time += 1500
  end.receive(missedUs)
  t.same(told, ['excused: neighbor signaled session down'])
})

t.test('a peer that missed our packets although we sent them is on a broken path', async (t) => {
  const { end, told, pass } = anEndThatIsUp()
  pass(500)
  end.receive(missedUs)
  t.same(told, ['down: neighbor signaled session down'])
})

t.test('a pause excuses nothing that comes long after it', async (t) => {
  const { clock, end, told, pass } = anEndThatIsUp()
  clock.advance(1500)
  for (let n = 0; n < 5; n++) {
    end.receive(packet('Up'))
    pass(300)
  }
  end.receive(missedUs)
  t.same(told, ['down: neighbor signaled session down'])
})

t.test('when closed it says so as long as the other end may take to hear, and alarms nobody', async (t) => {
  const { clock, end, said, told, pass } = anEndThatIsUp()
  let gone = 0
  clock.random = () => 0.5
  end.close(() => {
    gone = clock.time
  })
  end.receive(packet('Down'))
  pass(10_000)
  t.same(said, ['0 AdminDown', '875 AdminDown', '1750 AdminDown', '2625 AdminDown'])
  t.equal(gone, 3000)
  t.same(told, [])
})

t.test('other intervals do not interrupt it', async (t) => {
  const { end, said, told, pass } = anEndThatIsUp()
  end.change({ intervalMs: 100, multiplier: 3 })
  end.receive(packet('Up', { final: true, requiredMinRx: 100_000 }))
  pass(200)
  t.same(said, ['0 Up poll', '0 Up', '75 Up', '150 Up'])
  t.same(told, [])
})
