// What counts for the probes, and what does not.

import t from 'tap'
import { liveness, page, unreadiness } from '../../src/agent/health.ts'
import type { AgentStatus } from '../../src/edge/control/api.ts'

const done: AgentStatus['startup'] = { state: 'done' }
const of = (over: Partial<Parameters<typeof unreadiness>[0]>) => ({
  startup: done,
  kernel: [],
  frozenPolicy: [],
  ...over,
})
const inForce = { name: 'routes', wanted: 3, inForce: 3, refused: [], repairs: 0 }

t.test('a node is ready when what it is to have is in force', async (t) => {
  t.same(unreadiness(of({ kernel: [inForce] }), true), [])
  const refused = [{ key: '10.65.1.0/26', reason: 'Nexthop has invalid gateway.', attempts: 3 }]
  const cases: [unready: readonly string[], says: string][] = [
    [
      unreadiness(of({ startup: { state: 'waiting' } }), true),
      'node start-up is not done: the datastore is not in sync',
    ],
    [
      unreadiness(of({ startup: { state: 'failed', reason: 'no address' } }), true),
      'node start-up is not done: no address',
    ],
    [unreadiness(of({}), false), 'the plan has not been carried out yet'],
    [unreadiness(of({ kernel: [{ ...inForce, inForce: 1 }] }), true), 'routes: 2 of 3 not in force'],
    [
      unreadiness(of({ kernel: [{ ...inForce, inForce: 2, refused }] }), true),
      'routes: 1 of 3 not in force: 10.65.1.0/26: Nexthop has invalid gateway.',
    ],
  ]
  cases.push([
    unreadiness(of({ frozenPolicy: ['table filter (iptables-nft, IPv4)'] }), true),
    'policy of calico-node is frozen in table filter (iptables-nft, IPv4)',
  ])
  for (const [unready, says] of cases) t.same(unready, [says])
})

t.test('an agent is alive while its writes to the kernel come to an end', async (t) => {
  t.equal(liveness(0, 90_000).status, 200)
  t.equal(liveness(90_000, 90_000).status, 200)
  t.same(liveness(95_000, 90_000), {
    status: 503,
    body: 'a round of writes to the kernel has not ended for 95 s\n',
  })
  t.equal(liveness(95_000, 0).status, 200, '0 switches it off')
})

t.test('the answer is 200, or 503 with the reasons', async (t) => {
  t.same(page([]), { status: 200, body: 'ok\n' })
  t.same(page(['a', 'b']), { status: 503, body: 'a\nb\n' })
})
