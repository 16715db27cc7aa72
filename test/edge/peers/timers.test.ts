import t from 'tap'
import { Timers } from '../../../src/edge/peers/timers.ts'

const nothing = () => {}

/** When everything that was armed for a moment ago is over. */
function later(timers: Timers): Promise<void> {
  return new Promise((resolve) => timers.arm('test end', 5, nothing, resolve))
}

t.test('a timer that is armed again begins anew, and expires once', async (t) => {
  const timers = new Timers()
  const expired: number[] = []
  for (const time of [1, 2]) timers.arm('10.0.0.2 hold', 1, nothing, () => expired.push(time))
  await later(timers)
  t.same(expired, [2])
})

t.test('what is found in the last look may disarm it, or arm it again', async (t) => {
  const timers = new Timers()
  const expired: string[] = []
  const again = () => timers.arm('10.0.0.3 hold', 1, nothing, () => expired.push('again'))
  timers.arm(
    '10.0.0.2 hold',
    1,
    () => timers.disarm('10.0.0.2 hold'),
    () => expired.push('disarmed'),
  )
  timers.arm('10.0.0.3 hold', 1, again, () => expired.push('first'))
  await later(timers)
  await later(timers)
  t.same(expired, ['again'])
})
