// CIDRs in names and keys, and back.

import fc from 'fast-check'
import t from 'tap'
import { claimName, dashed, keyed, readClaimName, undashed, unkeyed } from '../../src/cluster/cidr-names.ts'
import { closePrefix } from '../kit/inet.ts'

t.test('the two forms of Calico', async (t) => {
  t.equal(dashed('10.66.12.64/26'), '10-66-12-64-26')
  t.equal(dashed('fd66::12:0/122'), 'fd66--12-0-122')
  t.equal(keyed('fd66::12:0/122'), 'fd66::12:0-122')
})

t.test('both forms of any CIDR can be undone', async () => {
  fc.assert(
    fc.property(closePrefix, (cidr) => undashed(dashed(cidr)) === cidr && unkeyed(keyed(cidr)) === cidr),
  )
})

t.test('what is no dashed CIDR is none', async (t) => {
  for (const name of [
    '',
    '-',
    'node-a',
    '10-66-12-26',
    '10-66-12-65-26',
    '10-66-12-64-33',
    '010-66-12-64-26',
    'g-1-2-3-4-5-6-7-64',
  ]) {
    t.equal(undashed(name), undefined, name)
  }
})

t.test('the name of a claim gives back node and CIDR, whatever the node is called', async (t) => {
  const node = fc.constantFrom(
    'node-a',
    'n',
    'rack-fd00',
    'node-2001-1',
    '172.20.0.11',
    'a-10-66',
    'f-fd66-1',
    'node-1-2-3-4',
  )
  fc.assert(
    fc.property(node, closePrefix, (node, cidr) => {
      const read = readClaimName(claimName({ node, cidr }))
      return read?.node === node && read.cidr === cidr
    }),
  )
  t.equal(claimName({ node: 'node-a', cidr: '10.66.12.64/26' }), 'node-a-10-66-12-64-26')
  t.equal(claimName({ node: 'node-a', cidr: 'fd66::12:0/122' }), 'node-a-fd66--12-0-122')
  t.equal(readClaimName('node-a'), undefined)
  t.equal(readClaimName('10-66-12-64-26'), undefined)
})
