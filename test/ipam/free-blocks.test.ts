// Which blocks of a pool are free, and in which order they are looked at.

import fc from 'fast-check'
import t from 'tap'
import { prefix } from '../../src/inet/prefix.ts'
import { freeBlocks } from '../../src/ipam/free-blocks.ts'
import { pool, resourceOf } from '../kit/ipam.ts'

function free(
  cidr: string,
  blockSize: number,
  existing: string[] = [],
  reserved: string[] = [],
  random = 0,
): string[] {
  const parsed = resourceOf<'IPPool'>(pool('a', cidr, { ipipMode: 'Never', blockSize }))
  return [...freeBlocks(parsed, existing.map(prefix), reserved.map(prefix), random).take(5)]
}

t.test('round the pool, from where the dice fell', async (t) => {
  t.same(free('10.66.0.0/24', 26, [], [], 0.5), [
    '10.66.0.128/26',
    '10.66.0.192/26',
    '10.66.0.0/26',
    '10.66.0.64/26',
  ])
  t.same(free('10.66.0.0/26', 26, [], [], 0.99), ['10.66.0.0/26'])
})

t.test('no block that exists, nor one that overlaps a block of another size', async (t) => {
  t.same(free('10.66.0.0/24', 26, ['10.66.0.0/26', '10.66.0.80/28', 'fd66::/122']), [
    '10.66.0.128/26',
    '10.66.0.192/26',
  ])
  t.same(free('10.66.0.0/24', 26, ['10.66.0.128/25']), ['10.66.0.0/26', '10.66.0.64/26'])
  t.same(free('10.66.0.0/24', 26, ['10.66.0.0/20']), [])
})

t.test('no block that is reserved as a whole', async (t) => {
  t.same(free('10.66.0.0/24', 26, [], ['10.66.0.64/26', '10.66.0.1/32']), [
    '10.66.0.0/26',
    '10.66.0.128/26',
    '10.66.0.192/26',
  ])
  t.same(free('10.66.0.0/24', 26, [], ['10.0.0.0/8']), [])
})

t.test('a reservation of half an IPv6 pool is not walked through', async (t) => {
  t.same(
    free('fd66::/48', 122, [], ['fd66::/49'])[0],
    'fd66::8000:0:0:0/122'.replace('fd66::8000:0:0:0', 'fd66:0:0:8000::'),
  )
  t.same(free('fd66::/48', 122, [], ['fd66::/48']), [])
  t.same(free('fd66::/48', 122, [], ['fd66:0:0:8000::/49'], 0.75)[0], 'fd66::/122')
})

t.test('every free block comes once, wherever the search begins', async (t) => {
  const blocks = ['10.66.0.0/28', '10.66.0.16/28', '10.66.0.32/28', '10.66.0.48/28']
  const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
  fc.assert(
    fc.property(fc.subarray(blocks), fc.subarray(blocks), random, (existing, reserved, random) => {
      const expected = blocks.filter((block) => !existing.includes(block) && !reserved.includes(block))
      t.same(free('10.66.0.0/26', 28, existing, reserved, random).sort(), expected.sort())
    }),
    { seed: 20260304 },
  )
})
