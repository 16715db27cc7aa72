import fc from 'fast-check'
import t from 'tap'
import { parseAsn } from '../../src/inet/asn.ts'

t.test('an AS number is a number, decimal text, or dotted', async (t) => {
  const good: [number | string, number][] = [
    [64512, 64512],
    ['64512', 64512],
    ['1.10', 65546],
    ['0.64512', 64512],
    ['65535.65535', 4294967295],
    [4294967295, 4294967295],
  ]
  for (const [given, asn] of good) t.equal(parseAsn(given), asn, String(given))
})

t.test('anything else is undefined, and so is the reserved 0', async (t) => {
  const bad = [
    0,
    '0',
    '0.0',
    -1,
    1.1,
    Number.NaN,
    4294967296,
    '4294967296',
    '65536.0',
    '1.65536',
    '1.2.3',
    '1.',
    '.1',
    '',
    ' 1',
    '1e3',
    '0x10',
    'AS1',
  ]
  for (const given of bad) t.equal(parseAsn(given), undefined, JSON.stringify(given))
})

t.test('all three spellings agree', async () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 0xffff_ffff }), (asn) => {
      const dotted = `${Math.floor(asn / 65536)}.${asn % 65536}`
      return parseAsn(asn) === asn && parseAsn(String(asn)) === asn && parseAsn(dotted) === asn
    }),
  )
})
