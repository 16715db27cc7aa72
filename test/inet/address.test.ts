import { isIP } from 'node:net'
import fc from 'fast-check'
import t from 'tap'
import {
  address,
  addressBytes,
  addressFromBytes,
  familyBits,
  familyOf,
  parseAddress,
} from '../../src/inet/address.ts'
import { anyAddress } from '../kit/inet.ts'

// RFC 5952 §1 to §5, each under its section.
const CANONICAL: Record<string, readonly string[]> = {
  '2001:db8::1': ['2001:db8:0:0:0:0:0:1', '2001:0db8::0001', '2001:DB8::1', '2001:db8::0:1', '2001:0db8::1'], // §1, §4.1, §4.3
  '2001:db8::2:1': ['2001:db8:0:0:0:0:2:1', '2001:db8::0:2:1'], // §4.2.1
  '2001:db8:0:1:1:1:1:1': ['2001:db8::1:1:1:1:1'], // §4.2.2: not for one group
  '2001:0:0:1::1': ['2001:0:0:1:0:0:0:1', '2001::1:0:0:0:1'], // §4.2.3: the longest run
  '2001:db8::1:0:0:1': ['2001:db8:0:0:1:0:0:1', '2001:db8:0:0:1::1'], // §4.2.3: the first of equals
  '2001:db8::aaaa': ['2001:db8::AAAA', '2001:db8::AaAa'], // §4.3
  '::ffff:c000:201': ['::ffff:192.0.2.1', '0:0:0:0:0:ffff:192.0.2.1'], // §5: hex here, so that one spelling serves the kernel too
  '::': ['0:0:0:0:0:0:0:0', '0::0', '::0.0.0.0'],
  '::1': ['0:0:0:0:0:0:0:1'],
  'fe80::': ['fe80:0:0:0:0:0:0:0'],
  '192.0.2.1': ['192.0.2.1'],
  '0.0.0.0': ['0.0.0.0'],
  '255.255.255.255': ['255.255.255.255'],
}

t.test('every spelling of an address becomes the one of RFC 5952', async (t) => {
  for (const [canonical, spellings] of Object.entries(CANONICAL)) {
    for (const text of [canonical, ...spellings]) t.equal(parseAddress(text), canonical, text)
  }
})

const BAD = [
  ...[
    '',
    ' ',
    '1',
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.256',
    '1.2.3.04',
    '1.2..4',
    '.1.2.3',
    '1.2.3.',
    '1.2.3.-4',
    '1.2.3.4 ',
    '0x1.2.3.4',
  ],
  ...[
    ':',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7:8::',
    '::1:2:3:4:5:6:7:8',
    ':1::2',
    '1::2:',
  ],
  ...[
    '12345::',
    'g::',
    'fe80::1%eth0',
    '::1/128',
    '::1.2.3',
    '1.2.3.4::',
    '::1.2.3.4:5',
    '[::1]',
    '1:2:3:4:5:6:7:1.2.3.4',
  ],
]

t.test('what is not an address is undefined, and a TypeError where it had to be good', async (t) => {
  for (const text of BAD) t.equal(parseAddress(text), undefined, JSON.stringify(text))
  t.throws(() => address('1.2.3.256'), new TypeError('"1.2.3.256" is not an IP address'))
})

t.test('text and bytes say the same, both ways', async () => {
  fc.assert(fc.property(anyAddress, (a) => addressFromBytes(addressBytes(a)) === a && parseAddress(a) === a))
})

t.test('arbitrary text is read exactly when the platform reads it too', async () => {
  const piece = fc.constantFrom('0', '1', '00', 'ff', '255', '256', '.', ':', '::', 'fe80', '12345')
  const text = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''))
  fc.assert(
    fc.property(text, (text) => (parseAddress(text) !== undefined) === isIP(text) > 0),
    { numRuns: 2000 },
  )
})

t.test('families have names and sizes', async (t) => {
  t.same([familyOf('192.0.2.1'), familyOf('::1')], ['ipv4', 'ipv6'])
  t.same([familyBits('ipv4'), familyBits('ipv6')], [32, 128])
  t.throws(() => addressFromBytes(new Uint8Array(5)), RangeError)
})
