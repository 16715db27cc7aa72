import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { abreast } from '../../src/reconcile/abreast.ts'
import { Reconciler } from '../../src/reconcile/reconciler.ts'
import { FakeClock, FakeKernel, item } from '../kit/reconciler.ts'

function two() {
  const clock = new FakeClock()
  const neighbors = new FakeKernel('neighbors')
  const routes = new FakeKernel('routes')
  const reconcilers = [neighbors, routes].map((kernel) => new Reconciler(kernel, clock))
  const want = (text: string) => {
    for (const reconciler of reconcilers) reconciler.want(item(text).key, item(text))
  }
  return { clock, neighbors, routes, want, both: abreast(...reconcilers) }
}

t.test('none waits for what the other is answered', async (t) => {
  const { neighbors, routes, want, both } = two()
  const { promise, resolve } = Promise.withResolvers<void>()
  neighbors.answering = promise
  want('new=1')
  t.equal(both.backlog(false), 2)
  let isDone = false
  const done = both.put().then(() => {
    isDone = true
  })
  await turn()
  t.same(routes.contents(), ['new=1'])
  t.notOk(isDone)
  resolve()
  await done
  t.equal(both.backlog(false), 0)
})

t.test('the first that is due to be tried again is due', async (t) => {
  const { clock, neighbors, want, both } = two()
  neighbors.refuses.set('new', 'not now')
  want('new=1')
  await both.put()
  const due = both.nextRetry()!
  t.ok(due > clock.now())
  neighbors.refuses.clear()
  clock.advance(due - clock.now())
  await both.put()
  t.equal(both.nextRetry(), undefined)
  t.same(neighbors.contents(), ['new=1'])
})

t.test('both are read, and what nobody wants goes from both', async (t) => {
  const { neighbors, routes, both } = two()
  for (const kernel of [neighbors, routes]) kernel.held.set('old', item('old=1'))
  await both.resync()
  t.equal(both.backlog(false), 0)
  t.equal(both.backlog(true), 2)
  await both.prune()
  t.same([...neighbors.contents(), ...routes.contents()], [])
})
