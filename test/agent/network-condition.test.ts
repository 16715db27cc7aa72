// When a node says that it can have pods, and when that it cannot.

import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import type { NodeCondition } from '../../src/agent/kubernetes-access.ts'
import { NetworkCondition } from '../../src/agent/network-condition.ts'
import { FakeClock } from '../kit/reconciler.ts'

const now = Date.parse('2026-03-04T05:06:07.890Z')

function bench() {
  const clock = new FakeClock()
  const state = { isBegun: true, isWhole: false, isAway: false, isSilent: false }
  const said: NodeCondition[] = []
  /** Times noted in the file; undefined for its removal. */
  const recorded: (string | undefined)[] = []
  const warned: object[] = []
  const condition = new NetworkCondition({
    async set(one) {
      if (state.isSilent) await new Promise(() => {})
      if (state.isAway) throw new Error('connection refused')
      said.push(one)
    },
    isBegun: () => state.isBegun,
    isWhole: () => state.isWhole,
    recordShutdown: async (at) => void recorded.push(at),
    clock,
    now: () => now,
    log: { info: () => {}, warn: (fields: object) => void warned.push(fields) },
  })
  async function settle(changes: Partial<typeof state> = {}): Promise<void> {
    Object.assign(state, changes)
    condition.settle()
    for (let i = 0; i < 10; i++) await turn()
  }
  return { clock, said, recorded, warned, condition, settle, state }
}

t.test('it is said when the routes are in place, once, and the shutdown file goes', async (t) => {
  const { said, recorded, settle } = bench()
  await settle()
  t.same(said, [])
  await settle({ isWhole: true })
  await settle({ isWhole: false })
  await settle({ isWhole: true })
  t.same(said, [
    {
      type: 'NetworkUnavailable',
      status: 'False',
      reason: 'CalicoIsUp',
      message: 'Calico is running on this node',
      lastHeartbeatTime: '2026-03-04T05:06:07Z',
      lastTransitionTime: '2026-03-04T05:06:07Z',
    },
  ])
  t.same(recorded, [undefined])
})

t.test('what the kernel refuses for ever is waited for five minutes', async (t) => {
  const { clock, said, settle } = bench()
  await settle()
  clock.advance(299_999)
  await settle()
  t.same(said, [])
  clock.advance(1)
  await settle()
  t.equal(said.length, 1)
})

t.test('before the plan is carried out no patience runs out', async (t) => {
  const { clock, said, settle } = bench()
  await settle({ isBegun: false, isWhole: true })
  clock.advance(600_000)
  await settle()
  t.same(said, [])
})

t.test('an API server that is away is tried again, and named once', async (t) => {
  const { clock, said, warned, settle } = bench()
  await settle({ isWhole: true, isAway: true })
  for (let i = 0; i < 10; i++) {
    clock.advance(30_000)
    await settle()
  }
  t.same(warned, [{ reason: 'connection refused' }])
  clock.advance(30_000)
  await settle({ isAway: false })
  clock.advance(30_000)
  await settle()
  t.equal(said.length, 1)
})

t.test('on stop the time is noted and the condition set, for whatever the last one was', async (t) => {
  const { said, recorded, condition, settle } = bench()
  await settle({ isWhole: true })
  await condition.stop()
  t.same(
    said.map(({ status, reason }) => `${status} ${reason}`),
    ['False CalicoIsUp', 'True CalicoIsDown'],
  )
  t.equal(recorded.at(-1), '2026-03-04T05:06:07Z')
  await settle()
  t.equal(said.length, 2, 'and then nothing more')
})

t.test('a silent API server does not hold up the stop', async (t) => {
  const { clock, recorded, condition, settle } = bench()
  await settle({ isSilent: true })
  const stopped = condition.stop()
  for (let i = 0; i < 10; i++) await turn()
  clock.advance(1_500)
  await stopped
  t.equal(recorded.at(-1), '2026-03-04T05:06:07Z', 'but the time is noted')
})
