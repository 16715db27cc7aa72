// BGPFilter: rules in order, and what spoils one.

import t from 'tap'
import { document, refusals, resource } from '../../kit/resources.ts'

function filter(spec: object) {
  return document('BGPFilter', spec, { name: 'no-default' })
}

t.test('rules are read in order, with all they say', async (t) => {
  const read = resource(
    filter({
      importV4: [{ action: 'Reject', matchOperator: 'Equal', cidr: '0.0.0.0/0' }],
      exportV4: [
        {
          action: 'Accept',
          matchOperator: 'In',
          cidr: '10.66.0.0/16',
          prefixLength: { min: 16, max: 26 },
          source: 'RemotePeers',
          interface: 'eth*',
          peerType: 'eBGP',
          communities: { values: ['64512:77'] },
          asPathPrefix: [64512, '1.10'],
          priority: 1024,
          operations: [
            { addCommunity: { value: '64512:80' } },
            { prependASPath: { prefix: [64512] } },
            { setPriority: { value: 512 } },
          ],
        },
        { action: 'Reject' },
      ],
    }),
  )
  t.same(read.importV6, [])
  t.match(read.importV4, [
    { action: 'Reject', matchOperator: 'Equal', cidr: '0.0.0.0/0', operations: [], source: undefined },
  ])
  t.same(read.exportV4[0], {
    action: 'Accept',
    matchOperator: 'In',
    cidr: '10.66.0.0/16',
    prefixLength: { min: 16, max: 26 },
    source: 'RemotePeers',
    interface: 'eth*',
    peerType: 'eBGP',
    community: '64512:77',
    asPathPrefix: [64512, 65546],
    priority: 1024,
    operations: [
      { kind: 'addCommunity', value: '64512:80' },
      { kind: 'prependAsPath', prefix: [64512] },
      { kind: 'setPriority', value: 512 },
    ],
  })
  t.equal(read.exportV4[1]?.action, 'Reject')
})

t.test('one wrong rule spoils the filter, and is named', async (t) => {
  const operations = [{ addCommunity: { value: '1:1' } }]
  const cases: [object, RegExp][] = [
    [
      { cidr: '10.0.0.0/8', matchOperator: 'In' },
      /^spec.importV4\[0\].action: is missing; it must be one of Accept, Reject/,
    ],
    [
      { action: 'Accept', cidr: '10.0.0.0/8' },
      /^spec.importV4\[0\].matchOperator: and cidr must be given together/,
    ],
    [{ action: 'Accept', matchOperator: 'In' }, /^spec.importV4\[0\].matchOperator: and cidr/],
    [
      { action: 'Accept', matchOperator: 'In', cidr: 'fd66::/48' },
      /^spec.importV4\[0\].cidr: must be of the family/,
    ],
    [{ action: 'Accept', prefixLength: { min: 8 } }, /^spec.importV4\[0\].prefixLength: needs cidr/],
    [
      { action: 'Accept', matchOperator: 'In', cidr: '10.0.0.0/8', prefixLength: { max: 33 } },
      /prefixLength: must be 0 to 32/,
    ],
    [
      { action: 'Accept', communities: { values: ['1:1', '1:2'] } },
      /communities.values: must hold exactly one/,
    ],
    [{ action: 'Reject', operations }, /operations: go with action Accept only/],
    [{ action: 'Accept', operations: [{}] }, /operations: must each have exactly one/],
    [
      { action: 'Accept', operations: [{ addCommunity: { value: '1:1' }, setPriority: { value: 1 } }] },
      /exactly one of/,
    ],
    [{ action: 'Accept', operations: Array(11).fill(operations[0]) }, /operations: must be 10 at most/],
    [
      { action: 'Accept', operations: [{ prependASPath: { prefix: [] } }] },
      /operations: must prepend 1 to 10/,
    ],
    [
      { action: 'Accept', operations: [{ setPriority: { value: 0 } }] },
      /setPriority.value: 0 is not a whole number/,
    ],
    [{ action: 'Accept', source: 'Anyone' }, /source: "Anyone" is not one of RemotePeers/],
    [{ action: 'Accept', asPathPrefix: [0] }, /asPathPrefix\[0\]: 0 is not an AS number/],
  ]
  for (const [rule, expected] of cases)
    t.match(refusals(filter({ importV4: [rule] })), [expected], JSON.stringify(rule))
  t.same(
    refusals(
      filter({
        exportV6: [{ action: 'Accept', matchOperator: 'In', cidr: '::/0', prefixLength: { max: 128 } }],
      }),
    ),
    [],
  )
})
