import t from 'tap'
import { address } from '../../../src/inet/address.ts'
import { prefix } from '../../../src/inet/prefix.ts'
import { EXTERNAL, INTERNAL, vector, withAddPath } from '../../kit/vector.ts'

// The vectors are by hand from RFC 4271 §4.3 and the RFC of what they show.

const plain = (text: string) => ({ prefix: prefix(text), pathId: 0 })
const EMPTY = { kind: 'update', withdrawn: [], attributes: {}, nlri: [], faults: [] } as const

vector(
  t,
  'UPDATE with the IPv4 block of a node',
  `
  ffffffffffffffffffffffffffffffff  # marker
  0031 02                           # length 49, UPDATE
  0000                              # nothing withdrawn
  0015                              # 21 octets of attributes
     40 01 01 00                    # ORIGIN IGP
     40 02 00                       # AS_PATH empty
     40 03 04 0a000001              # NEXT_HOP 10.0.0.1
     40 05 04 7ffffbff              # LOCAL_PREF 2147482623
  1a ac120040                       # 172.18.0.64/26
  `,
  {
    ...EMPTY,
    attributes: { origin: 'igp', asPath: [], nextHop: address('10.0.0.1'), localPref: 2147482623 },
    nlri: [plain('172.18.0.64/26')],
  },
)

vector(
  t,
  'UPDATE that withdraws IPv4 and announces it',
  `
  ffffffffffffffffffffffffffffffff  # marker
  0043 02                           # length 67, UPDATE
  0009                              # 9 octets withdrawn
     20 ac120041                    # 172.18.0.65/32
     18 0a0102                      # 10.1.2.0/24
  001f                              # 31 octets of attributes
     40 01 01 02                    # ORIGIN incomplete
     40 02 0a 02 02 0000fde9 fa56ea00   # AS_PATH: a sequence of 65001 4200000000
     40 03 04 c0000202              # NEXT_HOP 192.0.2.2
     80 04 04 ffffffff              # MULTI_EXIT_DISC 4294967295
  00                                # 0.0.0.0/0
  09 0a80                           # 10.128.0.0/9
  `,
  {
    ...EMPTY,
    withdrawn: [plain('172.18.0.65/32'), plain('10.1.2.0/24')],
    attributes: {
      origin: 'incomplete',
      asPath: [{ type: 'sequence', asns: [65001, 4200000000] }],
      nextHop: address('192.0.2.2'),
      med: 4294967295,
    },
    nlri: [plain('0.0.0.0/0'), plain('10.128.0.0/9')],
  },
  EXTERNAL,
)

// RFC 4760 §3.
vector(
  t,
  'UPDATE with the IPv6 block of a node',
  `
  ffffffffffffffffffffffffffffffff  # marker
  004f 02                           # length 79, UPDATE
  0000                              # nothing withdrawn
  0038                              # 56 octets of attributes
     40 01 01 00                    # ORIGIN IGP
     40 02 00                       # AS_PATH empty
     40 05 04 00000064              # LOCAL_PREF 100
     80 0e 27 0002 01               # MP_REACH_NLRI of 39 octets: IPv6 unicast
        10 fd000000000000000000000000000001   # next hop fd00::1
        00                          # reserved
        7a fd0010000000000000000000000000c0   # fd00:1000::c0/122
        00                          # ::/0
  `,
  {
    ...EMPTY,
    attributes: {
      origin: 'igp',
      asPath: [],
      localPref: 100,
      mpReach: {
        family: 'ipv6',
        nextHop: address('fd00::1'),
        nlri: [plain('fd00:1000::c0/122'), plain('::/0')],
      },
    },
  },
)

// RFC 4760 §4.
vector(
  t,
  'UPDATE that withdraws IPv6',
  `
  ffffffffffffffffffffffffffffffff  # marker
  0026 02                           # length 38, UPDATE
  0000                              # nothing withdrawn
  000f                              # 15 octets of attributes
     80 0f 0c 0002 01               # MP_UNREACH_NLRI of 12 octets: IPv6 unicast
        40 fd00000000000001         # fd00::1:0:0:0:0/64
  `,
  { ...EMPTY, attributes: { mpUnreach: { family: 'ipv6', withdrawn: [plain('fd00:0:0:1::/64')] } } },
)

// RFC 4724 §2.
vector(
  t,
  'End-of-RIB of IPv4',
  `
  ffffffffffffffffffffffffffffffff  # marker
  0017 02                           # length 23, UPDATE
  0000                              # nothing withdrawn
  0000                              # no attributes
  `,
  EMPTY,
)
vector(
  t,
  'End-of-RIB of IPv6',
  `
  ffffffffffffffffffffffffffffffff  # marker
  001d 02                           # length 29, UPDATE
  0000                              # nothing withdrawn
  0006                              # 6 octets of attributes
     80 0f 03 0002 01               # MP_UNREACH_NLRI: IPv6 unicast, no destinations
  `,
  {
    ...EMPTY,
    attributes: { mpUnreach: { family: 'ipv6', withdrawn: [] } },
  },
)

vector(
  t,
  'UPDATE with every attribute that an external peer may send',
  `
  ffffffffffffffffffffffffffffffff  # marker
  009a 02                           # length 154, UPDATE
  0000                              # nothing withdrawn
  007f                              # 127 octets of attributes
     40 01 01 01                    # ORIGIN EGP
     40 02 10                       # AS_PATH of 16 octets
        02 01 0000fde9              #   a sequence of 65001
        01 02 0000fdea 0000fdeb     #   a set of 65002 and 65003
     40 03 04 c0000202              # NEXT_HOP 192.0.2.2
     80 04 04 00000000              # MULTI_EXIT_DISC 0
     40 06 00                       # ATOMIC_AGGREGATE
     c0 07 08 fa56ea00 c0000203     # AGGREGATOR 4200000000, 192.0.2.3
     c0 08 08 ffffff01 fc000064     # COMMUNITIES NO_EXPORT, 64512:100
     c0 10 08 0002fc0000000064      # EXTENDED COMMUNITIES: route target 64512:100
     c0 19 14 0002fd000000000000000000000000000001 0064   # IPv6: route target fd00::1:100
     c0 20 0c fa56ea00 00000001 ffffffff   # LARGE_COMMUNITY 4200000000:1:4294967295
     c0 23 04 0000fde9              # OTC 65001
     e0 63 03 010203                # attribute 99, that somebody before us did not know either
     80 64 00                       # attribute 100, which goes no further than this
  18 c63364                         # 198.51.100.0/24
  `,
  {
    ...EMPTY,
    attributes: {
      origin: 'egp',
      asPath: [
        { type: 'sequence', asns: [65001] },
        { type: 'set', asns: [65002, 65003] },
      ],
      nextHop: address('192.0.2.2'),
      med: 0,
      atomicAggregate: true,
      aggregator: { asn: 4200000000, address: address('192.0.2.3') },
      communities: [0xffffff01, 0xfc000064],
      extendedCommunities: ['0002fc0000000064'],
      ipv6ExtendedCommunities: ['0002fd0000000000000000000000000000010064'],
      largeCommunities: ['4200000000:1:4294967295'],
      onlyToCustomer: 65001,
      unknown: [
        { code: 99, flags: 0xe0, value: Uint8Array.of(1, 2, 3) },
        { code: 100, flags: 0x80, value: new Uint8Array() },
      ],
    },
    nlri: [plain('198.51.100.0/24')],
  },
  EXTERNAL,
)

// RFC 4456 §8.
vector(
  t,
  'UPDATE that was reflected',
  `
  ffffffffffffffffffffffffffffffff  # marker
  0043 02                           # length 67, UPDATE
  0000                              # nothing withdrawn
  0027                              # 39 octets of attributes
     40 01 01 00                    # ORIGIN IGP
     40 02 00                       # AS_PATH empty
     40 03 04 0a000001              # NEXT_HOP 10.0.0.1
     40 05 04 00000064              # LOCAL_PREF 100
     80 09 04 0a000001              # ORIGINATOR_ID 10.0.0.1
     80 0a 08 f4000001 f4000002     # CLUSTER_LIST 244.0.0.1 244.0.0.2
  1a ac120040                       # 172.18.0.64/26
  `,
  {
    ...EMPTY,
    attributes: {
      origin: 'igp',
      asPath: [],
      nextHop: address('10.0.0.1'),
      localPref: 100,
      originatorId: address('10.0.0.1'),
      clusterList: [address('244.0.0.1'), address('244.0.0.2')],
    },
    nlri: [plain('172.18.0.64/26')],
  },
)

// RFC 6793 §4.2.2 and §4.2.3.
vector(
  t,
  'UPDATE with four-octet ASes over a session with two',
  `
  ffffffffffffffffffffffffffffffff  # marker
  0050 02                           # length 80, UPDATE
  0000                              # nothing withdrawn
  0035                              # 53 octets of attributes
     40 01 01 00                    # ORIGIN IGP
     40 02 06 02 02 fde9 5ba0       # AS_PATH: a sequence of 65001, AS_TRANS
     40 03 04 c0000202              # NEXT_HOP 192.0.2.2
     c0 07 06 5ba0 c0000203         # AGGREGATOR AS_TRANS, 192.0.2.3
     c0 11 0a 02 02 0000fde9 fa56ea00   # AS4_PATH: a sequence of 65001 4200000000
     c0 12 08 fa56ea00 c0000203     # AS4_AGGREGATOR 4200000000, 192.0.2.3
  18 c63364                         # 198.51.100.0/24
  `,
  {
    ...EMPTY,
    attributes: {
      origin: 'igp',
      asPath: [{ type: 'sequence', asns: [65001, 4200000000] }],
      nextHop: address('192.0.2.2'),
      aggregator: { asn: 4200000000, address: address('192.0.2.3') },
    },
    nlri: [plain('198.51.100.0/24')],
  },
  { ...EXTERNAL, as4: false },
)

// RFC 7911 §3.
vector(
  t,
  'UPDATE of IPv4 with path identifiers',
  `
  ffffffffffffffffffffffffffffffff  # marker
  003f 02                           # length 63, UPDATE
  0008                              # 8 octets withdrawn
     00000000 18 0a0102             # path 0 to 10.1.2.0/24
  000e                              # 14 octets of attributes
     40 01 01 00                    # ORIGIN IGP
     40 02 00                       # AS_PATH empty
     40 03 04 0a000001              # NEXT_HOP 10.0.0.1
  00000001 1a ac120040              # path 1 to 172.18.0.64/26
  ffffffff 1a ac120040              # path 4294967295 to the same
  `,
  {
    ...EMPTY,
    withdrawn: [plain('10.1.2.0/24')],
    attributes: { origin: 'igp', asPath: [], nextHop: address('10.0.0.1') },
    nlri: [
      { prefix: prefix('172.18.0.64/26'), pathId: 1 },
      { prefix: prefix('172.18.0.64/26'), pathId: 4294967295 },
    ],
  },
  withAddPath(INTERNAL),
)

// RFC 7911 §3; RFC 2545 §3 for the next hop.
vector(
  t,
  'UPDATE of IPv6 with path identifiers and a link-local next hop',
  `
  ffffffffffffffffffffffffffffffff  # marker
  0064 02                           # length 100, UPDATE
  0000                              # nothing withdrawn
  004d                              # 77 octets of attributes
     40 01 01 00                    # ORIGIN IGP
     40 02 06 02 01 0000fde9        # AS_PATH: a sequence of 65001
     80 0e 2e 0002 01               # MP_REACH_NLRI of 46 octets: IPv6 unicast
        20 20010db8000000000000000000000001   # next hop 2001:db8::1
           fe800000000000000000000000000001   # and fe80::1
        00                          # reserved
        00000007 20 20010db8        # path 7 to 2001:db8::/32
     80 0f 0c 0002 01               # MP_UNREACH_NLRI of 12 octets: IPv6 unicast
        00000008 20 20010db9        # path 8 to 2001:db9::/32
  `,
  {
    ...EMPTY,
    attributes: {
      origin: 'igp',
      asPath: [{ type: 'sequence', asns: [65001] }],
      mpReach: {
        family: 'ipv6',
        nextHop: address('2001:db8::1'),
        linkLocal: address('fe80::1'),
        nlri: [{ prefix: prefix('2001:db8::/32'), pathId: 7 }],
      },
      mpUnreach: { family: 'ipv6', withdrawn: [{ prefix: prefix('2001:db9::/32'), pathId: 8 }] },
    },
  },
  withAddPath(EXTERNAL),
)

// RFC 8950 §3.
vector(
  t,
  'UPDATE of IPv4 with an IPv6 next hop',
  `
  ffffffffffffffffffffffffffffffff  # marker
  0040 02                           # length 64, UPDATE
  0000                              # nothing withdrawn
  0029                              # 41 octets of attributes
     40 01 01 00                    # ORIGIN IGP
     40 02 06 02 01 0000fde9        # AS_PATH: a sequence of 65001
     80 0e 19 0001 01               # MP_REACH_NLRI of 25 octets: IPv4 unicast
        10 20010db8000000000000000000000001   # next hop 2001:db8::1
        00                          # reserved
        18 c63364                   # 198.51.100.0/24
  `,
  {
    ...EMPTY,
    attributes: {
      origin: 'igp',
      asPath: [{ type: 'sequence', asns: [65001] }],
      mpReach: { family: 'ipv4', nextHop: address('2001:db8::1'), nlri: [plain('198.51.100.0/24')] },
    },
  },
  EXTERNAL,
)

vector(
  t,
  'UPDATE with an attribute of more than 255 octets',
  `
  ffffffffffffffffffffffffffffffff  # marker
  012e 02                           # length 302, UPDATE
  0000                              # nothing withdrawn
  0112                              # 274 octets of attributes
     40 01 01 00                    # ORIGIN IGP
     40 02 00                       # AS_PATH empty
     40 03 04 0a000001              # NEXT_HOP 10.0.0.1
     d0 08 0100                     # COMMUNITIES of 256 octets
        ${'fc000064'.repeat(64)}
  1a ac120040                       # 172.18.0.64/26
  `,
  {
    ...EMPTY,
    attributes: {
      origin: 'igp',
      asPath: [],
      nextHop: address('10.0.0.1'),
      communities: new Array(64).fill(0xfc000064),
    },
    nlri: [plain('172.18.0.64/26')],
  },
)
