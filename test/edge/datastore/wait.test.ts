// Waiting by a clock that is handed in.

import t from 'tap'
import { wait, within } from '../../../src/edge/datastore/wait.ts'
import { FakeClock } from '../../kit/reconciler.ts'

t.test('a wait ends with its time, or with its signal, and leaves no timer', async (t) => {
  const clock = new FakeClock()
  const closing = new AbortController()
  const first = wait(clock, 1_000, closing.signal)
  clock.advance(1_000)
  await first
  const second = wait(clock, 1_000, closing.signal)
  closing.abort()
  await second
  await wait(clock, 1_000, closing.signal)
  t.equal(clock.next(), undefined)
})

t.test('work that takes too long is told so, work that nobody waits for too', async (t) => {
  const clock = new FakeClock()
  const closing = new AbortController()
  const work = (signal: AbortSignal) =>
    new Promise<string>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
  const late = t.rejects(within(clock, 1_000, closing.signal, work), { message: 'no answer in time' })
  clock.advance(1_000)
  await late
  const unwanted = t.rejects(within(clock, 1_000, closing.signal, work), { name: 'AbortError' })
  closing.abort()
  await unwanted
  t.equal(await within(clock, 1_000, undefined, async () => 'done'), 'done')
  t.equal(clock.next(), undefined)
})
