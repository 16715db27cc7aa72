import fc from 'fast-check'
import t from 'tap'
import { bench, benchOf, type Item, item } from '../kit/reconciler.ts'

t.test('what is wanted is put, and known to be in force once the kernel took it', async (t) => {
  const { kernel, reconciler, want } = bench()
  want('a=1', 'b=2')
  t.equal(reconciler.inForce('a'), false)
  await reconciler.apply({ prune: true })
  t.same(kernel.contents(), ['a=1', 'b=2'])
  t.equal(reconciler.inForce('a'), true)
  t.same(reconciler.takeInForce(), [
    { key: 'a', inForce: true },
    { key: 'b', inForce: true },
  ])
  t.same(reconciler.takeInForce(), [])
})

t.test('what the kernel already holds is not written again', async (t) => {
  const { kernel, reconciler, want } = bench('a=1', 'b=old')
  want('a=1', 'b=2')
  await reconciler.resync()
  await reconciler.apply({ prune: true })
  t.same(kernel.calls, ['read', 'put b=2'])
  t.equal(reconciler.inForce('a'), true)
  t.same(reconciler.view().repairs, { removed: 0, changed: 0, added: 0, device: 0 }, 'adopting is no repair')
})

t.test('nothing is removed without leave to prune', async (t) => {
  const { kernel, reconciler } = bench('old=1')
  await reconciler.resync()
  await reconciler.apply({ prune: false })
  t.same(kernel.contents(), ['old=1'])
  t.same(reconciler.diff(), { put: [], remove: [item('old=1')] })
  t.equal(reconciler.backlog(false), 0)
  await reconciler.apply({ prune: true })
  t.same(kernel.contents(), [])
})

t.test('new items are in place before old ones go, and a change of one item is one replace', async (t) => {
  const { kernel, reconciler, want } = bench('a=1', 'old=1')
  await reconciler.resync()
  want('a=2', 'new=1')
  await reconciler.apply({ prune: true })
  t.same(kernel.calls, ['read', 'put a=2', 'put new=1', 'remove old'])
})

t.test('one change among ten thousand items is one write', async (t) => {
  const { kernel, reconciler, want } = bench()
  for (let i = 0; i < 10_000; i++) want(`k${i}=1`)
  await reconciler.apply({ prune: true })
  kernel.calls.length = 0
  want('k77=2')
  await reconciler.apply({ prune: true })
  t.same(kernel.calls, ['put k77=2'])
})

t.test('a change of the reason alone writes nothing', async (t) => {
  const { kernel, reconciler, want } = bench()
  want('a=1')
  await reconciler.apply({ prune: true })
  want('a=1')
  t.equal(reconciler.backlog(true), 0)
  t.same(kernel.calls, ['put a=1'])
})

t.test('a refused item is named, backs off, and does not hold up its neighbours', async (t) => {
  const { kernel, clock, reconciler, want } = bench()
  kernel.refuses.set('b', 'Nexthop has invalid gateway.')
  want('a=1', 'b=1', 'c=1')
  await reconciler.apply({ prune: true })
  t.same(kernel.contents(), ['a=1', 'c=1'])
  t.equal(reconciler.inForce('b'), false)
  t.same(reconciler.view().refused, [{ key: 'b', reason: 'Nexthop has invalid gateway.', attempts: 1 }])
  t.equal(reconciler.nextRetry(), 50)

  await reconciler.apply({ prune: true })
  t.equal(kernel.calls.filter((call) => call === 'refuse b').length, 1, 'not before its time')
  clock.time = 50
  await reconciler.apply({ prune: true })
  t.equal(reconciler.nextRetry(), 150, 'twice as long')

  kernel.refuses.clear()
  clock.time = 150
  await reconciler.apply({ prune: true })
  t.equal(reconciler.inForce('b'), true)
  t.same(reconciler.view().refused, [])
  t.equal(reconciler.nextRetry(), undefined)
})

t.test('a refused item that is wanted differently is tried at once; unwanted, it is forgotten', async (t) => {
  const { kernel, reconciler, want, unwant } = bench()
  kernel.refuses.set('a', 'no')
  want('a=1')
  await reconciler.apply({ prune: true })
  kernel.refuses.clear()
  want('a=2')
  await reconciler.apply({ prune: true })
  t.same(kernel.contents(), ['a=2'])

  kernel.refuses.set('b', 'no')
  want('b=1')
  await reconciler.apply({ prune: true })
  unwant('b')
  t.same(reconciler.view().refused, [])
  t.equal(reconciler.nextRetry(), undefined)
})

t.test('a refused removal is tried again', async (t) => {
  const { kernel, clock, reconciler } = bench('old=1')
  kernel.refuses.set('old', 'busy')
  await reconciler.resync()
  await reconciler.apply({ prune: true })
  t.equal(reconciler.view().refused[0]?.reason, 'busy')
  kernel.refuses.clear()
  clock.time = 50
  await reconciler.apply({ prune: true })
  t.same(kernel.contents(), [])
})

t.test('drift is put right on the event, and counted by what happened', async (t) => {
  const { kernel, clock, reconciler, want } = bench()
  want('a=1', 'b=1')
  await reconciler.resync()
  await reconciler.apply({ prune: true })
  kernel.tell(reconciler)
  clock.time = 5_000
  kernel.change('a', undefined)
  kernel.change('b', item('b=9'))
  kernel.change('c', item('c=1'))
  kernel.tell(reconciler)
  t.equal(reconciler.inForce('a'), false)
  await reconciler.apply({ prune: true })
  t.same(kernel.contents(), ['a=1', 'b=1'])
  t.same(reconciler.view().repairs, { removed: 1, changed: 1, added: 1, device: 0 })
})

t.test('an event that says what is wanted costs nothing', async (t) => {
  const { kernel, reconciler, want } = bench()
  want('a=1')
  await reconciler.apply({ prune: true })
  kernel.tell(reconciler)
  t.equal(reconciler.backlog(true), 0)
  t.same(reconciler.view().repairs, { removed: 0, changed: 0, added: 0, device: 0 })
})

t.test('the late echo of our own older write is not taken for drift', async (t) => {
  const { kernel, reconciler, want } = bench()
  want('a=1')
  await reconciler.apply({ prune: true })
  want('a=2')
  await reconciler.apply({ prune: true })
  kernel.tell(reconciler)
  await reconciler.apply({ prune: true })
  t.same(kernel.contents(), ['a=2'])
  t.equal(reconciler.view().repairs.changed, 0)
})

t.test('someone who writes while we write loses, whichever the kernel saw first', async (t) => {
  const { kernel, reconciler, want } = bench()
  want('a=1')
  kernel.meanwhile = () => {
    kernel.change('a', item('a=foreign'))
    kernel.tell(reconciler)
  }
  await reconciler.apply({ prune: true })
  t.equal(reconciler.inForce('a'), false)
  await reconciler.apply({ prune: true })
  t.same(kernel.contents(), ['a=1'])
  t.equal(reconciler.inForce('a'), true)
})

t.test('an event during a reading counts for more than the reading', async (t) => {
  const { kernel, reconciler, want } = bench('a=1')
  want('a=1')
  kernel.meanwhile = () => {
    kernel.change('a', undefined)
    kernel.tell(reconciler)
  }
  await reconciler.resync()
  t.equal(reconciler.inForce('a'), false)
  await reconciler.apply({ prune: true })
  t.same(kernel.contents(), ['a=1'])
})

t.test('what is no longer wanted while it is being put goes again', async (t) => {
  const { kernel, reconciler, want, unwant } = bench()
  want('a=1')
  kernel.meanwhile = () => unwant('a')
  await reconciler.put()
  await reconciler.prune()
  t.same(kernel.contents(), [])
})

t.test('what hangs on an interface that changed is written again', async (t) => {
  const { kernel, reconciler, want } = bench()
  want('a=1 dev cali0', 'b=1 dev cali1')
  kernel.refuses.set('c', 'Cannot find device "cali0"')
  want('c=1 dev cali0')
  await reconciler.resync()
  await reconciler.apply({ prune: true })
  kernel.held.delete('a') // without an event, as IPv4 does
  kernel.refuses.clear()
  reconciler.doubt('cali0')
  t.equal(reconciler.inForce('a'), false)
  t.equal(reconciler.inForce('b'), true)
  await reconciler.apply({ prune: true })
  t.same(kernel.contents(), ['a=1', 'b=1', 'c=1'], 'the refused one was not made to wait')
  t.equal(reconciler.view().repairs.device, 1)
})

t.test('what we did to an interface ourselves is not counted, and its echoes neither', async (t) => {
  const { kernel, reconciler, want } = bench()
  want('a=1 dev cali0')
  await reconciler.resync()
  await reconciler.apply({ prune: true })
  reconciler.doubt('cali0', true)
  kernel.held.delete('a')
  reconciler.saw('a', undefined)
  reconciler.doubt('cali0')
  await reconciler.apply({ prune: true })
  t.same(kernel.contents(), ['a=1'])
  t.same(reconciler.view().repairs, { removed: 0, changed: 0, added: 0, device: 0 })
})

t.test('an interface that goes while its item is being put leaves nothing in force', async (t) => {
  const { kernel, reconciler, want } = bench()
  want('a=1 dev cali0')
  kernel.meanwhile = () => {
    kernel.held.delete('a')
    reconciler.doubt('cali0')
  }
  await reconciler.put()
  t.equal(reconciler.inForce('a'), false)
  await reconciler.put()
  t.same(kernel.contents(), ['a=1'])
})

t.test('what was given up with its interface is put on the next one of that name', async (t) => {
  const { kernel, reconciler, want, unwant } = bench()
  want('a=1 dev cali0')
  await reconciler.put()
  unwant('a')
  kernel.held.delete('a') // with the interface; before anything could be removed, the next one is there
  reconciler.doubt('cali0')
  want('a=1 dev cali0')
  t.equal(reconciler.inForce('a'), false)
  await reconciler.put()
  t.same(kernel.contents(), ['a=1'])
})

t.test('the same while it is being put, wanted again before or after', async (t) => {
  for (const isBefore of [true, false]) {
    const { kernel, reconciler, want, unwant } = bench()
    want('a=1 dev cali0')
    kernel.meanwhile = () => {
      unwant('a')
      reconciler.doubt('cali0')
      if (isBefore) want('a=1 dev cali0')
    }
    await reconciler.put()
    kernel.held.delete('a')
    want('a=1 dev cali0')
    await reconciler.put()
    t.same(kernel.contents(), ['a=1'])
  }
})

t.test('what is unwanted on an interface that changes goes all the same', async (t) => {
  const { kernel, reconciler, want, unwant } = bench()
  want('a=1 dev cali0')
  await reconciler.put()
  unwant('a')
  reconciler.doubt('cali0')
  want('b=1 dev cali0')
  kernel.meanwhile = () => {
    unwant('b')
    reconciler.doubt('cali0')
  }
  await reconciler.put()
  await reconciler.prune()
  t.same(kernel.contents(), [])
})

t.test('an item nobody asked for stays while its kind spares it', async (t) => {
  const { kernel, clock, reconciler, want, unwant } = bench('cni=1')
  kernel.keepUntil = () => 10_000
  await reconciler.resync()
  await reconciler.apply({ prune: true })
  t.same(kernel.contents(), ['cni=1'])
  t.equal(reconciler.nextRetry(), 10_000)
  clock.time = 10_000
  await reconciler.apply({ prune: true })
  t.same(kernel.contents(), [])

  kernel.keepUntil = () => 20_000
  want('pod=1')
  await reconciler.apply({ prune: true })
  unwant('pod')
  await reconciler.apply({ prune: true })
  t.same(kernel.contents(), [], 'one that was wanted goes at once')
})

t.test('when its grace is over its kind is asked again', async (t) => {
  const { kernel, clock, reconciler } = bench('cni=1')
  kernel.keepUntil = () => clock.time + 10_000
  await reconciler.resync()
  clock.time = 10_000
  await reconciler.apply({ prune: true })
  t.same(kernel.contents(), ['cni=1'])
  t.equal(reconciler.nextRetry(), 20_000)
  kernel.keepUntil = () => 10_000
  clock.time = 20_000
  await reconciler.apply({ prune: true })
  t.same(kernel.contents(), [])
})

t.test(
  'a kind that bears it is asked for the next batch before it has answered, and for no more',
  async (t) => {
    for (const pipelined of [false, true]) {
      const { kernel, reconciler, want } = benchOf({ batch: 1 })
      kernel.pipelined = pipelined
      let answer = (): void => {}
      kernel.answering = new Promise((resolve) => {
        answer = resolve
      })
      want('a=1', 'b=1', 'c=1')
      const written = reconciler.apply({ prune: true })
      await turn()
      t.equal(kernel.calls.length, pipelined ? 2 : 1)
      t.equal(reconciler.view().inForce, 0)
      answer()
      await written
      t.equal(kernel.calls.length, 3)
      t.equal(reconciler.view().inForce, 3)
    }
  },
)

t.test('of two questions about one item the answer to the later counts', async (t) => {
  const { kernel, reconciler, want, unwant } = benchOf({ batch: 1 })
  kernel.pipelined = true
  want('b=1', 'a=1')
  kernel.refuses.set('a', 'no')
  kernel.meanwhile = () => {
    kernel.refuses.clear()
    want('a=2')
    kernel.meanwhile = () => unwant('a')
  }
  await reconciler.apply({ prune: false })
  want('a=3')
  await reconciler.apply({ prune: true })
  t.same(kernel.contents(), ['a=3', 'b=1'])
})

t.test('a reading that fails changes nothing', async (t) => {
  const { kernel, reconciler, want } = bench()
  want('a=1')
  await reconciler.apply({ prune: true })
  kernel.read = () => Promise.reject(new Error('interrupted'))
  await t.rejects(reconciler.resync(), { message: 'interrupted' })
  t.equal(reconciler.inForce('a'), true)
})

// Any order of wishes, foreign writes, late events, readings and refusals: when it is over the kernel is as wanted.
const key = fc.constantFrom('a', 'b', 'c')
const value = fc.constantFrom('1', '2')
/** Until all that can go on has gone on. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

const move = fc.oneof(
  fc.record({ do: fc.constant('want' as const), key, value: fc.option(value) }),
  fc.record({ do: fc.constant('foreign' as const), key, value: fc.option(value) }),
  fc.record({ do: fc.constant('tell' as const) }),
  fc.record({ do: fc.constant('refuse' as const), key, refused: fc.boolean() }),
  fc.record({ do: fc.constant('resync' as const) }),
  fc.record({
    do: fc.constant('apply' as const),
    during: fc.option(fc.record({ key, value: fc.option(value) })),
    after: fc.option(fc.record({ key, value: fc.option(value) })),
  }),
)

t.test('whatever happens in whatever order, the kernel ends as wanted', async () => {
  await fc.assert(
    fc.asyncProperty(fc.boolean(), fc.array(move, { maxLength: 25 }), async (pipelined, moves) => {
      const { kernel, clock, reconciler } = benchOf(pipelined ? { batch: 1 } : {}, 'a=1')
      kernel.pipelined = pipelined
      const wanted = new Map<string, Item>()
      const made = (of: string, to: string | null): Item | undefined =>
        to === null ? undefined : item(`${of}=${to}`)
      const want = (of: string, to: string | null): void => {
        const wish = made(of, to)
        if (wish) wanted.set(of, wish)
        else wanted.delete(of)
        reconciler.want(of, wish)
      }
      for (const step of moves) {
        clock.time += 10
        if (step.do === 'want') want(step.key, step.value)
        if (step.do === 'foreign') kernel.change(step.key, made(step.key, step.value))
        if (step.do === 'tell') kernel.tell(reconciler)
        if (step.do === 'refuse' && step.refused) kernel.refuses.set(step.key, 'no')
        if (step.do === 'refuse' && !step.refused) kernel.refuses.delete(step.key)
        if (step.do === 'resync') await reconciler.resync()
        if (step.do === 'apply') {
          const { during, after } = step
          kernel.meanwhile = () => {
            if (during) kernel.change(during.key, made(during.key, during.value))
            if (during?.key === 'a') kernel.tell(reconciler)
            if (after) kernel.meanwhile = () => want(after.key, after.value)
          }
          await reconciler.apply({ prune: true })
        }
      }
      kernel.refuses.clear()
      for (let round = 0; round < 3; round++) {
        clock.time += 60_000
        kernel.tell(reconciler)
        if (round === 0) await reconciler.resync()
        await reconciler.apply({ prune: true })
      }
      const expected = [...wanted.values()].map(({ key, value }) => `${key}=${value}`).sort()
      if (kernel.contents().join() !== expected.join())
        throw new Error(`${kernel.contents()} not ${expected}`)
      if (reconciler.view().inForce !== wanted.size) throw new Error(JSON.stringify(reconciler.view()))
      if (reconciler.backlog(true) > 0 || reconciler.diff().put.length > 0) throw new Error('not settled')
    }),
    { numRuns: 2_000 },
  )
})

t.test('with every event delivered no reading is ever needed', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(key, fc.option(value), fc.boolean()), { maxLength: 15 }),
      async (moves) => {
        const { kernel, clock, reconciler } = bench()
        for (const [of, to, ours] of moves) {
          clock.time += 400
          const made = to === null ? undefined : item(`${of}=${to}`)
          if (ours) reconciler.want(of, made)
          else kernel.change(of, made)
          if (of !== 'b') kernel.tell(reconciler)
          await reconciler.apply({ prune: true })
        }
        kernel.tell(reconciler)
        await reconciler.apply({ prune: true })
        kernel.tell(reconciler)
        const { put, remove } = reconciler.diff()
        if (put.length + remove.length > 0) throw new Error(JSON.stringify({ put, remove }))
        const wanted = reconciler.view().wanted
        if (kernel.contents().length !== wanted) throw new Error(`${kernel.contents()}: ${wanted} wanted`)
      },
    ),
    { numRuns: 1_000 },
  )
})
