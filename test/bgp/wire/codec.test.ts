import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import t from 'tap'
import { decode, encode, packAnnouncements } from '../../../src/bgp/wire/codec.ts'
import type { Message } from '../../../src/bgp/wire/message.ts'
import { address } from '../../../src/inet/address.ts'
import { prefix } from '../../../src/inet/prefix.ts'
import { fuzz } from '../../kit/fuzz.ts'
import {
  anyAttributeNoise,
  anyCapabilityNoise,
  anyDamage,
  anyMessage,
  anyNlri,
  anyNoise,
  anyPath,
  anySession,
} from '../../kit/messages.ts'
import { INTERNAL, messageOrBgpError } from '../../kit/vector.ts'

const anyCase = anySession.chain((session) => fc.tuple(fc.constant(session), anyMessage(session)))

t.test('what is written is read again as it was', async (t) => {
  fuzz(
    t,
    fc.property(anyCase, ([session, message]) =>
      isDeepStrictEqual(plain(decode(encode(message, session), session)), plain(message)),
    ),
  )
})

t.test('what is read is written so that it is read the same', async (t) => {
  fuzz(
    t,
    fc.property(anyCase, anyDamage, ([session, message], damage) => {
      const read = messageOrBgpError(damage(encode(message, session)), session)
      if (read instanceof Error || (read.kind === 'update' && read.faults.length > 0)) return true
      if (read.kind === 'route-refresh' && read.family === 'other') return true
      return isDeepStrictEqual(decode(encode(read, session), session), read)
    }),
  )
})

t.test('a damaged message is a message or a BgpError', async (t) => {
  fuzz(
    t,
    fc.property(anyCase, anyDamage, anySession, ([session, message], damage, other) => {
      const bytes = damage(encode(message, session))
      messageOrBgpError(bytes, session)
      messageOrBgpError(bytes, other)
    }),
  )
})

const NOISE = { message: anyNoise, attribute: anyAttributeNoise, capability: anyCapabilityNoise }

for (const [what, noise] of Object.entries(NOISE))
  t.test(`a ${what} full of noise leads to a message or a BgpError`, async (t) => {
    fuzz(
      t,
      fc.property(noise, anySession, (bytes, session) => {
        messageOrBgpError(bytes, session)
      }),
    )
  })

t.test('every octet of a message may be any other, and it is a message or a BgpError', async (t) => {
  const attributes = { origin: 'igp', asPath: [{ type: 'sequence', asns: [65001, 70000] }], med: 1 } as const
  const [message] = packAnnouncements(
    'ipv6',
    { ...attributes, nextHop: address('fd00::1'), communities: [1], largeCommunities: ['1:2:3'] },
    [{ prefix: prefix('fd00:10::/60'), pathId: 0 }],
    INTERNAL,
  )
  let refused = 0
  for (let at = 0; at < message!.length; at++)
    for (let octet = 0; octet < 256; octet++) {
      const bytes = message!.with(at, octet)
      if (messageOrBgpError(bytes, INTERNAL) instanceof Error) refused++
    }
  t.ok(refused > 0)
})

t.test('packing loses no attribute on the way', async (t) => {
  const anyPacked = anySession.chain((session) =>
    fc.tuple(fc.constant(session), anyPath(session), anyNlri('ipv4', session)),
  )
  const nextHop = address('10.0.0.1')
  fuzz(
    t,
    fc.property(anyPacked, ([session, path, nlri]) => {
      const wanted = {
        kind: 'update',
        withdrawn: [],
        attributes: { ...path, nextHop },
        nlri,
        faults: [],
      } as const
      const packed = packAnnouncements('ipv4', wanted.attributes, nlri, session)
      const read = packed.map((bytes) => plain(decode(bytes, session)))
      return isDeepStrictEqual(read, nlri.length === 0 ? [] : [plain(wanted)])
    }),
  )
})

/** Without what makes objects of fast-check differ from ours, but means nothing. */
function plain(message: Message): Message {
  return structuredClone(message)
}
