// When services are followed, and when what is announced of them is held to be all.

import t from 'tap'
import { Services } from '../../src/agent/services.ts'
import type { FeedSink } from '../../src/cluster/feed.ts'
import { service } from '../kit/documents.ts'
import { FakeClock } from '../kit/reconciler.ts'

function bench(withApi = true) {
  const clock = new FakeClock()
  const log: string[] = []
  let feed: FeedSink | undefined
  const watch = (sink: FeedSink) => {
    log.push('watch')
    feed = sink
    return async () => void log.push('end')
  }
  const services = new Services({
    watch: withApi ? watch : undefined,
    sink: {
      set: ({ metadata }) => log.push(`set ${metadata.name}`),
      delete: (id) => log.push(`delete ${id}`),
      problem: ({ subject }) => log.push(`problem ${subject}`),
      healed: (subject) => log.push(`healed ${subject}`),
    },
    clock,
    onSettled: () => log.push('settled'),
  })
  return { services, clock, log, feed: () => feed! }
}

t.test('nobody is asked for services as long as nothing of them is announced', async (t) => {
  const { services, log, feed } = bench()
  t.ok(services.isSettled)
  services.need(false)
  t.same(log, [])
  services.need(true)
  services.need(true)
  t.notOk(services.isSettled)
  feed().set(service('web/www'))
  feed().set(service('web/gone'))
  feed().delete('Service/web/gone')
  feed().inSync(true)
  t.ok(services.isSettled)
  services.need(false)
  const before = ['watch', 'set www', 'set gone', 'delete Service/web/gone', 'settled']
  t.same(log, [...before, 'end', 'delete Service/web/www'])
  feed().set(service('web/late'))
  feed().problem({ subject: 'services', message: 'late' })
  t.equal(log.at(-1), 'delete Service/web/www', 'what comes late is not taken in')
})

t.test('an API server that is away is waited for, but not for ever', async (t) => {
  const { services, clock, log, feed } = bench()
  services.need(true)
  feed().problem({ subject: 'services', message: 'waiting' })
  clock.advance(4_999)
  t.notOk(services.isSettled)
  clock.advance(1)
  t.ok(services.isSettled)
  feed().inSync(false)
  feed().inSync(true)
  t.same(log, ['watch', 'problem services', 'settled'], 'what is known stays as it is meanwhile')
})

t.test('an agent that stops ends the watch', async (t) => {
  const { services, log } = bench()
  services.need(true)
  services.stop()
  t.same(log, ['watch', 'end'])
})

t.test('without a Kubernetes API a person is told', async (t) => {
  const { services, log } = bench(false)
  t.same(services.warnings, [])
  services.need(true)
  t.match(services.warnings, [/set KUBECONFIG/])
  t.ok(services.isSettled)
  t.same(log, [])
})
