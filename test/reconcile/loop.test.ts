import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { Loop } from '../../src/reconcile/loop.ts'
import { Reconciler } from '../../src/reconcile/reconciler.ts'
import { FakeClock, FakeKernel, item } from '../kit/reconciler.ts'

function twoKinds(resyncMs = 90_000) {
  const clock = new FakeClock()
  const calls: string[] = []
  const [links, routes] = ['link', 'route'].map((name) => {
    const kernel = new FakeKernel(name)
    kernel.calls.push = (...said) => calls.push(...said.map((call) => `${name} ${call}`))
    return { kernel, reconciler: new Reconciler(kernel, clock) }
  }) as [Side, Side]
  const errors: unknown[] = []
  let rounds = 0
  let planned = true
  const paced = [links, routes].map(({ reconciler }) => ({ reconciler, resyncMs: () => resyncMs }))
  const loop = new Loop(paced, {
    clock,
    mayPrune: () => planned,
    onRound: () => rounds++,
    onError: (error) => errors.push(error),
  })
  const plan = (isDone: boolean): void => {
    planned = isDone
    loop.nudge()
  }
  return { clock, calls, links, routes, errors, loop, plan, rounds: () => rounds }
}

interface Side {
  readonly kernel: FakeKernel
  readonly reconciler: Reconciler<ReturnType<typeof item>>
}

t.test('puts go in order of dependency, removals in reverse, after everything was read', async (t) => {
  const { calls, links, routes, loop } = twoKinds()
  for (const { kernel, reconciler } of [routes, links]) {
    kernel.held.set('old', item('old=1'))
    reconciler.want('new', item('new=1'))
  }
  loop.allowPrune()
  await loop.start()
  t.same(calls, [
    'link read',
    'route read',
    'link put new=1',
    'route put new=1',
    'route remove old',
    'link remove old',
  ])
  await loop.stop()
})

t.test('while more may be wanted, nothing old goes', async (t) => {
  const { calls, links, routes, loop, plan } = twoKinds()
  routes.kernel.held.set('old', item('old=1'))
  plan(false)
  loop.allowPrune()
  await loop.start()
  routes.reconciler.want('new', item('new=1'))
  t.equal(loop.backlog, 2, 'what is to be removed waits, too')
  loop.nudge()
  await turn()
  t.same(calls, ['link read', 'route read', 'route put new=1'])
  plan(true)
  await turn()
  t.same(calls.slice(3), ['route remove old'])
  t.equal(loop.backlog, 0)
  links.reconciler.want('more', item('more=1'))
  t.equal(loop.backlog, 1)
  await loop.stop()
})

t.test('what comes meanwhile does not overtake what it leans on', async (t) => {
  const { calls, links, routes, loop } = twoKinds()
  await loop.start()
  calls.length = 0
  links.reconciler.want('first', item('first=1'))
  links.kernel.meanwhile = () => {
    for (const { reconciler } of [routes, links]) reconciler.want('second', item('second=1'))
  }
  loop.nudge()
  await turn()
  t.same(calls, ['link put first=1', 'link put second=1', 'route put second=1'])
  await loop.stop()
})

t.test('a stream of changes holds up the last in the order for a while only', async (t) => {
  const { calls, links, routes, loop } = twoKinds()
  await loop.start()
  let changes = 0
  const change = () => {
    links.reconciler.want('link', item(`link=${++changes}`))
    if (changes < 100) links.kernel.meanwhile = change
  }
  links.kernel.meanwhile = change
  for (const { reconciler } of [routes, links]) reconciler.want('new', item('new=1'))
  loop.nudge()
  await turn()
  t.ok(calls.indexOf('route put new=1') < calls.indexOf('link put link=30'))
  await loop.stop()
})

t.test('nothing is removed before pruning is allowed', async (t) => {
  const { routes, loop } = twoKinds()
  routes.kernel.held.set('old', item('old=1'))
  await loop.start()
  t.same(routes.kernel.contents(), ['old=1'])
  loop.allowPrune()
  await turn()
  t.same(routes.kernel.contents(), [])
  await loop.stop()
})

t.test('a nudge without anything to do is no round', async (t) => {
  const { loop, rounds } = twoKinds()
  await loop.start()
  loop.nudge()
  await turn()
  t.equal(rounds(), 1)
  await loop.stop()
})

t.test('what is spared between two rounds is looked at when its grace is over', async (t) => {
  const { clock, routes, loop } = twoKinds(0)
  loop.allowPrune()
  await loop.start()
  routes.kernel.keepUntil = () => 10_000
  routes.kernel.held.set('cni', item('cni=1'))
  routes.reconciler.saw('cni', item('cni=1'))
  loop.nudge()
  t.equal(clock.next(), 10_000)
  clock.advance(10_000)
  await turn()
  t.same(routes.kernel.contents(), [])
  await loop.stop()
})

t.test('what becomes wanted during a round is written in the next, without another nudge', async (t) => {
  const { routes, loop } = twoKinds()
  routes.kernel.meanwhile = () => {
    routes.reconciler.want('late', item('late=1'))
    loop.nudge()
  }
  await loop.start()
  await turn()
  t.same(routes.kernel.contents(), ['late=1'])
  await loop.stop()
})

t.test('a refused item wakes the loop when its time has come', async (t) => {
  const { clock, routes, loop } = twoKinds()
  routes.kernel.refuses.set('a', 'no')
  routes.reconciler.want('a', item('a=1'))
  await loop.start()
  t.equal(clock.next(), 50)
  routes.kernel.refuses.clear()
  clock.advance(50)
  await turn()
  t.same(routes.kernel.contents(), ['a=1'])
  await loop.stop()
})

t.test('everything is read again at the interval, or never with 0', async (t) => {
  const { clock, calls, loop } = twoKinds()
  await loop.start()
  clock.advance(90_000)
  await turn()
  t.equal(calls.filter((call) => call === 'route read').length, 2)
  await loop.stop()

  const never = twoKinds(0)
  await never.loop.start()
  t.equal(never.clock.next(), undefined)
  await never.loop.stop()
})

t.test('asked for at once, a reading still comes at most once a second', async (t) => {
  const { clock, calls, loop } = twoKinds()
  await loop.start()
  loop.resyncSoon()
  loop.resyncSoon()
  await turn()
  t.equal(calls.filter((call) => call === 'route read').length, 1)
  clock.advance(1_000)
  await turn()
  t.equal(calls.filter((call) => call === 'route read').length, 2)
  await loop.stop()
})

t.test('one kind can be read alone, sooner than the others, and at its own interval', async (t) => {
  const { clock, calls, links, loop } = twoKinds()
  await loop.start()
  loop.resyncSoon([links.reconciler], 100)
  clock.advance(100)
  await turn()
  t.same(calls, ['link read', 'route read', 'link read'])
  clock.advance(89_900)
  await turn()
  t.same(calls.slice(3), ['route read'])
  clock.advance(100)
  await turn()
  t.same(calls.slice(4), ['link read'])
  await loop.stop()
})

t.test('a kernel that cannot be read is reported, written to all the same, and read again', async (t) => {
  const { clock, routes, errors, loop } = twoKinds()
  const read = routes.kernel.read
  routes.kernel.read = () => Promise.reject(new Error('no ip here'))
  routes.reconciler.want('a', item('a=1'))
  await loop.start()
  t.match(errors, [{ message: 'no ip here' }])
  t.same(routes.kernel.contents(), ['a=1'])
  routes.kernel.read = read
  routes.kernel.held.delete('a')
  clock.advance(1_000)
  await turn()
  t.same(routes.kernel.contents(), ['a=1'])
  await loop.stop()
})

t.test('a stopped loop leaves the kernel alone', async (t) => {
  const { clock, routes, loop } = twoKinds()
  await loop.start()
  await loop.stop()
  routes.reconciler.want('a', item('a=1'))
  loop.nudge()
  clock.advance(100_000)
  await turn()
  t.same(routes.kernel.contents(), [])
})
