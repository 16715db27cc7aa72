// How whole the datastore is, and when what it says is carried out.

import t from 'tap'
import { Intake } from '../../src/agent/intake.ts'
import { ClusterView } from '../../src/cluster/view.ts'
import { FakeClock } from '../kit/reconciler.ts'
import { document } from '../kit/resources.ts'

const readiness = (datastoreReady: boolean) => document('ClusterInformation', { datastoreReady })
const pool = (name: string, cidr: string) => document('IPPool', { cidr }, { name })

function bench() {
  const view = new ClusterView()
  const clock = new FakeClock()
  const log: string[] = []
  const intake = new Intake({
    view,
    clock,
    now: () => clock.now(),
    log: { info: () => {}, warn: (_: object, text: string) => log.push(text) } as never,
    onChange: ({ key, after }) => log.push(`${after ? 'set' : 'delete'} ${key}`),
    onInput: () => {},
    onState: () => log.push(intake.isReady ? 'ready' : 'not ready'),
    onPartial: () => log.push('partial'),
  })
  return { intake, view, clock, log }
}

t.test('what is said is passed on at once, and is ready when it is whole', async (t) => {
  const { intake, log } = bench()
  t.equal(intake.state.state, 'waiting')
  intake.set(pool('a', '10.65.0.0/16'))
  t.equal(intake.state.state, 'synchronising')
  t.same(log, ['set IPPool/a'])
  intake.inSync(true)
  intake.delete('IPPool/a')
  t.same(log, ['set IPPool/a', 'ready', 'delete IPPool/a'])
  intake.inSync(false)
  t.same([intake.state.state, log.at(-1)], ['waiting', 'not ready'])
})

t.test('one that does not become whole is worked with as it is after five seconds', async (t) => {
  const { intake, clock, log } = bench()
  intake.set(pool('a', '10.65.0.0/16'))
  clock.advance(4_999)
  t.notOk(log.includes('partial'))
  clock.advance(1)
  t.equal(log.at(-1), 'partial')
  t.equal(intake.isReady, false)
})

t.test('one that says it is not ready is listened to, and carried out when it is', async (t) => {
  const { intake, clock, log } = bench()
  intake.set(readiness(false))
  intake.set(pool('a', '10.65.0.0/16'))
  intake.inSync(true)
  clock.advance(5_000)
  t.equal(intake.isReady, false)
  t.match(intake.warnings, [/^ClusterInformation default: datastoreReady is false/])
  t.notOk(log.some((line) => line.startsWith('set') || line === 'partial'))
  intake.set(readiness(true))
  t.same(log.slice(-2), ['set IPPool/a', 'ready'])
  t.same(intake.warnings, [])
})

t.test('what cannot be used is noted by its subject until it is healed', async (t) => {
  const { intake, view } = bench()
  intake.problem({ subject: 'pools.yaml', message: 'no YAML' })
  t.match(view.problems.list(), [{ subject: 'pools.yaml' }])
  intake.healed('pools.yaml')
  t.same(view.problems.list(), [])
})
