import t from 'tap'
import { announcements, withdrawals } from '../../../src/bgp/rib/update.ts'
import type { Update } from '../../../src/bgp/wire/message.ts'
import { address } from '../../../src/inet/address.ts'
import { announcing, nlri } from '../../kit/rib.ts'

const [A, B, SIX, SEVEN] = [
  nlri('10.1.0.0/26'),
  nlri('10.2.0.0/26'),
  nlri('fd00:6::/64'),
  nlri('fd00:7::/64'),
]
const nextHop = address('fd00::9')

const everything: Update = {
  ...announcing(['10.1.0.0/26'], {
    mpReach: { family: 'ipv6', nextHop, nlri: SIX },
    mpUnreach: { family: 'ipv6', withdrawn: SEVEN },
  }),
  withdrawn: B,
}

t.test('both families are found, each with its next hop', async (t) => {
  t.match(announcements(everything), [
    { family: 'ipv6', nextHop, nlri: SIX },
    { family: 'ipv4', nextHop: '10.0.0.9', nlri: A },
  ])
  t.same(withdrawals(everything), [...B, ...SEVEN])
})

t.test('a fault that withdraws takes back all that the message names', async (t) => {
  const faulty: Update = {
    ...everything,
    faults: [{ severity: 'treat-as-withdraw', attribute: 4, reason: 'too short' }],
  }
  t.same(announcements(faulty), [])
  t.same(withdrawals(faulty), [...B, ...SEVEN, ...A, ...SIX])
})

t.test('a discarded attribute withdraws nothing', async (t) => {
  const excused: Update = {
    ...everything,
    faults: [{ severity: 'attribute-discard', attribute: 7, reason: 'too short' }],
  }
  t.same(announcements(excused), announcements(everything))
  t.same(withdrawals(excused), withdrawals(everything))
})

t.test('classic NLRI without NEXT_HOP are withdrawn', async (t) => {
  const { nextHop, ...attributes } = everything.attributes
  t.same(announcements({ ...everything, attributes }), [])
  t.same(withdrawals({ ...everything, attributes }), [...B, ...SEVEN, ...A, ...SIX])
})

t.test('End-of-RIB says nothing of any destination', async (t) => {
  const endOfRib: Update = { kind: 'update', withdrawn: [], attributes: {}, nlri: [], faults: [] }
  t.same([announcements(endOfRib), withdrawals(endOfRib)], [[], []])
})
