import t from 'tap'
import { encode } from '../../../src/bgp/wire/codec.ts'
import { hex, INTERNAL, message, messageOrBgpError, notificationOf, vector } from '../../kit/vector.ts'

// By hand from RFC 2918 §3.
vector(
  t,
  'ROUTE-REFRESH of IPv4',
  `
  ffffffffffffffffffffffffffffffff  # marker
  0017 05                           # length 23, ROUTE-REFRESH
  0001 00 01                        # IPv4, normal request, unicast
  `,
  { kind: 'route-refresh', family: 'ipv4', subtype: 0 },
)

// By hand from RFC 7313 §3.2.
vector(
  t,
  'ROUTE-REFRESH that begins an answer',
  `
  ffffffffffffffffffffffffffffffff  # marker
  0017 05                           # length 23, ROUTE-REFRESH
  0002 01 01                        # IPv6, begin, unicast
  `,
  { kind: 'route-refresh', family: 'ipv6', subtype: 1 },
)

// By hand from RFC 4271 §4.4.
vector(
  t,
  'KEEPALIVE',
  `
  ffffffffffffffffffffffffffffffff  # marker
  0013 04                           # length 19, KEEPALIVE
  `,
  { kind: 'keepalive' },
)

t.test('a ROUTE-REFRESH of a family that is not ours is read, but never written', async (t) => {
  const read = messageOrBgpError(message(5, '0001 00 80'), INTERNAL)
  t.strictSame(read, { kind: 'route-refresh', family: 'other', subtype: 0 })
  t.throws(() => encode({ kind: 'route-refresh', family: 'other', subtype: 0 }, INTERNAL), RangeError)
})

// RFC 7313 §5.
for (const body of ['', '0001 00', '0001 01 01 00']) {
  t.test(`a ROUTE-REFRESH of ${body.replaceAll(' ', '').length / 2} octets is sent back`, async (t) => {
    const bytes = message(5, body)
    t.strictSame(notificationOf(messageOrBgpError(bytes, INTERNAL)), [7, 1, hex(bytes)])
  })
}
