// How long the former encapsulation of a pool is taken along.

import t from 'tap'
import { Transitions } from '../../src/agent/transitions.ts'
import type { Document } from '../../src/cluster/feed.ts'
import { resourceId } from '../../src/cluster/feed.ts'
import { ClusterView } from '../../src/cluster/view.ts'
import { block, node, pool } from '../kit/documents.ts'
import { FakeClock } from '../kit/reconciler.ts'

const [never, ipip, vxlan] = [{}, { ipipMode: 'Always' }, { vxlanMode: 'Always' }].map((modes) =>
  pool('p', '10.65.0.0/16', modes),
) as [Document, Document, Document]

interface Bench {
  readonly clock: FakeClock
  readonly transitions: Transitions
  /** What the plan and the agent were told, in order. */
  readonly told: string[]
  /** Whether some node is not ready. */
  behind(isBehind: boolean): void
  set(...documents: Document[]): void
  delete(document: Document): void
}

function bench(): Bench {
  const [clock, told, view] = [new FakeClock(), [] as string[], new ClusterView()]
  let isInTransition = false
  const transitions = new Transitions({
    plan: {
      get isInTransition() {
        return isInTransition
      },
      retain: ({ name, ipipMode, vxlanMode }) => void told.push(`retain ${name} ${ipipMode} ${vxlanMode}`),
      endTransitions: () => void told.push('end'),
    },
    clock,
    onEnd: () => void told.push('turn'),
  })
  return {
    clock,
    transitions,
    told,
    behind: (isBehind) => {
      isInTransition = isBehind
    },
    set: (...documents) => {
      for (const change of documents.flatMap((one) => view.apply(one))) transitions.changed(change)
    },
    delete: ({ kind, metadata }) => {
      for (const change of view.remove(resourceId(kind, metadata.name))) transitions.changed(change)
    },
  }
}

t.test('what a pool was is retained for fifteen seconds', async (t) => {
  const { clock, told, set } = bench()
  set(ipip, vxlan)
  t.same(told, ['retain p Always Never'])
  clock.advance(14_999)
  t.equal(told.length, 1)
  clock.advance(1)
  t.same(told.slice(1), ['end', 'turn'], 'the plan is told first')
  clock.advance(60_000)
  t.equal(told.length, 3)
})

t.test('the time is counted from the last change, of whichever pool', async (t) => {
  const { clock, told, set } = bench()
  set(ipip, pool('q', '10.66.0.0/16'), vxlan)
  clock.advance(10_000)
  set(pool('q', '10.66.0.0/16', { vxlanMode: 'CrossSubnet' }))
  clock.advance(10_000)
  t.same(told, ['retain p Always Never', 'retain q Never Never'])
  clock.advance(5_000)
  t.same(told.slice(2), ['end', 'turn'])
})

t.test('a node that gets the address of a tunnel gives the others more time', async (t) => {
  const { clock, told, set } = bench()
  const has = (...addresses: string[]) =>
    node('b', '10.0.0.2/24', {
      ipv4IPIPTunnelAddr: addresses[0],
      spec: { ipv4VXLANTunnelAddr: addresses[1] },
    })
  set(has('10.65.1.0'), ipip, vxlan)
  clock.advance(14_000)
  set(has('10.65.1.0', '10.65.1.1'))
  clock.advance(14_000)
  t.same(told, ['retain p Always Never'])
  set(has('10.65.1.0', '10.65.1.1'), has(), node('c', '10.0.0.3/24'))
  clock.advance(1_000)
  t.same(told.slice(1), ['end', 'turn'], 'one that gives an address up, or has none, does not')
  set(has('10.65.1.0'))
  clock.advance(60_000)
  t.equal(told.length, 3, 'nor is it the beginning of anything')
})

t.test('while a node is not ready it is waited for, but no longer than five minutes', async (t) => {
  const { clock, told, behind, set } = bench()
  behind(true)
  set(ipip, vxlan)
  clock.advance(60_000)
  t.same(told, ['retain p Always Never'])
  behind(false)
  clock.advance(15_000)
  t.same(told.slice(1), ['end', 'turn'])

  behind(true)
  set(ipip)
  for (let passed = 0; passed < 285; passed += 15) clock.advance(15_000)
  t.same(told.slice(3), ['retain p Never Always'])
  clock.advance(15_000)
  t.same(told.slice(4), ['end', 'turn'])
})

t.test('from Always to CrossSubnet is a change like any other', async (t) => {
  const { told, set } = bench()
  set(ipip, pool('p', '10.65.0.0/16', { ipipMode: 'CrossSubnet' }))
  t.same(told, ['retain p Always Never'])
})

t.test('a pool that comes, goes or changes in another way, and all else, is no transition', async (t) => {
  const { clock, told, ...given } = bench()
  given.set(never, pool('p', '10.65.0.0/16', { natOutgoing: true, disabled: true }))
  given.set(node('b', '10.0.0.2/24'), node('b', '10.0.0.3/24'), block('10.65.0.0/26', 'b'))
  given.delete(never)
  given.set(ipip)
  clock.advance(60_000)
  t.same(told, [])
})

t.test('once stopped the plan is told nothing more', async (t) => {
  const { clock, told, transitions, set } = bench()
  set(ipip, vxlan)
  transitions.stop()
  clock.advance(60_000)
  t.same(told, ['retain p Always Never'])
})
