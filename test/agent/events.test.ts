// What becomes an Event of Kubernetes on our Node, how often at most, and what of an API server that takes none.

import { readFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { Events } from '../../src/agent/events.ts'
import { TroubleBook, troubles, type Watched } from '../../src/agent/troubles.ts'
import { apiClient } from '../../src/edge/datastore/kubernetes/client.ts'
import { eventWriter, type NodeEvent } from '../../src/edge/datastore/kubernetes/events.ts'
import { failure } from '../kit/kubernetes/failure.ts'
import { startKubernetes, TOKEN } from '../kit/kubernetes/server.ts'
import { FakeClock } from '../kit/reconciler.ts'
import { until } from '../kit/until.ts'

const MINUTE = 60_000

/** How things are: good, but for what is said. */
function watched(over: object = {}): Watched {
  const { peers = [], kernel = [], startup = { state: 'done' }, frozenPolicy = [], ...rest } = over as Over
  const status = { bgp: { peers }, kernel, startup, frozenPolicy } as unknown as Watched['status']
  return { poolsNotInForce: [], tunnelAddresses: [], ...rest, status }
}

type Over = Readonly<Record<string, object | undefined>>

const down = (address: string, lastError = 'Socket: Connection refused') => ({
  address,
  state: 'Active',
  lastError,
})
const up = (address: string) => ({ address, state: 'Established' })

const wrong = {
  BGPSessionDown: { peers: [up('10.0.0.2'), down('10.0.0.3')] },
  StartupFailed: { startup: { state: 'failed', reason: 'IP: 10.0.0.1 is that of node b' } },
  PoolNotInForce: { poolsNotInForce: ['pool p (IPIP) is not in force: the kernel has no ipip'] },
  TunnelAddressFailed: { tunnelAddresses: ['no address is free'] },
  KernelRefused: { kernel: [{ name: 'routes', refused: [{ key: '10.65.1.0/26', reason: 'unreachable' }] }] },
  PolicyFrozen: { frozenPolicy: ['filter (iptables-legacy)'] },
}
const bad: Readonly<Record<string, Watched>> = Object.fromEntries(
  Object.entries(wrong).map(([reason, over]) => [reason, watched(over)]),
)

t.test('each trouble is said when it has lasted, once, and when it is over', async (t) => {
  t.same(Object.keys(bad).sort(), troubles.map(({ reason }) => reason).sort(), 'all of them')
  for (const { reason, over, afterMs } of troubles) {
    const book = new TroubleBook()
    t.same(book.look(watched(), 0), [])
    const early = book.look(bad[reason]!, 0)
    if (afterMs > 0) t.same(early, [], `${reason} may pass`)
    const [said] = afterMs > 0 ? book.look(bad[reason]!, afterMs) : early
    t.match(said, { type: 'Warning', reason, first: 0, last: afterMs, count: 1 })
    t.same(book.look(bad[reason]!, afterMs + MINUTE), [], `${reason} is said once`)
    t.match(book.look(watched(), afterMs + 2 * MINUTE), [{ type: 'Normal', reason: over, count: 1 }])
    t.same(book.look(watched(), afterMs + 3 * MINUTE), [])
  }
})

t.test('docs/events.md lists them', async (t) => {
  const page = readFileSync(new URL('../../docs/events.md', import.meta.url), 'utf8')
  for (const { reason, over, meaning } of troubles)
    t.ok(
      page.includes(`| \`${reason}\` | `) && page.includes(`| \`${over}\` |`) && page.includes(meaning),
      reason,
    )
})

t.test('what passes by itself is never said, and so is not over either', async (t) => {
  const book = new TroubleBook()
  book.look(bad.BGPSessionDown!, 0)
  t.same(book.look(watched(), MINUTE), [])
  t.same(book.look(bad.BGPSessionDown!, 2 * MINUTE), [], 'counted anew')
})

t.test('one Event for all sessions, said again when it is another or has lasted', async (t) => {
  const book = new TroubleBook()
  const one = watched({ peers: [down('10.0.0.3')] })
  const two = watched({
    peers: [down('10.0.0.3'), { address: '10.0.0.4', state: 'Idle', held: 'no password' }],
  })
  book.look(one, 0)
  t.match(book.look(one, 2 * MINUTE), [{ message: '10.0.0.3 Active: Socket: Connection refused' }])
  t.same(book.look(two, 3 * MINUTE), [], 'not so soon')
  t.match(book.look(two, 7 * MINUTE), [
    {
      message: '10.0.0.3 Active: Socket: Connection refused; 10.0.0.4 Idle: no password',
      first: 0,
      count: 2,
    },
  ])
  t.same(book.look(two, 36 * MINUTE), [])
  t.match(book.look(two, 37 * MINUTE), [{ count: 3 }])
  const peers = Array.from({ length: 500 }, (_, n) => down(`10.1.${n >> 8}.${n & 255}`))
  const [all] = book.look(watched({ peers }), 50 * MINUTE)
  t.match(all?.message, /^500 of them: 10\.1\.0\.0 Active/)
  t.ok(all!.message.length <= 1_000)
})

t.test('a trouble that comes and goes for hours says little', async (t) => {
  const book = new TroubleBook()
  let said = 0
  for (let now = 0; now < 120 * MINUTE; now += 10_000) {
    const isBad = now % (3 * MINUTE) < 2.5 * MINUTE
    said += book.look(isBad ? bad.BGPSessionDown! : watched(), now).length
  }
  t.ok(said > 2 && said <= 48, `${said} in two hours`)
})

function events(t: Test, write: (event: NodeEvent) => Promise<void>) {
  const clock = new FakeClock()
  const log: string[] = []
  let now = watched()
  const all = new Events({
    write,
    watched: () => now,
    clock,
    now: () => clock.now(),
    log: { info: (_: object, text: string) => log.push(text) } as never,
  })
  t.teardown(() => all.stop())
  const settle = () => new Promise((resolve) => setImmediate(resolve))
  return {
    all,
    log,
    /** Time goes by, with these troubles. */
    async pass(ms: number, next: Watched = now) {
      now = next
      for (let left = ms; left > 0; left -= 5_000) {
        clock.advance(5_000)
        await settle()
      }
    },
  }
}

t.test('what cannot be written is tried three times, then counted and forgotten', async (t) => {
  const tried: string[] = []
  let isAway = true
  const { all, log, pass } = events(t, async ({ reason }) => {
    tried.push(reason)
    if (isAway) throw new Error('connection refused')
  })
  await pass(MINUTE, bad.PolicyFrozen!)
  t.same(tried, ['PolicyFrozen', 'PolicyFrozen', 'PolicyFrozen'])
  t.same(all.counts, { written: 0, dropped: 1 })
  isAway = false
  await pass(MINUTE, watched())
  t.equal(tried.at(-1), 'PolicyReleased')
  t.same(all.counts, { written: 1, dropped: 1 })
  t.same(log, ['Events cannot be written', 'Events are written again'])
})

t.test('an API server that is away for a day is not asked for long, and nothing piles up', async (t) => {
  let tried = 0
  const { all, pass } = events(t, async () => {
    tried++
    throw new Error('connection refused')
  })
  const everything = watched(Object.assign({}, ...Object.values(wrong)))
  await pass(24 * 60 * MINUTE, everything)
  t.ok(tried < 24 * 2 * 6 * 3 + 18, `${tried} requests in a day`)
  t.equal(all.counts.written, 0)
  t.ok(all.counts.dropped > 0)
})

t.test(
  'an Event on the Node, repeated in its place, and anew when the API server has forgotten it',
  async (t) => {
    const server = await startKubernetes(t)
    const client = apiClient({ kubeconfig: await server.kubeconfig(TOKEN) })
    t.teardown(() => client.close())
    const write = eventWriter(client, 'node-a')
    const event: NodeEvent = {
      type: 'Warning',
      reason: 'BGPSessionDown',
      message: '10.0.0.3 Active: no answer',
      first: 1_772_600_767_000,
      last: 1_772_600_887_000,
      count: 1,
    }
    await write(event)
    const list = () => server.store.list(server.resource('events'))
    t.match(list(), [
      {
        metadata: { name: /^node-a\.[0-9a-f]{16}$/, namespace: 'default' },
        involvedObject: { kind: 'Node', name: 'node-a', uid: 'node-a' },
        type: 'Warning',
        reason: 'BGPSessionDown',
        source: { component: 'caracal', host: 'node-a' },
        firstTimestamp: '2026-03-04T05:06:07Z',
        lastTimestamp: '2026-03-04T05:08:07Z',
        count: 1,
      },
    ])
    await write({ ...event, message: 'more', count: 2 })
    t.match(list(), [{ message: 'more', count: 2 }])
    t.equal(list().length, 1)
    server.remove('events', list()[0]!.metadata.name, 'default')
    await write({ ...event, count: 3 })
    t.match(list(), [{ count: 3, firstTimestamp: '2026-03-04T05:06:07Z' }])
    server.fault = () => failure(403, 'Forbidden', 'events is forbidden')
    await t.rejects(write({ ...event, count: 4 }), /forbidden/)
    server.fault = () => undefined
    await write({ ...event, first: event.last })
    await until('the next time has an Event of its own', () => list().length === 2)
  },
)
