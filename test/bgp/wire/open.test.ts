import t from 'tap'
import { decode, encode } from '../../../src/bgp/wire/codec.ts'
import type { Capability, Open } from '../../../src/bgp/wire/message.ts'
import { address } from '../../../src/inet/address.ts'
import { hex, INTERNAL, message, messageOrBgpError, notificationOf, vector } from '../../kit/vector.ts'

// What BIRD of a calico-node sends on its IPv4 session, having just started.
vector(
  t,
  'OPEN of a calico-node',
  `
  ffffffffffffffffffffffffffffffff  # marker
  003f 01                           # length 63, OPEN
  04 fc00 00f0 0ac00002             # version, AS 64512, hold 240 s, 10.192.0.2
  22 02 20                          # 34 octets of parameters: capabilities, 32
     01 04 0001 00 01               # multiprotocol: IPv4 unicast
     02 00                          # route refresh
     40 06 8078 0001 01 80          # graceful restart: restarting, 120 s; IPv4 unicast, forwarding
     41 04 0000fc00                 # four-octet AS 64512
     45 04 0001 01 03               # ADD-PATH: IPv4 unicast, both ways
     46 00                          # enhanced route refresh
     47 00                          # long-lived graceful restart: no families
  `,
  {
    kind: 'open',
    asn: 64512,
    holdTime: 240,
    routerId: address('10.192.0.2'),
    capabilities: [
      { code: 'multiprotocol', family: 'ipv4' },
      { code: 'route-refresh' },
      {
        code: 'graceful-restart',
        restarting: true,
        notification: false,
        restartTime: 120,
        families: [{ family: 'ipv4', forwarding: true }],
      },
      { code: 'as4', asn: 64512 },
      { code: 'add-path', families: [{ family: 'ipv4', mode: 'both' }] },
      { code: 'enhanced-route-refresh' },
      { code: 'long-lived-graceful-restart', families: [] },
    ],
  },
)

// By hand from RFC 4271 §4.2 and RFC 6793 §9. The AS needs four octets, so the fixed part says AS_TRANS.
vector(
  t,
  'OPEN with a four-octet AS',
  `
  ffffffffffffffffffffffffffffffff  # marker
  002b 01                           # length 43, OPEN
  04 5ba0 005a c0000201             # version, AS_TRANS, hold 90 s, 192.0.2.1
  0e 02 0c                          # 14 octets of parameters: capabilities, 12
     01 04 0002 00 01               # multiprotocol: IPv6 unicast
     41 04 fa56ea00                 # four-octet AS 4200000000
  `,
  {
    kind: 'open',
    asn: 4200000000,
    holdTime: 90,
    routerId: address('192.0.2.1'),
    capabilities: [
      { code: 'multiprotocol', family: 'ipv6' },
      { code: 'as4', asn: 4200000000 },
    ],
  },
)

// By hand from RFC 4271 §4.2: an old speaker.
vector(
  t,
  'OPEN without capabilities',
  `
  ffffffffffffffffffffffffffffffff  # marker
  001d 01                           # length 29, OPEN
  04 fde9 0000 c0000202             # version, AS 65001, no hold time, 192.0.2.2
  00                                # no parameters
  `,
  { kind: 'open', asn: 65001, holdTime: 0, routerId: address('192.0.2.2'), capabilities: [] },
)

const FIXED = '04 fde9 005a c0000202'
const OPEN: Open = {
  kind: 'open',
  asn: 65001,
  holdTime: 90,
  routerId: address('192.0.2.2'),
  capabilities: [],
}

function opened(parameters: string): readonly Capability[] {
  const read = decode(message(1, `${FIXED} ${parameters}`), INTERNAL)
  return read.kind === 'open' ? read.capabilities : []
}

t.test('capabilities are read from as many parameters as there are', async (t) => {
  const capabilities = [{ code: 'route-refresh' }, { code: 'enhanced-route-refresh' }]
  t.strictSame(opened('08 02 02 02 00 02 02 46 00'), capabilities)
})

t.test('long parameters are read in the form of RFC 9072, whatever the short length says', async (t) => {
  const capabilities = [{ code: 'route-refresh' }]
  t.strictSame(opened('ff ff 0005 02 0002 02 00'), capabilities)
  t.strictSame(opened('01 ff 0005 02 0002 02 00'), capabilities)
})

t.test('parameters take the long form only when they do not fit into the short one', async (t) => {
  const capability = (length: number): Capability => ({
    code: 'unknown',
    number: 200,
    value: new Uint8Array(length),
  })
  const fits = { ...OPEN, capabilities: [capability(200), capability(49)] }
  const tooLong = { ...OPEN, capabilities: [capability(200), capability(50)] }
  t.equal(hex(encode(fits, INTERNAL).subarray(28, 31)), 'ff02fd')
  t.equal(hex(encode(tooLong, INTERNAL).subarray(28, 35)), 'ffff01010200fe')
  for (const open of [fits, tooLong]) t.strictSame(decode(encode(open, INTERNAL), INTERNAL), open)
})

t.test('an OPEN has 4096 octets at most, in an extended session too', async (t) => {
  const capabilities = Array.from({ length: 20 }, (): Capability => {
    return { code: 'unknown', number: 200, value: new Uint8Array(255) }
  })
  const extended = { ...INTERNAL, extendedMessages: true }
  t.throws(() => encode({ ...OPEN, capabilities }, extended), RangeError)
  const answer = messageOrBgpError(message(1, `${FIXED} 00 ${'00'.repeat(4068)}`), extended)
  t.strictSame(notificationOf(answer), [1, 2, '1001'])
})

const REFUSED: readonly [why: string, body: string, subcode: number, data: string][] = [
  ['version 3', '03 fde9 005a c0000202 00', 1, '0004'],
  ['parameters longer than the message', `${FIXED} 04 02 00`, 0, ''],
  ['parameters shorter than the message', `${FIXED} 02 02 00 00`, 0, ''],
  ['a parameter longer than all of them', `${FIXED} 02 02 04`, 0, ''],
  ['long parameters without their length', `${FIXED} ff ff 00`, 0, ''],
  ['an authentication parameter', `${FIXED} 03 01 01 00`, 4, ''],
  ['a capability longer than its parameter', `${FIXED} 04 02 02 41 04`, 0, ''],
]

for (const [why, body, subcode, data] of REFUSED) {
  t.test(`an OPEN is refused for ${why}`, async (t) => {
    const answer = messageOrBgpError(message(1, body), INTERNAL)
    t.strictSame(notificationOf(answer), [2, subcode, data])
  })
}
