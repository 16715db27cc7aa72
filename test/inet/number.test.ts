import fc from 'fast-check'
import t from 'tap'
import { address } from '../../src/inet/address.ts'
import { addressOfNumber, numberOf } from '../../src/inet/number.ts'

t.test('addresses and numbers are one to one', async (t) => {
  t.equal(numberOf(address('10.66.0.1')), 0x0a420001n)
  t.equal(numberOf(address('fd66::1')), (0xfd66n << 112n) + 1n)
  const ipv6 = fc.bigInt({ min: 0n, max: 2n ** 128n - 1n })
  fc.assert(fc.property(ipv6, (n) => numberOf(addressOfNumber(n, 'ipv6')) === n))
  fc.assert(
    fc.property(
      fc.bigInt({ min: 0n, max: 2n ** 32n - 1n }),
      (n) => numberOf(addressOfNumber(n, 'ipv4')) === n,
    ),
  )
})

t.test('a number that is too large, or below zero, is no address', async (t) => {
  t.throws(() => addressOfNumber(2n ** 32n, 'ipv4'), RangeError)
  t.throws(() => addressOfNumber(-1n, 'ipv6'), RangeError)
})
