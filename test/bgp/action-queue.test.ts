import t from 'tap'
import { ActionQueue } from '../../src/bgp/action-queue.ts'

t.test('a timer armed many times in a step is asked for once, as it was last', async (t) => {
  const queue = new ActionQueue()
  queue.arm('a hold', 90_000, () => {}, 'a')
  queue.arm('a keepalive', 30_000, () => {})
  queue.arm('a hold', 240_000, () => {}, 'a')
  queue.act({ kind: 'close', connection: 'b' })
  t.same(queue.take(), [
    { kind: 'close', connection: 'b' },
    { kind: 'arm', timer: 'a hold', ms: 240_000, unless: 'a' },
    { kind: 'arm', timer: 'a keepalive', ms: 30_000 },
  ])
  t.same(queue.take(), [])
})

t.test('only a timer that is armed is disarmed', async (t) => {
  const queue = new ActionQueue()
  queue.disarm('a hold')
  t.same(queue.take(), [])
  queue.arm('a hold', 1, () => {})
  queue.take()
  queue.disarm('a hold')
  t.same(queue.take(), [{ kind: 'disarm', timer: 'a hold' }])
})

t.test('a timer does its work once, and not when it was disarmed', async (t) => {
  const queue = new ActionQueue()
  let expired = 0
  queue.arm('a hold', 1, () => expired++)
  queue.expire('a hold')
  queue.expire('a hold')
  t.equal(expired, 1)
  queue.arm('a hold', 1, () => expired++)
  queue.disarm('a hold')
  queue.expire('a hold')
  t.equal(expired, 1)
})
