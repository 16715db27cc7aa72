import t from 'tap'
import { Echoes } from '../../src/reconcile/echoes.ts'
import { FakeClock } from '../kit/reconciler.ts'

t.test('our own writes are known again for a second, the older ones too', async (t) => {
  const clock = new FakeClock()
  const echoes = new Echoes<string>(clock, (a, b) => a === b)
  echoes.wrote('key', 'one')
  clock.time = 600
  echoes.wrote('key', undefined)
  t.equal(echoes.has('key', 'one'), true)
  t.equal(echoes.has('key', undefined), true)
  t.equal(echoes.has('key', 'two'), false)
  t.equal(echoes.has('other', 'one'), false)
  clock.time = 1_200
  t.equal(echoes.has('key', 'one'), false)
  t.equal(echoes.has('key', undefined), true)
})
