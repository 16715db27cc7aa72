// Random messages, as the speaker may want to send them, and random octets, as anybody may send them to us.

import fc from 'fast-check'
import { BY_CODE } from '../../src/bgp/wire/attributes/index.ts'
import { BY_NUMBER } from '../../src/bgp/wire/capabilities/index.ts'
import type { SessionCodec } from '../../src/bgp/wire/codec.ts'
import type { AsSegment, Capability, Message, Nlri, PathAttributes } from '../../src/bgp/wire/message.ts'
import { type Address, addressFromBytes, type Family, familyBits } from '../../src/inet/address.ts'
import { prefixOf } from '../../src/inet/prefix.ts'
import { withTrueLength } from './vector.ts'

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
const u32 = fc.nat(0xffff_ffff)
const anyFamily = fc.constantFrom<Family[]>('ipv4', 'ipv6')
const ADDRESSES = { ipv4: bytes(4).map(addressFromBytes), ipv6: bytes(16).map(addressFromBytes) }
const anyAsn = fc.oneof(fc.integer({ min: 1, max: 70000 }), fc.integer({ min: 1, max: 0xffff_ffff }))

const anyByFamily = fc.record({ ipv4: fc.boolean(), ipv6: fc.boolean() })

/** What we send is what we receive: so that what is written can be read again. */
export const anySession: fc.Arbitrary<SessionCodec> = fc
  .record({
    peerType: fc.constantFrom('internal', 'external'),
    as4: fc.boolean(),
    extendedMessages: fc.boolean(),
    addPath: anyByFamily,
  })
  .map(({ addPath, ...session }) => ({ ...session, addPathReceive: addPath, addPathSend: addPath }))

export function anyNlri(family: Family, { addPathSend }: SessionCodec): fc.Arbitrary<Nlri[]> {
  const pathId = addPathSend[family] ? u32 : fc.constant(0)
  const prefix = fc
    .tuple(ADDRESSES[family], fc.nat(familyBits(family)))
    .map(([address, length]) => prefixOf(address, length))
  return fc.array(fc.record({ prefix, pathId }), { maxLength: 5 })
}

const anySegment: fc.Arbitrary<AsSegment> = fc.record({
  type: fc.constantFrom('sequence', 'set'),
  asns: fc.array(anyAsn, { minLength: 1, maxLength: 6 }),
})

const some = <T>(one: fc.Arbitrary<T>) => fc.array(one, { minLength: 1, maxLength: 70 })
const hex = (length: number) => bytes(length).map((octets) => Buffer.from(octets).toString('hex'))
const anyAggregator = fc.record({ asn: anyAsn, address: ADDRESSES.ipv4 })
const anyLarge = fc.tuple(u32, u32, u32).map((parts) => parts.join(':'))

const anyUnknown = fc.uniqueArray(
  fc.record({
    code: fc.integer({ min: 40, max: 255 }),
    flags: fc.constantFrom(0x80, 0xc0, 0xe0),
    value: fc.uint8Array({ maxLength: 300 }),
  }),
  { minLength: 1, maxLength: 3, selector: ({ code }) => code },
)

/** Of the path itself: without MP attributes, and only what a peer of this type may send. */
export function anyPath({ peerType }: SessionCodec): fc.Arbitrary<PathAttributes> {
  const always = {
    origin: fc.constantFrom('igp', 'egp', 'incomplete'),
    asPath: fc.array(anySegment),
  } as const
  const internal = {
    localPref: u32,
    originatorId: ADDRESSES.ipv4,
    clusterList: some<Address>(ADDRESSES.ipv4),
  }
  return fc.record(
    {
      ...always,
      med: u32,
      atomicAggregate: fc.constant(true as const),
      aggregator: anyAggregator,
      communities: some(u32),
      extendedCommunities: some(hex(8)),
      ipv6ExtendedCommunities: some(hex(20)),
      largeCommunities: fc.uniqueArray(anyLarge, { minLength: 1 }),
      onlyToCustomer: u32,
      unknown: anyUnknown,
      ...(peerType === 'internal' && internal),
    },
    { requiredKeys: ['origin', 'asPath'] },
  )
}

function anyUpdate(session: SessionCodec): fc.Arbitrary<Message> {
  const reach = anyFamily.chain((family) =>
    fc.record(
      {
        family: fc.constant(family),
        nextHop: ADDRESSES[family],
        nlri: anyNlri(family, session),
      },
      { requiredKeys: ['family', 'nextHop', 'nlri'] },
    ),
  )
  const unreach = anyFamily.chain((family) =>
    fc.record({ family: fc.constant(family), withdrawn: anyNlri(family, session) }),
  )
  const ends = fc.record(
    { nextHop: ADDRESSES.ipv4, mpReach: reach, mpUnreach: unreach },
    {
      requiredKeys: ['nextHop'],
    },
  )
  return fc.record({
    kind: fc.constant('update'),
    withdrawn: anyNlri('ipv4', session),
    attributes: fc.tuple(anyPath(session), ends).map(([path, end]) => ({ ...path, ...end })),
    nlri: anyNlri('ipv4', session),
    faults: fc.constant([]),
  })
}

const anyPresence = fc.constantFrom<Capability[]>(
  { code: 'route-refresh' },
  { code: 'extended-message' },
  { code: 'enhanced-route-refresh' },
)

const anyForwarding = { family: anyFamily, forwarding: fc.boolean() }

const anyCapability: fc.Arbitrary<Capability> = fc.oneof(
  anyPresence,
  fc.record({ code: fc.constant('multiprotocol'), family: anyFamily }),
  fc.record({
    code: fc.constant('extended-next-hop'),
    tuples: fc.array(fc.record({ family: anyFamily, nextHop: anyFamily })),
  }),
  fc.record({ code: fc.constant('role'), role: fc.nat(255) }),
  fc.record({
    code: fc.constant('graceful-restart'),
    restarting: fc.boolean(),
    notification: fc.boolean(),
    restartTime: fc.nat(4095),
    families: fc.array(fc.record(anyForwarding)),
  }),
  fc.record({
    code: fc.constant('add-path'),
    families: fc.array(fc.record({ family: anyFamily, mode: fc.constantFrom('receive', 'send', 'both') })),
  }),
  fc.record({
    code: fc.constant('long-lived-graceful-restart'),
    families: fc.array(fc.record({ ...anyForwarding, staleTime: fc.nat(0xff_ffff) })),
  }),
  fc.record({
    code: fc.constant('fqdn'),
    host: fc.string({ maxLength: 60 }),
    domain: fc.string({ maxLength: 60 }),
  }),
  fc.record({ code: fc.constant('software-version'), version: fc.string({ maxLength: 60 }) }),
  fc.record({
    code: fc.constant('unknown'),
    number: fc.integer({ min: 128, max: 255 }),
    value: fc.uint8Array({ maxLength: 60 }),
  }),
)

const anyOpen: fc.Arbitrary<Message> = fc
  .record({
    kind: fc.constant('open' as const),
    asn: anyAsn,
    holdTime: fc.nat(0xffff),
    routerId: ADDRESSES.ipv4,
    capabilities: fc.array(anyCapability),
  })
  .map((open) => ({ ...open, capabilities: [...open.capabilities, { code: 'as4', asn: open.asn }] }))

export function anyMessage(session: SessionCodec): fc.Arbitrary<Message> {
  return fc.oneof(
    anyUpdate(session),
    anyOpen,
    fc.constant<Message>({ kind: 'keepalive' }),
    fc.record({
      kind: fc.constant('notification'),
      code: fc.nat(255),
      subcode: fc.nat(255),
      data: fc.uint8Array({ maxLength: 300 }),
    }),
    fc.record({ kind: fc.constant('route-refresh'), family: anyFamily, subtype: fc.nat(255) }),
  )
}

/** Marker, and room for the length. */
const HEADER: readonly number[] = [...new Array(16).fill(0xff), 0, 0]

/** A message of any type whose body is noise. */
export const anyNoise: fc.Arbitrary<Uint8Array> = fc
  .tuple(fc.nat(6), fc.uint8Array({ maxLength: 200 }))
  .map(([type, body]) => withTrueLength(Uint8Array.of(...HEADER, type, ...body)))

/** An UPDATE with one attribute of a code that we know, and noise for a value. */
export const anyAttributeNoise: fc.Arbitrary<Uint8Array> = fc
  .tuple(
    fc.constantFrom(...BY_CODE.keys()),
    fc.constantFrom(0x40, 0x80, 0xc0),
    fc.uint8Array({ maxLength: 60 }),
  )
  .map(([code, flags, value]) =>
    withTrueLength(
      Uint8Array.of(...HEADER, 2, 0, 0, 0, value.length + 3, flags, code, value.length, ...value),
    ),
  )

/** An OPEN with one capability of a number that we know, and noise for a value. */
export const anyCapabilityNoise: fc.Arbitrary<Uint8Array> = fc
  .tuple(fc.constantFrom(...BY_NUMBER.keys()), fc.uint8Array({ maxLength: 60 }))
  .map(([number, value]) => {
    const fixed = [4, 0xfd, 0xe9, 0, 90, 192, 0, 2, 2]
    const { length } = value
    return withTrueLength(
      Uint8Array.of(...HEADER, 1, ...fixed, length + 4, 2, length + 2, number, length, ...value),
    )
  })

/** What may happen to a good message: octets changed, put in, left out. Its length is put right again. */
export const anyDamage: fc.Arbitrary<(message: Uint8Array) => Uint8Array> = fc
  .array(fc.tuple(fc.constantFrom('set', 'insert', 'remove'), fc.nat(), fc.nat(255)), {
    minLength: 1,
    maxLength: 4,
  })
  .map((changes) => (message) => {
    const body = [...message.subarray(19)]
    for (const [change, at, octet] of changes) {
      const where = at % (body.length + 1)
      body.splice(where, change === 'insert' ? 0 : 1, ...(change === 'remove' ? [] : [octet]))
    }
    return withTrueLength(Uint8Array.from([...message.subarray(0, 19), ...body]))
  })
