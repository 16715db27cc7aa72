// Waiting longer and longer, never too long, and not all at once.

import t from 'tap'
import { serverBackoffMs } from '../../../src/edge/datastore/backoff.ts'

t.test('doubles from 100 ms to 5 s', async (t) => {
  const latest = (failures: number) => serverBackoffMs(failures, () => 1)
  t.same([1, 2, 3, 6, 7, 1000].map(latest), [100, 200, 400, 3200, 5000, 5000])
})

t.test('jitter takes away up to half', async (t) => {
  t.equal(
    serverBackoffMs(1, () => 0),
    50,
  )
})
