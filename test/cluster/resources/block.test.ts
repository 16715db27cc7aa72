// IPAMBlock: owner, allocations and their addresses, in both families.

import t from 'tap'
import { document, refusals, resource, warnings } from '../../kit/resources.ts'

function block(spec: object) {
  return document(
    'IPAMBlock',
    { cidr: '10.66.12.64/30', affinity: 'host:node-a', ...spec },
    { name: '10-66-12-64-30' },
  )
}

const tunnel = {
  handle_id: 'ipip-tunnel-addr-node-a',
  secondary: { node: 'node-a', type: 'ipipTunnelAddress' },
}
const pod = {
  handle_id: 'k8s-pod-network.1e7a55',
  secondary: { namespace: 'shop', node: 'node-b', pod: 'web-0' },
}

t.test('of its addresses those are listed that its owner does not speak for', async (t) => {
  const own = { handle_id: 'k8s-pod-network.2b', secondary: { node: 'node-a', pod: 'web-1' } }
  const read = resource(
    block({
      allocations: [0, 1, 3, 2],
      unallocated: [],
      attributes: [tunnel, pod, { releasedAt: '2026-03-04T05:09:00Z', secondary: pod.secondary }, own],
      sequenceNumber: 1772600767000000012n,
      sequenceNumberForAllocation: { '0': 1772600767000000003n },
      deleted: false,
    }),
  )
  t.same(read, {
    kind: 'IPAMBlock',
    name: '10.66.12.64/30',
    cidr: '10.66.12.64/30',
    node: 'node-a',
    virtualOwner: undefined,
    allocations: [
      { address: '10.66.12.64', node: 'node-a', type: 'ipipTunnelAddress' },
      { address: '10.66.12.65', node: 'node-b', type: undefined },
    ],
    deleted: false,
  })
})

t.test('an address may be handed out to nobody known, and a fresh block has null lists', async (t) => {
  t.same(resource(block({ allocations: [0], attributes: [{}] })).allocations, [])
  t.same(resource(block({ allocations: null, attributes: null })).allocations, [])
})

t.test('addresses carry over byte borders, in both families', async (t) => {
  const far = (cidr: string, ordinal: number) => {
    const allocations = [...Array(ordinal).fill(null), 0]
    return resource(block({ cidr, allocations, attributes: [pod] })).allocations[0]?.address
  }
  t.equal(far('10.66.0.0/20', 4095), '10.66.15.255')
  t.equal(far('10.66.0.0/22', 256), '10.66.1.0')
  t.equal(far('fd66::12:0/122', 63), 'fd66::12:3f')
  t.equal(far('fd66::f000/116', 4095), 'fd66::ffff')
  t.equal(far('10.66.3.3/32', 0), '10.66.3.3')
})

t.test('a block belongs to a node, to an owner of another kind, or to nobody', async (t) => {
  const cases: [object, object][] = [
    [{ affinity: 'host:node-a' }, { node: 'node-a', virtualOwner: undefined }],
    [{ affinity: 'virtual:load-balancer' }, { node: undefined, virtualOwner: 'load-balancer' }],
    [{ affinity: null }, { node: undefined, virtualOwner: undefined }],
    [{ affinity: '' }, { node: undefined, virtualOwner: undefined }],
    [
      { affinity: undefined, hostAffinity: 'node-a' },
      { node: 'node-a', virtualOwner: undefined },
    ],
    [{ affinity: 'host:172.20.0.11' }, { node: '172.20.0.11' }],
  ]
  for (const [spec, expected] of cases) t.match(resource(block(spec)), expected)
})

t.test('an address whose record is lost is nobody’s, and the block stays', async (t) => {
  const damaged = block({ allocations: [1, 0, null], attributes: [pod] })
  t.match(resource(damaged).allocations, [{ address: '10.66.12.65', node: 'node-b' }])
  t.match(warnings(damaged), [/^spec.allocations: points to records that are not in spec.attributes/])
  t.same(warnings(block({ allocations: [0, null], attributes: [pod] })), [])
  t.same(warnings(block({ allocations: [null], attributes: [] })), [])
})

t.test('what is wrong is named by field', async (t) => {
  const cases: [object, string][] = [
    [{ cidr: 'x' }, 'spec.cidr: "x" is not a CIDR; write it like 10.244.0.0/26'],
    [{ affinity: 'node-a' }, 'spec.affinity: "node-a" is not an owner; write it like host:node-a'],
    [
      { allocations: [-1], attributes: [pod] },
      'spec.allocations[0]: -1 is not the index of a record in spec.attributes',
    ],
    [
      { allocations: ['length'], attributes: [pod] },
      'spec.allocations[0]: "length" is not the index of a record in spec.attributes',
    ],
    [
      { allocations: Array(5).fill(null) },
      'spec.allocations: has 5 entries, but 10.66.12.64/30 only 4 addresses',
    ],
    [{ allocations: {} }, 'spec.allocations: must be a list'],
    [{ attributes: [null] }, 'spec.attributes[0]: must be a mapping'],
    [{ attributes: [{ secondary: 'x' }] }, 'spec.attributes[0].secondary: must be a mapping'],
  ]
  for (const [spec, expected] of cases) t.same(refusals(block(spec)), [expected])
  t.same(refusals(document('IPAMBlock', null)), ['spec: must be a mapping'])
})
