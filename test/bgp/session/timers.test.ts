import t from 'tap'
import { runtime } from '../../../src/bgp/session/timers.ts'

t.test('a jittered timer runs for 75 to 100 % of its time', async (t) => {
  t.equal(
    runtime('keepalive', 80, () => 0),
    60_000,
  )
  t.equal(
    runtime('keepalive', 80, () => 0.5),
    70_000,
  )
  t.equal(
    runtime('connect-delay', 2, () => 0),
    1_500,
  )
})

t.test('the hold timer always runs for its full time', async (t) => {
  t.equal(
    runtime('hold', 240, () => 0),
    240_000,
  )
})
