import t from 'tap'
import { type Direction, resolveCollision, type Verdict } from '../../../src/bgp/session/collision.ts'
import type { State } from '../../../src/bgp/session/fsm.ts'
import { address } from '../../../src/inet/address.ts'

const end = (routerId: string, asn = 64512) => ({ routerId: address(routerId), asn })
const low = end('10.0.0.9')
const high = end('200.0.0.1') // above 127: negative when read as signed

const resolve = (
  rival: State,
  direction: Direction,
  { local = low, remote = high, afterRestart = false } = {},
): Verdict => resolveCollision(rival, { direction, afterRestart }, local, remote)

t.test('a connection still being made is abandoned', async (t) => {
  for (const state of ['Idle', 'Active', 'Connect'] as const)
    t.equal(resolve(state, 'incoming'), 'abandon', state)
})

t.test('nothing is decided until both have their OPEN', async (t) => {
  t.equal(resolve('OpenSent', 'incoming'), 'wait')
  t.equal(resolve('OpenSent', 'outgoing'), 'wait')
})

t.test('the connection made by the higher router id stays, unsigned, and both ends agree', async (t) => {
  t.equal(resolve('OpenConfirm', 'incoming'), 'collide', 'the higher one dialled the newcomer')
  t.equal(resolve('OpenConfirm', 'outgoing', { local: high, remote: low }), 'collide', 'as its end sees it')
  t.equal(resolve('OpenConfirm', 'outgoing'), 'yield', 'the higher one dialled the older one')
  t.equal(resolve('OpenConfirm', 'incoming', { local: high, remote: low }), 'yield', 'as its end sees it')
})

t.test('with equal router ids in different ASes the higher AS decides (RFC 6286 §2.3)', async (t) => {
  const ends = { local: end('10.0.0.9', 64512), remote: end('10.0.0.9', 4200000000) }
  t.equal(resolve('OpenConfirm', 'incoming', ends), 'collide')
  t.equal(resolve('OpenConfirm', 'outgoing', ends), 'yield')
})

t.test('an Established session wins against a late connection of the same start', async (t) => {
  t.equal(resolve('Established', 'incoming'), 'yield')
  t.equal(resolve('Established', 'outgoing'), 'yield')
})

t.test('a peer with graceful restart that connects anew has restarted (RFC 4724 §4.2)', async (t) => {
  t.equal(resolve('Established', 'incoming', { afterRestart: true }), 'replace')
})
