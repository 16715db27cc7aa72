// One block: the queue of free addresses, the records of their holders, the numbers.

import t from 'tap'
import { address } from '../../src/inet/address.ts'
import { prefix } from '../../src/inet/prefix.ts'
import {
  type BlockSpec,
  bumped,
  disowned,
  isEmpty,
  newBlock,
  ordinalIn,
  ordinalsOf,
  recordOf,
  rehold,
  release,
  rested,
  take,
} from '../../src/ipam/block.ts'
import { NOW } from '../kit/ipam.ts'

const fresh = newBlock(prefix('10.66.12.64/30'), 'host:node-a', NOW)
const mine = {
  handle_id: 'ipip-tunnel-addr-node-a',
  secondary: { node: 'node-a', type: 'ipipTunnelAddress' },
}
const pods = { handle_id: 'k8s-pod-network.1e7a55', secondary: { node: 'node-a', pod: 'web-0' } }
const none = () => false
const at = (seconds: number, cooldown = 0) => ({
  now: NOW + BigInt(seconds) * 1_000_000_000n,
  seconds: cooldown,
})

function taken(block: BlockSpec, holder: object, isReserved: (address: string) => boolean = none): BlockSpec {
  return bumped(take(block, holder, isReserved)!.block)
}

t.test('a new block is all free, in order, and its number is the time', async (t) => {
  t.strictSame(fresh, {
    cidr: '10.66.12.64/30',
    affinity: 'host:node-a',
    affinityClaimTime: '2026-03-04T05:06:07Z',
    allocations: [null, null, null, null],
    unallocated: [0, 1, 2, 3],
    attributes: [],
    sequenceNumber: NOW,
    sequenceNumberForAllocation: {},
    deleted: false,
  })
  t.ok(isEmpty(fresh))
  t.equal(newBlock(prefix('fd66::12:0/122'), 'host:n', NOW).unallocated.length, 64)
})

t.test('an address is taken from the head, with its record and the number of the block before', async (t) => {
  const block = taken(taken(taken(fresh, mine), pods), { ...mine })
  t.strictSame(block.allocations, [0, 1, 0, null])
  t.strictSame(block.unallocated, [3])
  t.strictSame(block.attributes, [mine, pods])
  t.equal(block.sequenceNumber, NOW + 3n)
  t.strictSame(block.sequenceNumberForAllocation, { 0: NOW, 1: NOW + 1n, 2: NOW + 2n })
  t.strictSame(ordinalsOf(block, mine.handle_id), [0, 2])
  t.strictSame(recordOf(block, address('10.66.12.65')), pods)
  t.equal(recordOf(block, address('10.66.12.67')), undefined)
  t.equal(take(taken(block, pods), mine, none), undefined, 'a full block has none')
})

t.test('reserved addresses keep their place in the queue', async (t) => {
  const block = taken(fresh, mine, (address) => address === '10.66.12.64')
  t.strictSame(
    [block.allocations, block.unallocated],
    [
      [null, 0, null, null],
      [0, 2, 3],
    ],
  )
})

t.test('a released address goes to the tail, and its record with the last that refers to it', async (t) => {
  const block = taken(taken(taken(fresh, mine), pods), mine)
  const one = release(block, [0], at(1))
  t.strictSame(
    [one.allocations, one.unallocated],
    [
      [null, 1, 0, null],
      [3, 0],
    ],
  )
  t.strictSame(one.attributes, [mine, pods])
  t.strictSame(one.sequenceNumberForAllocation, { 1: NOW + 1n, 2: NOW + 2n })
  const both = release(block, [0, 2], at(1))
  t.strictSame([both.allocations, both.attributes], [[null, 0, null, null], [pods]])
  t.equal(release(block, [], at(1)), block)
})

t.test('where addresses have to rest, they are nobody’s and not free', async (t) => {
  const block = bumped(release(taken(fresh, mine), [0], at(5, 30)))
  t.strictSame(block.attributes, [{ releasedAt: '2026-03-04T05:06:12Z' }])
  t.strictSame(block.unallocated, [1, 2, 3])
  t.strictSame(block.sequenceNumberForAllocation, { 0: NOW + 1n })
  t.notOk(isEmpty(block))
  t.strictSame(rested(block, at(34, 30)), block)
  const free = rested(block, at(35, 30))
  t.strictSame([free.unallocated, free.attributes, free.sequenceNumberForAllocation], [[1, 2, 3, 0], [], {}])
  t.ok(isEmpty(free))
})

t.test('a record of release that cannot be read is kept', async (t) => {
  const block = { ...taken(fresh, mine), attributes: [{ releasedAt: 'soon' }] }
  t.strictSame(rested(block, at(1000)), block)
})

t.test('an address gets another holder where it is', async (t) => {
  const old = taken(fresh, {})
  const block = rehold(old, address('10.66.12.64'), mine)
  t.strictSame([block.allocations, block.attributes], [[0, null, null, null], [mine]])
  t.strictSame(block.sequenceNumberForAllocation, { 0: NOW + 1n })
})

t.test('absent and null are one holder; unknown fields of a record stay, and make it another', async (t) => {
  const there = { ...mine, alternateOwnerAttrs: { node: 'node-b' } }
  const block = {
    ...fresh,
    attributes: [{ handle_id: null, secondary: null }, there],
    allocations: [0, 1, null, null],
  }
  t.strictSame(taken({ ...block, unallocated: [2, 3] }, {}).allocations, [0, 1, 0, null])
  t.strictSame(taken({ ...block, unallocated: [2, 3] }, mine).attributes.slice(1), [there, mine])
})

t.test('a block without owner has no claim time either', async (t) => {
  const { affinityClaimTime: _, ...rest } = fresh
  t.strictSame(disowned(fresh), { ...rest, affinity: null })
})

t.test('a block of a Windows node is empty when only its reserved addresses are left', async (t) => {
  const reserved = { handle_id: 'windows-reserved-ipam-handle', secondary: { note: 'windows host rsvd' } }
  t.ok(isEmpty({ ...fresh, attributes: [reserved], allocations: [0, 0, 0, 0], unallocated: [] }))
})

t.test('what an old Windows bug left behind a handle is no part of it', async (t) => {
  t.strictSame(ordinalsOf(taken(fresh, { handle_id: 'pod.1\r\neth0' }), 'pod.1'), [0])
})

t.test('an index without a record is nobody’s damage to mend', async (t) => {
  const block = { ...taken(fresh, mine), allocations: [0, 7, null, null], unallocated: [2, 3] }
  t.strictSame(release(block, [0], at(1)).allocations, [null, 7, null, null])
  t.strictSame(recordOf(block, address('10.66.12.65')), {})
})

t.test('an address outside has no ordinal', async (t) => {
  t.equal(ordinalIn(prefix('fd66::12:0/122'), address('fd66::12:3f')), 63)
  t.throws(() => ordinalIn(fresh.cidr, address('10.66.12.68')), {
    message: '10.66.12.68 is not in 10.66.12.64/30',
  })
})
