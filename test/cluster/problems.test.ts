// What is wrong with the data: all of it for status, the news of it for the log.

import t from 'tap'
import { Problems } from '../../src/cluster/problems.ts'

const refused = { subject: 'datastore', message: 'connection refused' }
const silent = { subject: 'datastore', message: 'no answer in time' }
const cidr = { subject: 'pools.yaml#2', field: 'spec.cidr', message: 'is not a CIDR' }
const size = { subject: 'pools.yaml#2', field: 'spec.blockSize', message: 'is too big' }

t.test('every problem of a subject is kept until the subject is healed', async (t) => {
  const problems = new Problems()
  for (const problem of [cidr, size, refused]) problems.add(problem)
  t.same(problems.list(), [cidr, size, refused])
  problems.replace('pools.yaml#2', [])
  t.same(problems.list(), [refused])
})

t.test('news are what began and what ended since the last time', async (t) => {
  const problems = new Problems()
  problems.add(cidr)
  t.same(problems.news(), { begun: [cidr], healed: [] })
  problems.add(size)
  t.same(problems.news(), { begun: [size], healed: [] })
  problems.replace('pools.yaml#2', [])
  t.same(problems.news(), { begun: [], healed: ['pools.yaml#2'] })
  t.same(problems.news(), { begun: [], healed: [] })
})

t.test('a trouble in other words is no healing', async (t) => {
  const problems = new Problems()
  problems.add(refused)
  problems.news()
  problems.replace('datastore', [])
  problems.add(silent)
  t.same(problems.news(), { begun: [silent], healed: [] })
})

t.test('the same said again, and what came and went in between, is no news', async (t) => {
  const problems = new Problems()
  problems.replace('IPPool/lan', [])
  problems.add(cidr)
  problems.news()
  problems.replace('pools.yaml#2', [cidr])
  problems.add(refused)
  problems.replace('datastore', [])
  t.same(problems.news(), { begun: [], healed: [] })
})
