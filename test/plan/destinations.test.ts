import t from 'tap'
import { address } from '../../src/inet/address.ts'
import { type Prefix, prefix } from '../../src/inet/prefix.ts'
import { Destinations } from '../../src/plan/destinations.ts'
import type { Route } from '../../src/plan/wanted.ts'
import { path } from '../kit/plan.ts'

const [A, B, C] = ['10.0.1.0/26', '10.0.2.0/26', '10.0.3.0/26'].map(prefix) as [Prefix, Prefix, Prefix]
const [NEAR, FAR] = [address('192.0.2.1'), address('192.0.2.2')]

function route(of: Prefix, gateway: Route['gateway']): Route {
  return { prefix: of, type: 'unicast', protocol: 'bird', gateway: gateway!, because: 'a test' }
}

/** Leads each destination to the next hop of its best path, and counts how often that was asked. */
function table() {
  const asked: Prefix[] = []
  const destinations = new Destinations((of, [best]) => {
    asked.push(of)
    return best && route(of, best.nextHop)
  })
  const learn = (of: Prefix, nextHop = NEAR) => destinations.use(of, [path(of, nextHop, 'peer')])
  return { destinations, asked, learn }
}

t.test('a route follows from the paths in use, and goes with them', async (t) => {
  const { destinations, learn } = table()
  t.same(learn(A), [], 'there were none before')
  t.same(destinations.settle(), [{ prefix: A, route: route(A, NEAR) }])
  t.same(destinations.use(A, []), [path(A, NEAR, 'peer')], 'what was in use is told')
  t.same(destinations.settle(), [{ prefix: A, route: undefined }])
  t.same([destinations.route(A), [...destinations.routes()]], [undefined, []])
})

t.test('what comes out the same is no change', async (t) => {
  const { destinations, asked, learn } = table()
  learn(A)
  destinations.settle()
  destinations.touch(A)
  destinations.touch(A)
  destinations.touch(B)
  t.same(destinations.settle(), [])
  t.same(asked, [A, A, B], 'each is derived once, however often it was touched')
})

t.test('in pieces it comes out as in one, and news does not wait behind a load', async (t) => {
  const { destinations, learn } = table()
  for (const one of [A, B, C]) learn(one)
  const settled = () => destinations.settle(2).map((change) => change.prefix)
  t.same(settled(), [B, C])
  t.equal(destinations.dirty, true)
  t.same(settled(), [A])
  t.equal(destinations.dirty, false)
})

t.test('only what a change concerns is derived again', async (t) => {
  const { destinations, asked, learn } = table()
  learn(A)
  learn(B, FAR)
  destinations.settle()
  asked.length = 0
  destinations.touchBehind(new Set([FAR]))
  destinations.settle()
  destinations.touchLearned((of) => of === A)
  destinations.settle()
  t.same(asked, [B, A])
})
