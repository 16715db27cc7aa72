import t from 'tap'
import { packAnnouncements, packWithdrawals, type SessionCodec } from '../../../src/bgp/wire/codec.ts'
import type { Nlri, PathAttributes, Update } from '../../../src/bgp/wire/message.ts'
import { nlriSize } from '../../../src/bgp/wire/nlri.ts'
import { type Address, address, type Family } from '../../../src/inet/address.ts'
import { prefix } from '../../../src/inet/prefix.ts'
import { hex, INTERNAL, messageOrBgpError, octets, withAddPath } from '../../kit/vector.ts'

const NEXT_HOPS: Readonly<Record<Family, Address>> = {
  ipv4: address('10.0.0.1'),
  ipv6: address('fd00::1'),
}

const PATH: PathAttributes = { origin: 'igp', asPath: [], localPref: 100 }

function attributes(nextHop: Address, over: PathAttributes = {}): PathAttributes {
  return { ...PATH, nextHop, ...over }
}

function nlri(family: Family, count: number): Nlri[] {
  const text = (i: number) =>
    family === 'ipv4'
      ? `10.${i >> 8}.${i & 255}.0/${24 + (i % 9)}`
      : `fd00:${i.toString(16)}::/${64 + (i % 65)}`
  return Array.from({ length: count }, (_, i) => ({ prefix: prefix(text(i)), pathId: i % 3 }))
}

function updates(messages: readonly Uint8Array[], session: SessionCodec): Update[] {
  return messages.map((bytes) => {
    const update = messageOrBgpError(bytes, session)
    if (update instanceof Error || update.kind !== 'update') throw update
    return update
  })
}

function shown(nlri: readonly Nlri[]): string {
  return nlri.map(({ prefix, pathId }) => `${prefix} ${pathId}`).join('\n')
}

const EXTENDED = { ...INTERNAL, extendedMessages: true }
const SESSIONS: readonly [what: string, limit: number, session: SessionCodec][] = [
  ['plain', 4096, INTERNAL],
  ['extended', 65535, EXTENDED],
  ['ADD-PATH', 4096, withAddPath(INTERNAL)],
  ['ADD-PATH and extended', 65535, withAddPath(EXTENDED)],
]

for (const [what, limit, session] of SESSIONS)
  for (const family of ['ipv4', 'ipv6'] as const) {
    const addPath = session.addPathSend[family]
    const wanted = nlri(family, 15000)
    const expected = wanted.map(({ prefix, pathId }) => ({ prefix, pathId: addPath ? pathId : 0 }))

    const isFull = (messages: readonly Uint8Array[], i: number, next: Nlri | undefined) =>
      !next || messages[i]!.length + nlriSize(next, addPath) > limit

    t.test(`${family} announcements of a ${what} session are all there, in full messages`, async (t) => {
      const messages = packAnnouncements(family, attributes(NEXT_HOPS[family]), wanted, session)
      const read = updates(messages, session)
      const carried = read.map((one) => (family === 'ipv4' ? one.nlri : one.attributes.mpReach!.nlri))
      t.equal(shown(carried.flat()), shown(expected))
      t.ok(messages.every(({ length }) => length <= limit))
      t.ok(messages.every((_, i) => isFull(messages, i, carried[i + 1]?.[0])))
      const { mpReach: _, ...path } = read[0]!.attributes
      t.strictSame(path, family === 'ipv4' ? { ...PATH, nextHop: NEXT_HOPS.ipv4 } : PATH)
    })

    t.test(`${family} withdrawals of a ${what} session are all there, in full messages`, async (t) => {
      const messages = packWithdrawals(family, wanted, session)
      const read = updates(messages, session)
      const carried = read.map((one) =>
        family === 'ipv4' ? one.withdrawn : one.attributes.mpUnreach!.withdrawn,
      )
      t.equal(shown(carried.flat()), shown(expected))
      t.ok(messages.every(({ length }) => length <= limit))
      t.ok(messages.every((_, i) => isFull(messages, i, carried[i + 1]?.[0])))
    })
  }

t.test('IPv6 is announced with MP_REACH_NLRI after all other attributes, as BIRD does', async (t) => {
  const unknown = [{ code: 99, flags: 0xe0, value: octets('01') }]
  const [message] = packAnnouncements(
    'ipv6',
    attributes(NEXT_HOPS.ipv6, { unknown }),
    nlri('ipv6', 1),
    INTERNAL,
  )
  t.equal(
    hex(message!.subarray(19)),
    hex(
      octets(`
      0000                              # nothing withdrawn
      0033                              # 51 octets of attributes
         40 01 01 00                    # ORIGIN IGP
         40 02 00                       # AS_PATH empty
         40 05 04 00000064              # LOCAL_PREF 100
         e0 63 01 01                    # attribute 99
         80 0e 1e 0002 01               # MP_REACH_NLRI of 30 octets: IPv6 unicast
            10 fd000000000000000000000000000001   # next hop fd00::1
            00                          # reserved
            40 fd00000000000000         # fd00::/64
      `),
    ),
  )
})

t.test('IPv4 with an IPv6 next hop goes into MP_REACH_NLRI', async (t) => {
  const messages = packAnnouncements('ipv4', attributes(NEXT_HOPS.ipv6), nlri('ipv4', 2000), INTERNAL)
  const read = updates(messages, INTERNAL)
  t.equal(read[0]!.attributes.nextHop, undefined)
  t.equal(read[0]!.attributes.mpReach!.nextHop, 'fd00::1')
  t.equal(read.flatMap(({ attributes }) => attributes.mpReach!.nlri).length, 2000)
})

t.test('nothing to say takes no message', async (t) => {
  t.strictSame(packAnnouncements('ipv4', attributes(NEXT_HOPS.ipv4), [], INTERNAL), [])
  t.strictSame(packWithdrawals('ipv6', [], INTERNAL), [])
})

t.test('empty lists are not sent, and neither are duplicates of large communities', async (t) => {
  const over = { communities: [], clusterList: [], largeCommunities: ['1:2:3', '1:2:3'] }
  const [update] = updates(
    packAnnouncements('ipv4', attributes(NEXT_HOPS.ipv4, over), nlri('ipv4', 1), INTERNAL),
    INTERNAL,
  )
  const expected = { ...attributes(NEXT_HOPS.ipv4), largeCommunities: ['1:2:3'] }
  t.same(update!.attributes, expected)
  t.strictSame(update!.faults, [])
})

t.test(
  'routes whose attributes fill a message are withdrawn: what a peer cannot be told, it must not keep',
  async (t) => {
    const wanted = nlri('ipv4', 3)
    const communities = (count: number) =>
      packAnnouncements(
        'ipv4',
        attributes(NEXT_HOPS.ipv4, { communities: new Array(count).fill(1) }),
        wanted,
        INTERNAL,
      )
    t.equal(updates(communities(1010), INTERNAL).flatMap(({ nlri }) => nlri).length, 3)
    t.equal(updates(communities(1011), INTERNAL).flatMap(({ withdrawn }) => withdrawn).length, 3)
    t.strictSame(communities(1011), packWithdrawals('ipv4', wanted, INTERNAL))
  },
)
