import t from 'tap'
import {
  type Condition,
  deciding,
  type FilterRule,
  matches,
  operate,
  type Subject,
} from '../../../src/bgp/rib/filter.ts'
import type { Path } from '../../../src/bgp/types.ts'
import type { PathAttributes } from '../../../src/bgp/wire/message.ts'
import { prefix } from '../../../src/inet/prefix.ts'
import { path, peer, prefixWithin, sequence } from '../../kit/rib.ts'

const node = peer(2)
const rule = (conditions: Condition[], accept = true): FilterRule => ({
  because: 'a test',
  accept,
  conditions,
  operations: [],
})

interface Given {
  readonly of?: string
  readonly own?: true
  readonly attributes?: PathAttributes
  readonly leaves?: string
  readonly peer?: 'internal' | 'external'
}

function subject({
  of = '10.1.0.0/26',
  own,
  attributes = {},
  leaves = '',
  peer = 'internal',
}: Given): Subject {
  const given: Path = { ...path(own ? null : node, attributes), prefix: prefix(of) }
  return { path: given, asPath: given.attributes.asPath!, peer, interface: () => leaves }
}

const holds = (condition: Condition, given: Given): boolean =>
  deciding([rule([condition])], subject(given)) !== undefined

t.test('each condition, and when it holds', async (t) => {
  const [pool, v6] = [prefix('10.1.0.0/16'), prefix('fd00::/8')]
  const standard = (value: number): Condition => ({
    kind: 'community',
    community: { size: 'standard', value },
  })
  const large: Condition = { kind: 'community', community: { size: 'large', value: '1:2:3' } }
  const begins = (...asns: number[]): Condition => ({ kind: 'as-path', begins: asns })
  const leaves = (pattern: string): Condition => ({ kind: 'interface', pattern })
  const cases: [Condition, Given, boolean][] = [
    [prefixWithin(pool), { of: '10.1.0.0/16' }, true],
    [prefixWithin(pool), { of: '10.1.2.3/32' }, true],
    [prefixWithin(pool), { of: '10.0.0.0/8' }, false],
    [prefixWithin(pool), { of: '10.2.0.0/26' }, false],
    [prefixWithin(pool, { negated: true }), { of: '10.2.0.0/26' }, true],
    [prefixWithin(pool, { negated: true }), { of: '10.1.0.0/26' }, false],
    [prefixWithin(pool, { max: 16 }), { of: '10.1.0.0/16' }, true],
    [prefixWithin(pool, { max: 16 }), { of: '10.1.0.0/17' }, false],
    [prefixWithin(pool, { min: 26, max: 28 }), { of: '10.1.0.0/26' }, true],
    [prefixWithin(pool, { min: 26, max: 28 }), { of: '10.1.0.0/25' }, false],
    [prefixWithin(pool, { min: 26, max: 28, negated: true }), { of: '10.1.0.0/29' }, true],
    [prefixWithin(v6), { of: 'fd00:1::/64' }, true],
    [prefixWithin(v6), { of: '10.1.0.0/26' }, false],
    [{ kind: 'learned' }, {}, true],
    [{ kind: 'learned' }, { own: true }, false],
    [leaves('eth?'), { leaves: 'eth0' }, true],
    [leaves('eth?'), { leaves: 'eth10' }, false],
    [leaves('*.calico'), { leaves: 'vxlan.calico' }, true],
    [leaves('*.calico'), { leaves: 'vxlanXcalico' }, false],
    [leaves('*'), {}, true],
    [leaves('eth*'), {}, false],
    [{ kind: 'peer', type: 'external' }, { peer: 'external' }, true],
    [{ kind: 'peer', type: 'external' }, {}, false],
    [standard(5), { attributes: { communities: [4, 5] } }, true],
    [standard(5), { attributes: { communities: [4] } }, false],
    [standard(5), {}, false],
    [large, { attributes: { largeCommunities: ['1:2:3'] } }, true],
    [large, { attributes: { largeCommunities: ['1:2:4'] } }, false],
    [begins(7), { attributes: { asPath: sequence(7, 8) } }, true],
    [begins(7, 8), { attributes: { asPath: sequence(7, 8) } }, true],
    [begins(7, 8, 9), { attributes: { asPath: sequence(7, 8) } }, false],
    [begins(8), { attributes: { asPath: sequence(7, 8) } }, false],
    [begins(7, 8), { attributes: { asPath: [...sequence(7), ...sequence(8)] } }, true],
    [begins(7, 8), { attributes: { asPath: [...sequence(7), { type: 'set', asns: [8] }] } }, false],
    [{ kind: 'local-pref', value: 100 }, {}, true],
    [{ kind: 'local-pref', value: 99 }, {}, false],
  ]
  for (const [condition, given, expected] of cases) {
    t.equal(holds(condition, given), expected, JSON.stringify([condition, given]))
  }
})

t.test('a name is matched as a whole, and letters stand for themselves', async (t) => {
  t.same(
    ['eth0', 'eth', 'xeth0', 'eth0x'].map((name) => matches('eth?', name)),
    [true, false, false, false],
  )
  t.ok(matches('a.b+(c)', 'a.b+(c)'))
})

t.test('the first rule whose conditions all hold decides; without conditions one always does', async (t) => {
  const elsewhere = rule([{ kind: 'learned' }, prefixWithin(prefix('10.2.0.0/16'))], false)
  const [no, yes] = [rule([{ kind: 'learned' }], false), rule([])]
  t.equal(deciding([elsewhere, no, yes], subject({})), no)
  t.equal(deciding([elsewhere, no, yes], subject({ own: true })), yes)
  t.equal(deciding([elsewhere], subject({})), undefined)
})

t.test('operations are done in order', async (t) => {
  const add = (value: number) => ({ kind: 'add-community', community: { size: 'standard', value } }) as const
  const addLarge = (value: string) =>
    ({ kind: 'add-community', community: { size: 'large', value } }) as const
  t.match(operate([add(5), add(3), add(5)], {}), { communities: [3, 5] })
  t.match(operate([addLarge('10:1:1'), addLarge('9:1:1')], {}), { largeCommunities: ['9:1:1', '10:1:1'] })
  const twice = [
    { kind: 'prepend-as-path', asns: [1, 2] },
    { kind: 'prepend-as-path', asns: [3] },
  ] as const
  t.match(operate(twice, { asPath: sequence(9) }), { asPath: sequence(3, 1, 2, 9) })
  t.match(operate([{ kind: 'set-local-pref', value: 7 }], { localPref: 1 }), { localPref: 7 })
})
