import t from 'tap'
import { encode } from '../../../src/bgp/wire/codec.ts'
import { EXTERNAL, INTERNAL, vector } from '../../kit/vector.ts'

// By hand from RFC 4271 §4.5.
vector(
  t,
  'NOTIFICATION that the AS is wrong',
  `
  ffffffffffffffffffffffffffffffff  # marker
  0019 03                           # length 25, NOTIFICATION
  02 02                             # OPEN message error, bad peer AS
  0000fde9                          # 65001
  `,
  { kind: 'notification', code: 2, subcode: 2, data: Uint8Array.of(0, 0, 0xfd, 0xe9) },
)

vector(
  t,
  'NOTIFICATION without data',
  `
  ffffffffffffffffffffffffffffffff  # marker
  0015 03                           # length 21, NOTIFICATION
  04 00                             # hold timer expired
  `,
  { kind: 'notification', code: 4, subcode: 0, data: new Uint8Array() },
)

t.test('a NOTIFICATION that quotes too much leaves out the end of it', async (t) => {
  const notification = { kind: 'notification', code: 7, subcode: 1, data: new Uint8Array(65535) } as const
  t.equal(encode(notification, INTERNAL).length, 4096)
  t.equal(encode(notification, { ...EXTERNAL, extendedMessages: true }).length, 65535)
})
