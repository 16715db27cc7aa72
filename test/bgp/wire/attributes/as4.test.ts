import t from 'tap'
import { mergeAs4 } from '../../../../src/bgp/wire/attributes/as4.ts'
import type { AsSegment, PathAttributes } from '../../../../src/bgp/wire/message.ts'
import { address } from '../../../../src/inet/address.ts'

// RFC 6793 §4.2.3.

const AS_TRANS = 23456
const sequence = (...asns: number[]): AsSegment => ({ type: 'sequence', asns })
const set = (...asns: number[]): AsSegment => ({ type: 'set', asns })
const aggregator = (asn: number) => ({ asn, address: address('192.0.2.3') })

const CASES: readonly [promise: string, received: PathAttributes, merged: PathAttributes][] = [
  [
    'AS4_PATH of the same length takes the place of AS_PATH',
    { asPath: [sequence(1, AS_TRANS)], as4Path: [sequence(1, 70000)] },
    { asPath: [sequence(1, 70000)] },
  ],
  [
    'the ASes that AS4_PATH lacks come from the front of AS_PATH',
    { asPath: [sequence(1, 2, AS_TRANS)], as4Path: [sequence(70000)] },
    { asPath: [sequence(1, 2), sequence(70000)] },
  ],
  [
    'a longer AS4_PATH is out of date',
    { asPath: [sequence(1)], as4Path: [sequence(1, 70000)] },
    { asPath: [sequence(1)] },
  ],
  [
    'a set counts as one AS, and is taken whole',
    { asPath: [set(1, 2), sequence(3, AS_TRANS)], as4Path: [sequence(70000)] },
    { asPath: [set(1, 2), sequence(3), sequence(70000)] },
  ],
  [
    'AS4_AGGREGATOR takes the place of an AGGREGATOR of AS_TRANS',
    { aggregator: aggregator(AS_TRANS), as4Aggregator: aggregator(70000) },
    { aggregator: aggregator(70000) },
  ],
  [
    'another AGGREGATOR says that both are out of date',
    {
      asPath: [sequence(AS_TRANS)],
      as4Path: [sequence(70000)],
      aggregator: aggregator(1),
      as4Aggregator: aggregator(70000),
    },
    { asPath: [sequence(AS_TRANS)], aggregator: aggregator(1) },
  ],
  [
    'AS4_AGGREGATOR alone is nothing',
    { asPath: [sequence(AS_TRANS)], as4Path: [sequence(70000)], as4Aggregator: aggregator(70000) },
    { asPath: [sequence(70000)] },
  ],
  ['AS4_PATH alone is nothing', { as4Path: [sequence(70000)] }, {}],
  ['an empty AS4_PATH changes nothing', { asPath: [sequence(1)], as4Path: [] }, { asPath: [sequence(1)] }],
]

for (const [promise, received, merged] of CASES)
  t.test(promise, async (t) => {
    t.strictSame(mergeAs4(received), merged)
  })
