import t from 'tap'
import { EXTERNAL, hex, INTERNAL, messageOrBgpError } from '../../../kit/vector.ts'
import { updateOf, updateWith, type Verdict, verdict } from '../../../kit/verdict.ts'

// Each attribute, each way it can be wrong, and what it leads to: RFC 7606 §3, §4 and §7.

type Row = readonly [
  what: string,
  /** One attribute, or more, in place of the good ones of the same code. */
  attributes: string,
  internal: Verdict,
  /** When it differs. */
  external?: Verdict,
]

const ROWS: readonly Row[] = [
  ['nothing wrong', '', 'fine'],

  ['ORIGIN empty', '400100', 'withdraw'],
  ['ORIGIN too long', '4001020000', 'withdraw'],
  ['ORIGIN 3', '40010103', 'withdraw'],
  ['ORIGIN optional', 'c0010100', 'withdraw'],
  ['ORIGIN not transitive', '00010100', 'withdraw'],
  ['ORIGIN partial', '60010100', 'fine'],

  ['AS_PATH empty', '400200', 'fine'],
  ['AS_PATH cut off in a segment', '400205 0202 0000fd', 'withdraw'],
  ['AS_PATH cut off after a type', '400201 02', 'withdraw'],
  ['AS_PATH with an empty segment', '400202 0200', 'withdraw'],
  ['AS_PATH with segment type 0', '400206 0001 0000fde9', 'withdraw'],
  ['AS_PATH with a confederation', '400206 0301 0000fde9', 'withdraw'],
  ['AS_PATH with AS 0', '400206 0201 00000000', 'withdraw'],
  ['AS_PATH with a set', '400206 0101 0000fde9', 'fine'],
  ['AS_PATH optional', 'c00200', 'withdraw'],

  ['NEXT_HOP empty', '400300', 'withdraw'],
  ['NEXT_HOP too short', '400303 0a0000', 'withdraw'],
  ['NEXT_HOP too long', '400305 0a00000100', 'withdraw'],
  ['NEXT_HOP not transitive', '000304 0a000001', 'withdraw'],

  ['MULTI_EXIT_DISC', '800404 00000001', 'fine'],
  ['MULTI_EXIT_DISC too short', '800403 000000', 'withdraw'],
  ['MULTI_EXIT_DISC too long', '800405 0000000000', 'withdraw'],
  ['MULTI_EXIT_DISC transitive', 'c00404 00000001', 'withdraw'],

  ['LOCAL_PREF', '400504 00000064', 'fine', 'discard'],
  ['LOCAL_PREF too short', '400503 000000', 'withdraw', 'discard'],
  ['LOCAL_PREF too long', '400505 0000000000', 'withdraw', 'discard'],
  ['LOCAL_PREF optional', 'c00504 00000064', 'withdraw', 'discard'],

  ['ATOMIC_AGGREGATE', '400600', 'fine'],
  ['ATOMIC_AGGREGATE too long', '400601 00', 'discard'],
  ['ATOMIC_AGGREGATE optional', 'c00600', 'withdraw'],

  ['AGGREGATOR', 'c00708 0000fde9 0a000001', 'fine'],
  ['AGGREGATOR too short', 'c00706 fde9 0a000001', 'discard'],
  ['AGGREGATOR too long', 'c00709 0000fde9 0a000001 00', 'discard'],
  ['AGGREGATOR of AS 0', 'c00708 00000000 0a000001', 'discard'],
  ['AGGREGATOR not transitive', '800708 0000fde9 0a000001', 'withdraw'],

  ['COMMUNITIES', 'c00804 fc000001', 'fine'],
  ['COMMUNITIES empty', 'c00800', 'withdraw'],
  ['COMMUNITIES cut off', 'c00805 fc000001 fc', 'withdraw'],
  ['COMMUNITIES not transitive', '800804 fc000001', 'withdraw'],

  ['ORIGINATOR_ID', '800904 0a000001', 'fine', 'discard'],
  ['ORIGINATOR_ID too short', '800903 0a0000', 'withdraw', 'discard'],
  ['ORIGINATOR_ID transitive', 'c00904 0a000001', 'withdraw', 'discard'],

  ['CLUSTER_LIST', '800a04 0a000001', 'fine', 'discard'],
  ['CLUSTER_LIST empty', '800a00', 'withdraw', 'discard'],
  ['CLUSTER_LIST cut off', '800a05 0a000001 0a', 'withdraw', 'discard'],

  ['MP_REACH_NLRI', '800e19 0002 01 10 fd000000000000000000000000000001 00 18fd0000', 'fine'],
  ['MP_REACH_NLRI too short', '800e04 0002 01 00', 'reset 9'],
  ['MP_REACH_NLRI with a next hop of 8', '800e0d 0002 01 08 fd00000000000001 00', 'reset 9'],
  ['MP_REACH_NLRI of IPv6 with a next hop of 4', '800e09 0002 01 04 0a000001 00', 'reset 9'],
  ['MP_REACH_NLRI with a next hop that is cut off', '800e06 0002 01 10 fd00', 'reset 9'],
  ['MP_REACH_NLRI with a /129', '800e16 0002 01 10 fd000000000000000000000000000001 00 81', 'reset 9'],
  [
    'MP_REACH_NLRI with a prefix cut off',
    '800e17 0002 01 10 fd000000000000000000000000000001 00 40fd',
    'reset 9',
  ],
  ['MP_REACH_NLRI of IPv4', '800e0d 0001 01 04 0a000001 00 180a0102', 'fine'],
  ['MP_REACH_NLRI of multicast', '800e05 0001 02 00 00', 'discard'],
  ['MP_REACH_NLRI of another AFI', '800e05 4004 47 00 00', 'discard'],
  ['MP_REACH_NLRI transitive', 'c00e19 0002 01 10 fd000000000000000000000000000001 00 18fd0000', 'withdraw'],
  ['MP_REACH_NLRI twice', '800e09 0001 01 04 0a000001 00 800e09 0001 01 04 0a000001 00', 'reset 1'],

  ['MP_UNREACH_NLRI', '800f07 0002 01 18fd0000', 'fine'],
  ['MP_UNREACH_NLRI too short', '800f02 0002', 'reset 9'],
  ['MP_UNREACH_NLRI with a /129', '800f04 0002 01 81', 'reset 9'],
  ['MP_UNREACH_NLRI with a prefix cut off', '800f05 0002 01 40fd', 'reset 9'],
  ['MP_UNREACH_NLRI of another AFI', '800f05 4004 47 1234', 'discard'],
  ['MP_UNREACH_NLRI twice', '800f03 0002 01 800f03 0002 01', 'reset 1'],

  ['EXTENDED COMMUNITIES', 'c01008 0002fc0000000064', 'fine'],
  ['EXTENDED COMMUNITIES empty', 'c01000', 'withdraw'],
  ['EXTENDED COMMUNITIES cut off', 'c01007 0002fc00000000', 'withdraw'],

  ['AS4_PATH from a peer that needs none', 'c01106 0201 0000fde9', 'discard'],
  ['AS4_AGGREGATOR from a peer that needs none', 'c01208 0000fde9 0a000001', 'discard'],

  ['IPv6 EXTENDED COMMUNITIES', `c01914 ${'00'.repeat(20)}`, 'fine'],
  ['IPv6 EXTENDED COMMUNITIES empty', 'c01900', 'withdraw'],
  ['IPv6 EXTENDED COMMUNITIES cut off', `c01913 ${'00'.repeat(19)}`, 'withdraw'],

  ['LARGE_COMMUNITY', 'c0200c 0000fc00 00000001 00000002', 'fine'],
  ['LARGE_COMMUNITY empty', 'c02000', 'withdraw'],
  ['LARGE_COMMUNITY cut off', 'c0200b 0000fc00 00000001 000000', 'withdraw'],

  ['OTC', 'c02304 0000fde9', 'fine'],
  ['OTC too short', 'c02303 0000fd', 'withdraw'],
  ['OTC too long', 'c02305 0000fde900', 'withdraw'],

  ['unknown, optional, transitive', 'c06301 00', 'fine'],
  ['unknown, optional, not transitive', '806301 00', 'fine'],
  ['unknown, but well-known', '406301 00', 'withdraw'],

  ['ORIGIN twice', '40010100 40010101', 'discard'],
  ['COMMUNITIES twice, second one wrong', 'c00804 fc000001 c00800', 'discard'],
  ['unknown twice', 'c06300 c06300', 'discard'],

  ['an attribute longer than the list', 'c06305 00', 'withdraw'],
  ['an attribute without length', 'c063', 'withdraw'],
  ['an attribute with half a long length', 'd06300', 'withdraw'],
  ['a single octet', 'c0', 'withdraw'],

  ['a discard and a withdrawal', '400601 00 800403 000000', 'withdraw'],
  ['a withdrawal and a reset', '800403 000000 800f02 0002', 'reset 9'],
]

for (const [what, attributes, internal, external = internal] of ROWS) {
  t.test(
    `${what}: ${internal === external ? internal : `${internal}, from outside ${external}`}`,
    async (t) => {
      t.equal(verdict(updateWith(attributes), INTERNAL), internal)
      t.equal(verdict(updateWith(attributes), EXTERNAL), external)
    },
  )
}

const FROM_OLD_PEERS: readonly (readonly [what: string, attributes: string, verdict: Verdict])[] = [
  ['AS4_PATH', 'c01106 0201 0000fde9', 'fine'],
  ['AS4_PATH empty', 'c01100', 'discard'],
  ['AS4_PATH cut off', 'c01105 0201 0000fd', 'discard'],
  ['AS4_PATH with an empty segment', 'c01102 0200', 'discard'],
  ['AS4_PATH with segment type 9', 'c01106 0901 0000fde9', 'discard'],
  ['AS4_PATH with AS 0', 'c01106 0201 00000000', 'discard'],
  ['AS4_PATH with a confederation', 'c0110c 0301 0000fdea 0201 0000fde9', 'fine'],
  ['AS4_AGGREGATOR', 'c01208 0000fde9 0a000001', 'fine'],
  ['AS4_AGGREGATOR too short', 'c01206 fde9 0a000001', 'discard'],
  ['AS4_AGGREGATOR of AS 0', 'c01208 00000000 0a000001', 'discard'],
  ['AGGREGATOR', 'c00706 fde9 0a000001', 'fine'],
  ['AGGREGATOR too long', 'c00708 0000fde9 0a000001', 'discard'],
]

for (const [what, attributes, expected] of FROM_OLD_PEERS) {
  t.test(`${what} from a peer with two-octet AS numbers: ${expected}`, async (t) => {
    const bytes = updateOf(`40010100 400204 0201 fde9 400304 0a000001 ${attributes}`, '180a0102')
    t.equal(verdict(bytes, { ...EXTERNAL, as4: false }), expected)
  })
}

const MISSING: readonly (readonly [what: string, attributes: string, nlri: string, verdict: Verdict])[] = [
  ['ORIGIN', '400200 400304 0a000001', '180a0102', 'withdraw'],
  ['AS_PATH', '40010100 400304 0a000001', '180a0102', 'withdraw'],
  ['NEXT_HOP', '40010100 400200', '180a0102', 'withdraw'],
  ['all', '', '180a0102', 'withdraw'],
  [
    'NEXT_HOP, with routes in MP_REACH_NLRI only',
    '40010100 400200 800e0d 0001 01 04 0a000001 00 180a0102',
    '',
    'fine',
  ],
  [
    'AS_PATH, with routes in MP_REACH_NLRI only',
    '40010100 800e0d 0001 01 04 0a000001 00 180a0102',
    '',
    'withdraw',
  ],
  ['all, with routes in MP_UNREACH_NLRI only', '800f07 0002 01 18fd0000', '', 'fine'],
]

for (const [what, attributes, nlri, expected] of MISSING) {
  t.test(`without ${what}: ${expected}`, async (t) => {
    t.equal(verdict(updateOf(attributes, nlri), INTERNAL), expected)
  })
}

// RFC 7606 §5.2.
t.test('a withdrawal is a reset where there are no routes to withdraw', async (t) => {
  t.equal(verdict(updateOf('40010103', ''), INTERNAL), 'reset 6')
  t.equal(verdict(updateOf('c00200', ''), INTERNAL), 'reset 4')
  t.equal(verdict(updateOf('400602 0000', ''), INTERNAL), 'discard')
})

t.test('a reset quotes the attribute, a missing one by its code', async (t) => {
  const quoted = (attributes: string) => {
    const answer = messageOrBgpError(updateOf(attributes, ''), INTERNAL)
    return answer instanceof Error && [answer.subcode, hex(answer.data), answer.offset]
  }
  t.strictSame(quoted('40010103'), [6, '40010103', 23])
  t.strictSame(quoted('40010100 800f02 0002'), [9, '800f020002', 27])
  t.strictSame(quoted('400101'), [1, '', 26])
})

t.test('a fault says what is wrong with which attribute, and the rest is read', async (t) => {
  const update = messageOrBgpError(updateWith('800403 000000 c00804 fc000001 400601 00'), INTERNAL)
  t.match(update, {
    attributes: { origin: 'igp', communities: [0xfc000001], med: undefined, atomicAggregate: undefined },
    nlri: [{ prefix: '10.1.2.0/24' }],
    faults: [
      { severity: 'treat-as-withdraw', attribute: 4, reason: 'MULTI_EXIT_DISC: 2 octets expected, 1 left' },
      { severity: 'attribute-discard', attribute: 6, reason: 'ATOMIC_AGGREGATE: 1 octets too long' },
    ],
  })
})

t.test('the first of two attributes counts', async (t) => {
  const update = messageOrBgpError(updateWith('c00804 fc000001 c00804 fc000002'), INTERNAL)
  t.match(update, { attributes: { communities: [0xfc000001] } })
})

t.test(
  'routes of MP_REACH_NLRI are known to whoever withdraws them, although its flags are wrong',
  async (t) => {
    const update = messageOrBgpError(updateWith('c00e0d 0001 01 04 0a000001 00 180a0103'), INTERNAL)
    t.match(update, { attributes: { mpReach: { nlri: [{ prefix: '10.1.3.0/24' }] } } })
  },
)

t.test('large communities that are said twice count once', async (t) => {
  const twice = '0000fc00 00000001 00000002'.repeat(2)
  const update = messageOrBgpError(updateWith(`c02018 ${twice}`), INTERNAL)
  t.match(update, { attributes: { largeCommunities: ['64512:1:2'] } })
})
