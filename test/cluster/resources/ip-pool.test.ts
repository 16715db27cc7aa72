// IPPool: defaults at read time, what is tolerated, what is refused and in which words.

import t from 'tap'
import { document, refusals, resource, warnings } from '../../kit/resources.ts'

function pool(spec: object, metadata = {}) {
  return document('IPPool', { cidr: '10.66.0.0/16', ...spec }, { name: 'lan-pool', ...metadata })
}

t.test('a pool that says only its CIDR has Calico’s defaults', async (t) => {
  const { nodeSelector, ...rest } = resource(pool({}))
  t.same(rest, {
    kind: 'IPPool',
    name: 'lan-pool',
    cidr: '10.66.0.0/16',
    family: 'ipv4',
    blockSize: 26,
    ipipMode: 'Never',
    vxlanMode: 'Never',
    natOutgoing: false,
    disabled: false,
    disableBgpExport: false,
    namespaceSelector: undefined,
    allowedUses: ['Workload', 'Tunnel'],
    assignmentMode: 'Automatic',
    deleting: false,
    allocatable: true,
  })
  t.equal(nodeSelector.text, 'all()')
})

t.test('empty, null and zero are as good as absent', async (t) => {
  const empty = {
    blockSize: 0,
    nodeSelector: '',
    namespaceSelector: '',
    allowedUses: [],
    ipipMode: '',
    vxlanMode: null,
  }
  const { nodeSelector: _, ...rest } = resource(pool({ ...empty, natOutgoing: null, assignmentMode: '' }))
  const { nodeSelector: __, ...bare } = resource(pool({}))
  t.same(rest, bare)
  t.equal(resource(pool({ cidr: 'fd66::/48', blockSize: 0 })).blockSize, 122)
})

t.test('a CIDR is masked and spelled in the one way', async (t) => {
  t.equal(resource(pool({ cidr: '10.66.141.1/24' })).cidr, '10.66.141.0/24')
  t.match(resource(pool({ cidr: 'FD66:0:0::1/48' })), { cidr: 'fd66::/48', family: 'ipv6', blockSize: 122 })
})

t.test('what a pool says is kept', async (t) => {
  const said = {
    ipipMode: 'CrossSubnet',
    natOutgoing: true,
    disabled: true,
    disableBGPExport: true,
    blockSize: 30,
  }
  const read = resource(
    pool({ ...said, nodeSelector: "rack == 'r1'", allowedUses: ['Tunnel'], assignmentMode: 'Manual' }),
  )
  t.match(read, {
    ipipMode: 'CrossSubnet',
    natOutgoing: true,
    disabled: true,
    disableBgpExport: true,
    blockSize: 30,
  })
  t.match(read, { allowedUses: ['Tunnel'], assignmentMode: 'Manual' })
  t.ok(read.nodeSelector.matches({ rack: 'r1' }))
  t.notOk(read.nodeSelector.matches({}))
  t.ok(resource(pool({}, { deletionTimestamp: '2026-03-04T05:06:07Z' })).deleting)
})

t.test('what is wrong is named by field, with what would be right', async (t) => {
  const cases: [object, string[]][] = [
    [{ cidr: '10.0.0.300/16' }, ['spec.cidr: "10.0.0.300/16" is not a CIDR; write it like 10.244.0.0/16']],
    [{ cidr: undefined }, ['spec.cidr: is missing; it must be a CIDR; write it like 10.244.0.0/16']],
    [{ cidr: '10.0.0.1' }, ['spec.cidr: "10.0.0.1" is not a CIDR; write it like 10.244.0.0/16']],
    [
      { cidr: 7, ipipMode: 'Sometimes' },
      [
        'spec.cidr: 7 is not a CIDR; write it like 10.244.0.0/16',
        'spec.ipipMode: "Sometimes" is not one of Never, Always, CrossSubnet',
      ],
    ],
    [
      { cidr: '169.254.3.0/24' },
      ['spec.cidr: is link-local; take a range outside 169.254.0.0/16 and fe80::/10'],
    ],
    [{ blockSize: 19 }, ['spec.blockSize: is out of range; 20 to 32 for IPv4, 116 to 128 for IPv6']],
    [
      { cidr: 'fd66::/48', blockSize: 26 },
      ['spec.blockSize: is out of range; 20 to 32 for IPv4, 116 to 128 for IPv6'],
    ],
    [{ blockSize: 'big' }, ['spec.blockSize: "big" is not a whole number from 0 to 128']],
    [
      { cidr: '10.66.0.0/27' },
      ['spec.cidr: is smaller than one block; make it wider, or spec.blockSize longer'],
    ],
    [
      { ipipMode: 'Always', vxlanMode: 'Always' },
      ['spec.ipipMode: is set beside spec.vxlanMode; one of the two must be Never'],
    ],
    [
      { cidr: 'fd66::/48', ipipMode: 'Always' },
      ['spec.ipipMode: must be Never in an IPv6 pool; IPIP carries IPv4 only'],
    ],
    [
      { nodeSelector: 'rack == r1' },
      ['spec.nodeSelector: selector "rack == r1": expected a quoted string at character 9, found "r1"'],
    ],
    [{ natOutgoing: 'yes' }, ['spec.natOutgoing: "yes" is not true or false']],
    [
      { allowedUses: ['Workloads'] },
      ['spec.allowedUses[0]: "Workloads" is not one of Workload, Tunnel, LoadBalancer'],
    ],
    [{ allowedUses: 'Workload' }, ['spec.allowedUses: must be a list']],
  ]
  for (const [spec, expected] of cases) t.same(refusals(pool(spec)), expected)
  t.same(refusals(document('IPPool', 'all of it')), ['spec: must be a mapping'])
  t.match(refusals(pool({}, { name: 'Lan_Pool' })), [
    /^metadata.name: is not a resource name; use lower-case/,
  ])
})

t.test('a disabled pool may be smaller than a block: nothing is taken from it', async (t) => {
  t.same(refusals(pool({ cidr: '10.66.0.0/27', disabled: true })), [])
})

t.test('what only concerns address assignment is a warning', async (t) => {
  t.same(warnings(pool({ namespaceSelector: 'all()' })), [
    'spec.namespaceSelector: does not go together with Tunnel in spec.allowedUses',
  ])
  t.same(warnings(pool({ namespaceSelector: 'all()', allowedUses: ['Workload'] })), [])
  t.same(warnings(pool({ nodeSelector: 'global()' })), [
    'spec.nodeSelector: must not use global(); write all()',
  ])
  t.match(warnings(pool({ allowedUses: ['LoadBalancer', 'Tunnel'] })), [
    /^spec.allowedUses: has LoadBalancer/,
  ])
  t.match(warnings(pool({ allowedUses: ['LoadBalancer'], ipipMode: 'Always' })), [/must stand alone/])
  t.same(warnings(pool({ allowedUses: ['LoadBalancer'] })), [])
})

t.test('a pool that overlaps another one is marked as not allocatable', async (t) => {
  const status = { conditions: [{ type: 'Allocatable', status: 'False', reason: 'CIDROverlap' }] }
  t.equal(resource({ ...pool({}), status }).allocatable, false)
})
