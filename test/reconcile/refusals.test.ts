import t from 'tap'
import { Refusals } from '../../src/reconcile/refusals.ts'
import { FakeClock } from '../kit/reconciler.ts'

const refused = { key: 'a', reason: 'no', transient: false }

t.test('each refusal in a row waits twice as long, up to half a minute', async (t) => {
  const clock = new FakeClock()
  clock.random = () => 0.999_999
  const refusals = new Refusals(clock)
  const waits = Array.from({ length: 11 }, () => {
    refusals.add(refused)
    return Math.round(refusals.next()!)
  })
  t.same(waits, [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000])
})

t.test('jitter takes up to half of the wait away', async (t) => {
  const refusals = new Refusals(new FakeClock())
  refusals.add(refused)
  t.equal(refusals.next(), 50)
})

t.test('only those are due whose own time has come', async (t) => {
  const clock = new FakeClock()
  const refusals = new Refusals(clock)
  refusals.add(refused)
  clock.time = 40
  refusals.add({ ...refused, key: 'b' })
  clock.time = 50
  t.same(refusals.due(), ['a'])
  refusals.forget('a')
  t.equal(refusals.next(), 90)
})
