import fc from 'fast-check'
import t from 'tap'
import { address, addressBytes, familyBits, familyOf } from '../../src/inet/address.ts'
import {
  contains,
  hostPrefix,
  isHost,
  nthAddress,
  parseCidr,
  parsePrefix,
  prefix,
  prefixAddress,
  prefixLength,
  prefixOf,
} from '../../src/inet/prefix.ts'
import { anyAddress, closeAddress, closePrefix } from '../kit/inet.ts'

t.test('a prefix loses its host bits, a CIDR keeps them apart', async (t) => {
  t.equal(parsePrefix('10.66.141.1/24'), '10.66.141.0/24')
  t.equal(parsePrefix('2001:DB8::FFFF/64'), '2001:db8::/64')
  t.equal(parsePrefix('255.255.255.255/0'), '0.0.0.0/0')
  t.same(parseCidr('10.0.0.5/24'), { address: '10.0.0.5', prefix: '10.0.0.0/24' })
  t.same(parseCidr('10.0.0.5'), { address: '10.0.0.5', prefix: '10.0.0.5/32' })
  t.same(parseCidr('fd00::5'), { address: 'fd00::5', prefix: 'fd00::5/128' })
})

t.test('what is not a prefix is undefined, and a TypeError where it had to be good', async (t) => {
  const bad = [
    '',
    '/',
    '10.0.0.0',
    '10.0.0.0/',
    '10.0.0.0/33',
    '10.0.0.0/024',
    '10.0.0.0/-1',
    '10.0.0.0/8/8',
    '::/129',
    '/24',
  ]
  for (const text of bad) t.equal(parsePrefix(text), undefined, JSON.stringify(text))
  t.throws(() => prefix('10.0.0.0/33'), new TypeError('"10.0.0.0/33" is not an IP prefix'))
})

t.test('a prefix taken apart and put together is the same prefix', async () => {
  fc.assert(
    fc.property(
      closePrefix,
      (p) => prefixOf(prefixAddress(p), prefixLength(p)) === p && parsePrefix(p) === p,
    ),
  )
})

t.test('containing means that the leading bits agree', async () => {
  const bits = (a: string): string =>
    Array.from(addressBytes(address(a)), (b) => b.toString(2).padStart(8, '0')).join('')
  fc.assert(
    fc.property(closePrefix, fc.oneof(closePrefix, closeAddress), (outer, inner) => {
      const length = prefixLength(outer)
      const innerLength = Number(inner.split('/')[1] ?? familyBits(familyOf(inner)))
      const agree =
        bits(outer.split('/')[0]!).slice(0, length) === bits(inner.split('/')[0]!).slice(0, length)
      return (
        contains(outer, inner) === (familyOf(outer) === familyOf(inner) && length <= innerLength && agree)
      )
    }),
    { numRuns: 1000 },
  )
})

t.test('a host prefix holds its address alone', async () => {
  fc.assert(fc.property(anyAddress, (a) => isHost(hostPrefix(a)) && contains(hostPrefix(a), a)))
})

t.test('addresses are counted from the first, and not beyond the last', async (t) => {
  t.equal(nthAddress(prefix('10.0.0.0/26'), 63), '10.0.0.63')
  t.equal(nthAddress(prefix('10.0.0.0/8'), 0x1_0000), '10.1.0.0')
  t.equal(nthAddress(prefix('fd00::ff00/120'), 255), 'fd00::ffff')
  t.throws(() => nthAddress(prefix('10.0.0.0/26'), 64), RangeError)
  t.throws(() => nthAddress(prefix('255.255.255.255/32'), 1), RangeError)
  t.throws(() => nthAddress(prefix('10.0.0.0/26'), -1), RangeError)
})
