import t from 'tap'
import { readCapabilities } from '../../../../src/bgp/wire/capabilities/read.ts'
import { writeCapabilities } from '../../../../src/bgp/wire/capabilities/write.ts'
import { Malformed } from '../../../../src/bgp/wire/errors.ts'
import type { Capability } from '../../../../src/bgp/wire/message.ts'
import { Reader } from '../../../../src/bgp/wire/reader.ts'
import { hex, octets } from '../../../kit/vector.ts'

const unknown = (number: number, value: string): Capability => ({
  code: 'unknown',
  number,
  value: octets(value),
})

/** By hand from the RFC that each file of capabilities/ names. Written as they are read. */
const GOOD: readonly [what: string, octets: string, capability: Capability][] = [
  ['IPv4 unicast', '01 04 0001 00 01', { code: 'multiprotocol', family: 'ipv4' }],
  ['IPv6 unicast', '01 04 0002 00 01', { code: 'multiprotocol', family: 'ipv6' }],
  ['VPNv4', '01 04 0001 00 80', unknown(1, '00010080')],
  ['route refresh', '02 00', { code: 'route-refresh' }],
  [
    'IPv4 over IPv6 next hops',
    '05 06 0001 0001 0002',
    { code: 'extended-next-hop', tuples: [{ family: 'ipv4', nextHop: 'ipv6' }] },
  ],
  ['extended messages', '06 00', { code: 'extended-message' }],
  ['role of a customer', '09 01 03', { code: 'role', role: 3 }],
  [
    'graceful restart with all there is',
    '40 0a cfff 0001 01 80 0002 01 00',
    {
      code: 'graceful-restart',
      restarting: true,
      notification: true,
      restartTime: 4095,
      families: [
        { family: 'ipv4', forwarding: true },
        { family: 'ipv6', forwarding: false },
      ],
    },
  ],
  [
    'graceful restart of a helper',
    '40 02 0000',
    { code: 'graceful-restart', restarting: false, notification: false, restartTime: 0, families: [] },
  ],
  ['four-octet AS', '41 04 fa56ea00', { code: 'as4', asn: 4200000000 }],
  [
    'ADD-PATH in each mode',
    '45 08 0001 01 01 0002 01 02',
    {
      code: 'add-path',
      families: [
        { family: 'ipv4', mode: 'receive' },
        { family: 'ipv6', mode: 'send' },
      ],
    },
  ],
  ['ADD-PATH in a mode that does not exist', '45 08 0001 01 03 0002 01 04', unknown(69, '0001010300020104')],
  ['enhanced route refresh', '46 00', { code: 'enhanced-route-refresh' }],
  [
    'long-lived graceful restart',
    '47 07 0002 01 80 015180',
    {
      code: 'long-lived-graceful-restart',
      families: [{ family: 'ipv6', forwarding: true, staleTime: 86400 }],
    },
  ],
  ['host name', '49 09 02 6e31 05 6c6f63616c', { code: 'fqdn', host: 'n1', domain: 'local' }],
  ['host name cut off', '49 02 02 6e', unknown(73, '026e')],
  ['host name, and more', '49 03 00 00 00', unknown(73, '000000')],
  ['software version', '4b 05 04 46525230', { code: 'software-version', version: 'FRR0' }],
  ['software version empty', '4b 00', unknown(75, '')],
  ['one that nobody knows', 'c8 03 010203', unknown(200, '010203')],
]

for (const [what, text, capability] of GOOD)
  t.test(`${what} is read and written`, async (t) => {
    t.strictSame(readCapabilities(new Reader(octets(text))), [capability])
    t.equal(hex(writeCapabilities([capability])), hex(octets(text)))
  })

t.test('families that are not ours are left out of lists', async (t) => {
  const read = (text: string) => readCapabilities(new Reader(octets(text)))
  t.match(read('40 0a 0078 0001 80 80 0001 01 80'), [{ families: [{ family: 'ipv4' }] }])
  t.match(read('45 08 0001 80 03 0002 01 03'), [{ families: [{ family: 'ipv6' }] }])
  t.match(read('47 0e 0001 80 80 000001 0001 01 80 000001'), [{ families: [{ family: 'ipv4' }] }])
  t.match(read('05 0c 0001 0080 0002 0001 0001 0002'), [{ tuples: [{ family: 'ipv4', nextHop: 'ipv6' }] }])
})

t.test('text that is not UTF-8 is shown as far as it can be', async (t) => {
  t.match(readCapabilities(new Reader(octets('4b 03 02 76ff'))), [{ version: 'v\ufffd' }])
})

// As BIRD does. Some would be without meaning, others would mean that we misread every UPDATE.
const REFUSED: readonly (readonly [what: string, octets: string])[] = [
  ['multiprotocol of 3 octets', '01 03 0001 00'],
  ['multiprotocol of 5 octets', '01 05 0001 00 01 00'],
  ['route refresh with a value', '02 01 00'],
  ['extended next hop of 5 octets', '05 05 0001 0001 00'],
  ['extended messages with a value', '06 01 00'],
  ['role without a value', '09 00'],
  ['graceful restart of 1 octet', '40 01 00'],
  ['graceful restart with half a family', '40 04 0078 0001'],
  ['four-octet AS of 2 octets', '41 02 fde9'],
  ['ADD-PATH of 3 octets', '45 03 0001 01'],
  ['enhanced route refresh with a value', '46 01 00'],
  ['long-lived graceful restart of 6 octets', '47 06 0001 01 80 0000'],
  ['a capability longer than its parameter', '41 04 0000'],
  ['a capability without length', '41'],
]

for (const [what, text] of REFUSED)
  t.test(`${what} is refused`, async (t) => {
    t.throws(() => readCapabilities(new Reader(octets(text))), Malformed)
  })

t.test('what does not fit is not written', async (t) => {
  const families: [] = []
  const restart = { code: 'graceful-restart', restarting: false, notification: false, families } as const
  t.throws(() => writeCapabilities([{ ...restart, restartTime: 4096 }]), RangeError)
  t.throws(() => writeCapabilities([{ code: 'software-version', version: 'x'.repeat(256) }]), RangeError)
  t.throws(
    () => writeCapabilities([{ code: 'unknown', number: 200, value: new Uint8Array(256) }]),
    RangeError,
  )
})
