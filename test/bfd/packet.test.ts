// BFD control packets octet by octet, and every reason to discard one. RFC 5880 §4.1, §6.8.6.

import { deepStrictEqual } from 'node:assert'
import fc from 'fast-check'
import t from 'tap'
import { type ControlPacket, decodePacket, encodePacket, STATES } from '../../src/bfd/packet.ts'
import { fuzz } from '../kit/fuzz.ts'
import { octets } from '../kit/vector.ts'

/** The packet means this, and this is written as the packet. */
function vector(name: string, annotated: string, expected: ControlPacket): void {
  t.test(name, async (t) => {
    t.strictSame(decodePacket(octets(annotated)), expected, 'is read')
    t.equal(hex(encodePacket(expected)), hex(octets(annotated)), 'is written')
  })
}

// By hand from RFC 5880 §4.1.
vector(
  'the first packet of a session: nobody is known yet',
  `
  20        # version 1, no diagnostic
  40        # Down, no flag
  03        # three packets may go missing
  18        # 24 octets
  00000007  # my discriminator
  00000000  # your discriminator: unknown
  000f4240  # I would send every 1,000,000 µs
  000493e0  # and can take one every 300,000 µs
  00000000  # no echo
`,
  {
    diagnostic: 0,
    state: 'Down',
    poll: false,
    final: false,
    demand: false,
    multiplier: 3,
    myDiscriminator: 7,
    yourDiscriminator: 0,
    desiredMinTx: 1_000_000,
    requiredMinRx: 300_000,
  },
)

// By hand from RFC 5880 §4.1.
vector(
  'a session that is up asks the other end to take its intervals',
  `
  20        # version 1, no diagnostic
  e0        # Up, poll
  05        # five packets may go missing
  18        # 24 octets
  fffffffe  # my discriminator
  80000001  # your discriminator
  0000c350  # 50,000 µs
  0000c350  # 50,000 µs
  00000000  # no echo
`,
  {
    diagnostic: 0,
    state: 'Up',
    poll: true,
    final: false,
    demand: false,
    multiplier: 5,
    myDiscriminator: 0xffff_fffe,
    yourDiscriminator: 0x8000_0001,
    desiredMinTx: 50_000,
    requiredMinRx: 50_000,
  },
)

// By hand from RFC 5880 §4.1.
vector(
  'an answer to a poll, of one who wants to hear nothing',
  `
  23        # version 1, diagnostic 3: neighbor signaled session down
  92        # Init, final, demand
  ff        # 255 packets may go missing
  18        # 24 octets
  00000001  # my discriminator
  00000002  # your discriminator
  ffffffff  # 4,294,967,295 µs
  00000000  # send me nothing
  00000000  # no echo
`,
  {
    diagnostic: 3,
    state: 'Init',
    poll: false,
    final: true,
    demand: true,
    multiplier: 255,
    myDiscriminator: 1,
    yourDiscriminator: 2,
    desiredMinTx: 0xffff_ffff,
    requiredMinRx: 0,
  },
)

/** A good packet with what stands at an octet replaced. */
function withOctets(at: number, replacement: string): Uint8Array {
  const bytes = octets('20c00318 00000001 00000002 000f4240 000f4240 00000000')
  bytes.set(octets(replacement), at)
  return bytes
}

const discarded: readonly (readonly [bytes: Uint8Array, because: string])[] = [
  [withOctets(0, '00'), 'not version 1'],
  [withOctets(0, '40'), 'not version 1'],
  [withOctets(3, '17'), 'a length below 24'],
  [withOctets(3, '00'), 'a length below 24'],
  [withOctets(3, '19'), 'longer than its datagram'],
  [withOctets(2, '00'), 'detect multiplier 0'],
  [withOctets(1, 'c1'), 'multipoint'],
  [withOctets(4, '00000000'), 'my discriminator 0'],
  [withOctets(8, '00000000'), 'your discriminator 0 in a state that knows one'],
  [withOctets(1, 'c4'), 'authentication, which is not in use'],
]

for (const [bytes, because] of discarded)
  t.test(`${hex(bytes).slice(0, 8)} is discarded: ${because}`, async (t) => {
    t.same(decodePacket(bytes), { discarded: because })
  })

t.test('without your discriminator a packet is good when it is Down or AdminDown', async (t) => {
  for (const [flags, isGood] of [
    ['00', true],
    ['40', true],
    ['80', false],
    ['c0', false],
  ] as const) {
    const bytes = withOctets(8, '00000000')
    bytes.set(octets(flags), 1)
    t.equal(!('discarded' in decodePacket(bytes)), isGood, flags)
  }
})

t.test('cut at any length it is discarded', async (t) => {
  const bytes = withOctets(0, '20')
  for (let length = 0; length < bytes.length; length++)
    t.same(decodePacket(bytes.slice(0, length)), { discarded: `${length} octets, of at least 24` })
})

t.test('what follows the packet in its datagram is passed over', async (t) => {
  const grown = new Uint8Array([...withOctets(0, '20'), 1, 2, 3])
  t.same(decodePacket(grown), decodePacket(withOctets(0, '20')))
})

t.test('every packet that can be written is read as it was', async (t) => {
  const word = fc.integer({ min: 0, max: 0xffff_ffff })
  const known = fc.integer({ min: 1, max: 0xffff_ffff })
  const packets: fc.Arbitrary<ControlPacket> = fc.record(
    {
      diagnostic: fc.integer({ min: 0, max: 31 }),
      state: fc.constantFrom(...STATES),
      poll: fc.boolean(),
      final: fc.boolean(),
      demand: fc.boolean(),
      multiplier: fc.integer({ min: 1, max: 255 }),
      myDiscriminator: known,
      yourDiscriminator: known,
      desiredMinTx: word,
      requiredMinRx: word,
    },
    { noNullPrototype: true },
  )
  fuzz(
    t,
    fc.property(packets, (packet) => {
      deepStrictEqual(decodePacket(encodePacket(packet)), packet)
    }),
  )
})

t.test('any octets are a packet or are discarded', async (t) => {
  fuzz(
    t,
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      decodePacket(bytes)
    }),
  )
})

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
