import t from 'tap'
import { nextErrorWait } from '../../../src/bgp/session/damping.ts'

t.test('the wait after an error doubles from 5 to 30 seconds', async (t) => {
  const waits: number[] = []
  for (let wait = nextErrorWait(0); waits.length < 5; wait = nextErrorWait(wait)) waits.push(wait)
  t.same(waits, [5, 10, 20, 30, 30])
})
