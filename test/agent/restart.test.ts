// What a restarted agent waits for before it lets go of what an earlier run left.

import t from 'tap'
import { Restart } from '../../src/agent/restart.ts'
import { FakeClock } from '../kit/reconciler.ts'

function bench() {
  const clock = new FakeClock()
  const log: string[] = []
  const is = { announced: false, heard: false }
  const restart = new Restart({
    clock,
    announcedAll: () => is.announced,
    heardAll: () => is.heard,
    onAnnounced: () => log.push('announced'),
    onHeard: () => log.push('heard'),
  })
  restart.begin()
  return { restart, clock, log, is }
}

t.test('peers are told first, then what they have not taught again goes; each once', async (t) => {
  const { restart, log, is } = bench()
  is.heard = true
  restart.settle()
  t.same(log, [], 'they have spoken, but we have not')
  is.announced = true
  restart.settle()
  restart.settle()
  t.same(log, ['announced', 'heard'])
})

t.test('a peer that stays away is waited for two minutes', async (t) => {
  const { restart, clock, log, is } = bench()
  is.announced = true
  restart.settle()
  clock.advance(119_999)
  t.same(log, ['announced'])
  clock.advance(1)
  t.same(log, ['announced', 'heard'])
  is.heard = true
  restart.settle()
  t.same(log, ['announced', 'heard'])
})

t.test('one that is stopped does nothing more', async (t) => {
  const { restart, clock, log } = bench()
  restart.stop()
  clock.advance(120_000)
  t.same(log, [])
})
