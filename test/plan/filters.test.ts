import t from 'tap'
import type { BgpFilterRule } from '../../src/cluster/model.ts'
import { prefix } from '../../src/inet/prefix.ts'
import { peerFilters } from '../../src/plan/filters.ts'

const given: BgpFilterRule = {
  action: 'Accept',
  cidr: undefined,
  matchOperator: undefined,
  prefixLength: undefined,
  source: undefined,
  interface: undefined,
  peerType: undefined,
  community: undefined,
  asPathPrefix: undefined,
  priority: undefined,
  operations: [],
}

function translated(over: Partial<BgpFilterRule>, list: 'importV4' | 'exportV4' = 'exportV4') {
  const lists = { importV4: [], exportV4: [], importV6: [], exportV6: [] }
  const filter = { kind: 'BGPFilter', name: 'f', ...lists, [list]: [{ ...given, ...over }] } as const
  return peerFilters([filter])![list === 'importV4' ? 'import' : 'export'].ipv4[0]!
}

t.test('operators and lengths come to a range of lengths inside or outside a prefix', async (t) => {
  const cidr = prefix('10.1.0.0/16')
  const rows = [
    ['In', undefined, [16, 32, false]],
    ['NotIn', undefined, [16, 32, true]],
    ['Equal', undefined, [16, 16, false]],
    ['NotEqual', undefined, [16, 16, true]],
    ['In', { min: 24, max: 28 }, [24, 28, false]],
    ['In', { min: 8, max: undefined }, [16, 32, false]],
    ['NotIn', { min: undefined, max: 24 }, [16, 24, true]],
    ['Equal', { min: 24, max: 24 }, [24, 24, false]],
    ['NotEqual', { min: 24, max: 24 }, [24, 24, true]],
  ] as const
  for (const [matchOperator, prefixLength, [min, max, negated]] of rows) {
    const { conditions } = translated({ cidr, matchOperator, prefixLength })
    t.same(conditions, [{ kind: 'prefix', within: cidr, min, max, negated }], matchOperator)
  }
})

t.test('the other conditions', async (t) => {
  const all = {
    source: 'RemotePeers',
    interface: 'eth*',
    peerType: 'eBGP',
    community: '64512:7',
    asPathPrefix: [65000],
    priority: 512,
  } as const
  t.same(translated(all).conditions, [
    { kind: 'learned' },
    { kind: 'interface', pattern: 'eth*' },
    { kind: 'peer', type: 'external' },
    { kind: 'community', community: { size: 'standard', value: 64512 * 65536 + 7 } },
    { kind: 'as-path', begins: [65000] },
    { kind: 'local-pref', value: 2147483135 },
  ])
  t.same(
    translated({ source: 'RemotePeers' }, 'importV4').conditions,
    [],
    'all that comes in does so from peers',
  )
})

t.test('operations', async (t) => {
  const { operations, accept, because } = translated({
    operations: [
      { kind: 'addCommunity', value: '1:2:3' },
      { kind: 'prependAsPath', prefix: [1, 2] },
      { kind: 'setPriority', value: 1024 },
    ],
  })
  t.same(operations, [
    { kind: 'add-community', community: { size: 'large', value: '1:2:3' } },
    { kind: 'prepend-as-path', asns: [1, 2] },
    { kind: 'set-local-pref', value: 2147482623 },
  ])
  t.same([accept, because], [true, 'BGPFilter f, exportV4 rule 1'])
})

t.test('without filters there is nothing to follow', async (t) => {
  t.equal(peerFilters([]), undefined)
})
