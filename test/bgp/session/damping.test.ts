import t from 'tap'
import { Damping, nextErrorWait } from '../../../src/bgp/session/damping.ts'

t.test('the wait after an error doubles from 5 to 30 seconds', async (t) => {
  const waits: number[] = []
  for (let wait = nextErrorWait(0); waits.length < 5; wait = nextErrorWait(wait)) waits.push(wait)
  t.same(waits, [5, 10, 20, 30, 30])
})

t.test('a peer over its limit waits until it is forgiven, or for as long as was said', async (t) => {
  const armed = new Map<string, () => void>()
  let resumed = 0
  const damping = new Damping({
    arm: (timer, _, expired) => void armed.set(timer, expired),
    disarm: (timer) => void armed.delete(timer),
    resume: () => void resumed++,
  })
  damping.overLimit(undefined)
  t.same([damping.waiting, damping.isOverLimit, armed.size], [true, true, 0])
  damping.forgive()
  t.same([damping.waiting, damping.isOverLimit, resumed], [false, false, 0])
  damping.overLimit(300)
  armed.get('over-limit')!()
  t.same([damping.waiting, damping.isOverLimit, resumed], [false, false, 1])
  damping.fault()
  t.same([damping.waiting, damping.wary, damping.isOverLimit], [true, true, false])
})
