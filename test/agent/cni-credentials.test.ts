// The CNI plugin's kubeconfig: what is in it, and that its token is never old.

import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { parse } from 'yaml'
import { CniCredentials } from '../../src/agent/cni-credentials.ts'
import { FakeClock } from '../kit/reconciler.ts'

const HOUR = 3_600_000

function bench(over: { refreshMs?: number; validMs?: number } = {}) {
  const clock = new FakeClock()
  const state = { isAway: false }
  const asked: string[] = []
  const written: string[] = []
  const warned: object[] = []
  const credentials = new CniCredentials({
    access: {
      async requestToken(account, seconds) {
        asked.push(`${account} ${seconds}`)
        if (state.isAway) throw new Error('connection refused')
        return { token: `token-${asked.length}`, expires: clock.time + (over.validMs ?? seconds * 1_000) }
      },
      cluster: async () => ({ server: 'https://10.96.0.1:443', caData: 'Q0E=' }),
    },
    account: 'calico-cni-plugin',
    refreshMs: over.refreshMs ?? 0,
    write: async (text) => void written.push(text),
    clock,
    now: () => clock.time,
    log: { info: () => {}, warn: (fields: object) => void warned.push(fields) },
  })
  t.teardown(() => credentials.stop())
  async function after(ms: number): Promise<void> {
    clock.advance(ms)
    for (let i = 0; i < 10; i++) await turn()
  }
  return { credentials, state, asked, written, warned, after }
}

t.test('they are asked for at the start, and again after a quarter of their time', async (t) => {
  const { credentials, asked, written, after } = bench()
  credentials.start()
  await after(0)
  t.same(asked, ['calico-cni-plugin 86400'])
  t.match(parse(written[0]!), {
    clusters: [{ cluster: { server: 'https://10.96.0.1:443', 'certificate-authority-data': 'Q0E=' } }],
    users: [{ user: { token: 'token-1' } }],
    'current-context': 'calico-context',
  })
  await after(6 * HOUR - 1)
  t.equal(asked.length, 1)
  await after(1)
  t.match(written[1], /token: token-2\n/)
})

t.test('CNI_TOKEN_REFRESH_INTERVAL says otherwise', async (t) => {
  const { credentials, asked, after } = bench({ refreshMs: HOUR })
  credentials.start()
  await after(0)
  await after(HOUR)
  t.equal(asked.length, 2)
})

t.test('when our own token is replaced, theirs is a moment later', async (t) => {
  const { credentials, asked, after } = bench()
  credentials.start()
  await after(0)
  for (let event = 0; event < 3; event++) credentials.hurry() // kubelet makes several changes
  await after(5_000)
  t.equal(asked.length, 2)
  await after(6 * HOUR)
  t.equal(asked.length, 3, 'and then at its time')
})

t.test('an API server that is away is asked every few seconds, and named once', async (t) => {
  const { credentials, state, written, warned, after } = bench()
  state.isAway = true
  credentials.start()
  await after(0)
  for (let i = 0; i < 5; i++) await after(5_000)
  t.same(warned, [{ reason: 'connection refused' }])
  state.isAway = false
  await after(5_000)
  t.equal(written.length, 1)
})

t.test('a server that gives short tokens is not asked without end', async (t) => {
  const { credentials, asked, after } = bench({ validMs: 1_000 })
  credentials.start()
  await after(0)
  await after(4_999)
  t.equal(asked.length, 1)
})
