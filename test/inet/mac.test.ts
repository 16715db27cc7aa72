import fc from 'fast-check'
import t from 'tap'
import { formatMac, parseMac } from '../../src/inet/mac.ts'

t.test('every spelling becomes that of iproute2', async (t) => {
  for (const text of ['66:2F:0a:00:00:01', '66-2f-0a-00-00-01', '662f.0a00.0001']) {
    t.equal(parseMac(text), '66:2f:0a:00:00:01', text)
  }
})

t.test('what is not a hardware address is undefined', async (t) => {
  const bad = [
    '',
    '66:2f:0a:00:00',
    '66:2f:0a:00:00:01:02',
    '66:2f-0a:00:00:01',
    '6:2f:0a:00:00:01',
    'g6:2f:0a:00:00:01',
    '662f0a000001',
    '66:2f:0a:00:00:01 ',
  ]
  for (const text of bad) t.equal(parseMac(text), undefined, JSON.stringify(text))
})

t.test('octets are written so that they are read back', async (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 6, maxLength: 6 }), (octets) => {
      const text = formatMac(octets)
      return (
        parseMac(text) === text &&
        text.split(':').every((octet, i) => Number.parseInt(octet, 16) === octets[i])
      )
    }),
  )
  t.throws(() => formatMac(new Uint8Array(5)), RangeError)
})
