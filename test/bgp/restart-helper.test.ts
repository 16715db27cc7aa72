// What the helper does over time is tested with whole speakers, in speaker.test.ts.

import t from 'tap'
import { endOfRibFamily } from '../../src/bgp/restart-helper.ts'
import type { Update } from '../../src/bgp/wire/message.ts'
import { nlri, withdrawing } from '../kit/rib.ts'

const update = (over: Partial<Update>): Update => ({ ...withdrawing(), ...over })

t.test('End-of-RIB is an UPDATE that says nothing else', async (t) => {
  t.equal(endOfRibFamily(update({})), 'ipv4')
  t.equal(endOfRibFamily(update({ attributes: { mpUnreach: { family: 'ipv6', withdrawn: [] } } })), 'ipv6')
})

t.test('an UPDATE that says something is none', async (t) => {
  const withdrawn = nlri('fd10::/64')
  t.equal(endOfRibFamily(update({ withdrawn: nlri('10.1.0.0/26') })), undefined)
  t.equal(endOfRibFamily(update({ attributes: { mpUnreach: { family: 'ipv6', withdrawn } } })), undefined)
  t.equal(endOfRibFamily(update({ attributes: { origin: 'igp' } })), undefined)
})
