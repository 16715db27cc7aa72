// Filters against a second evaluator that knows nothing of the first: prefixes are strings of bits, paths and communities
// are text, patterns are tried character by character.

import fc from 'fast-check'
import t from 'tap'
import {
  type Condition,
  deciding,
  type FilterRule,
  type Operation,
  operate,
  type Subject,
} from '../../../src/bgp/rib/filter.ts'
import type { AsSegment, PathAttributes } from '../../../src/bgp/wire/message.ts'
import { address, addressBytes } from '../../../src/inet/address.ts'
import { type Prefix, prefixAddress, prefixLength, prefixOf } from '../../../src/inet/prefix.ts'
import { fuzz } from '../../kit/fuzz.ts'
import { path, peer, prefixWithin } from '../../kit/rib.ts'

const anyPrefix: fc.Arbitrary<Prefix> = fc
  .tuple(
    fc.constantFrom('10.1.0.0', '10.1.128.0', '10.2.3.0', '0.0.0.0', 'fd00::', 'fd00:0:0:1::'),
    fc.nat(128),
  )
  .map(([at, length]) => prefixOf(address(at), at.includes(':') ? length : length % 33))

const anyCommunity = fc.constantFrom(
  { size: 'standard', value: 0xfc00_0001 } as const,
  { size: 'standard', value: 1 } as const,
  { size: 'large', value: '64512:1:2' } as const,
  { size: 'large', value: '64512:10:2' } as const,
)

const anyAsns = fc.array(fc.constantFrom(64512, 65001, 4200000000), { maxLength: 3 })

const anyAsPath: fc.Arbitrary<AsSegment[]> = fc.array(
  fc.record({
    type: fc.constantFrom('sequence' as const, 'set' as const),
    asns: fc.array(fc.constantFrom(64512, 65001), { minLength: 1, maxLength: 3 }),
  }),
  { maxLength: 3 },
)

const anyText = fc.string({ unit: fc.constantFrom('e', 't', 'h', '.', '0'), maxLength: 5 })
const anyPattern = fc.string({ unit: fc.constantFrom('e', 't', 'h', '.', '*', '?'), maxLength: 5 })
const anyBound = fc.option(fc.nat(128), { nil: undefined })

const anyCondition: fc.Arbitrary<Condition> = fc.oneof(
  fc
    .tuple(anyPrefix, anyBound, anyBound, fc.boolean())
    .map(([within, min, max, negated]) =>
      prefixWithin(within, { ...(min !== undefined && { min }), ...(max !== undefined && { max }), negated }),
    ),
  fc.constant({ kind: 'learned' } as const),
  fc.record({ kind: fc.constant('interface' as const), pattern: anyPattern }),
  fc.record({ kind: fc.constant('peer' as const), type: fc.constantFrom('internal' as const, 'external') }),
  fc.record({ kind: fc.constant('community' as const), community: anyCommunity }),
  fc.record({ kind: fc.constant('as-path' as const), begins: anyAsns }),
  fc.record({ kind: fc.constant('local-pref' as const), value: fc.constantFrom(100, 0x7fff_fbff) }),
)

const anyOperation: fc.Arbitrary<Operation> = fc.oneof(
  fc.record({ kind: fc.constant('add-community' as const), community: anyCommunity }),
  fc.record({ kind: fc.constant('prepend-as-path' as const), asns: anyAsns }),
  fc.record({ kind: fc.constant('set-local-pref' as const), value: fc.constantFrom(1, 0xffff_ffff) }),
)

const anyRule: fc.Arbitrary<FilterRule> = fc.record({
  because: fc.constant('a rule'),
  accept: fc.boolean(),
  conditions: fc.array(anyCondition, { maxLength: 3 }),
  operations: fc.array(anyOperation, { maxLength: 4 }),
})

const anyAttributes: fc.Arbitrary<PathAttributes> = fc.record({
  asPath: anyAsPath,
  localPref: fc.constantFrom(100, 0x7fff_fbff),
  communities: fc.uniqueArray(fc.constantFrom(1, 7, 0xfc00_0001)).map((some) => some.sort((a, b) => a - b)),
  largeCommunities: fc.subarray(['64512:1:2', '64512:9:2', '64512:10:2']),
})

const anySubject: fc.Arbitrary<Subject> = fc
  .record({
    attributes: anyAttributes,
    prefix: anyPrefix,
    own: fc.boolean(),
    type: fc.constantFrom('internal' as const, 'external' as const),
    name: anyText,
  })
  .map(({ attributes, prefix, own, type, name }) => ({
    path: { ...path(own ? null : peer(2), attributes), prefix },
    asPath: attributes.asPath ?? [],
    peer: type,
    interface: () => name,
  }))

const bitsOf = (prefix: Prefix): string =>
  [...addressBytes(prefixAddress(prefix))]
    .map((byte) => byte.toString(2).padStart(8, '0'))
    .join('')
    .slice(0, prefixLength(prefix))

const isIpv6 = (prefix: Prefix): boolean => prefix.includes(':')

/** By the first character of each, as one would on paper. */
function fits(pattern: string, text: string): boolean {
  if (pattern === '') return text === ''
  const rest = pattern.slice(1)
  if (pattern[0] === '*') return fits(rest, text) || (text !== '' && fits(pattern, text.slice(1)))
  return text !== '' && (pattern[0] === '?' || pattern[0] === text[0]) && fits(rest, text.slice(1))
}

function communityTexts({ communities = [], largeCommunities = [] }: PathAttributes): string[] {
  return [...communities.map(String), ...largeCommunities]
}

function expected(condition: Condition, { path, asPath, peer, interface: name }: Subject): boolean {
  switch (condition.kind) {
    case 'prefix': {
      const { within, min, max, negated } = condition
      const [outer, inner] = [bitsOf(within), bitsOf(path.prefix)]
      const isIn = isIpv6(within) === isIpv6(path.prefix) && inner.startsWith(outer)
      const fitting = isIn && inner.length >= min && inner.length <= max
      return negated ? !fitting : fitting
    }
    case 'learned':
      return path.peer !== null
    case 'interface':
      return fits(condition.pattern, name())
    case 'peer':
      return condition.type === peer
    case 'community':
      return communityTexts(path.attributes).includes(String(condition.community.value))
    case 'as-path': {
      const words = asPath.flatMap(({ type, asns }) => (type === 'set' ? ['{}'] : asns.map(String)))
      return ` ${words.join(' ')} `.startsWith(` ${condition.begins.map((asn) => `${asn} `).join('')}`)
    }
    case 'local-pref':
      return path.attributes.localPref === condition.value
  }
}

function first(rules: readonly FilterRule[], subject: Subject): FilterRule | undefined {
  for (const rule of rules) {
    let all = true
    for (const condition of rule.conditions) all = all && expected(condition, subject)
    if (all) return rule
  }
  return undefined
}

t.test('the rule that decides is the one a second evaluator finds', async (t) => {
  fuzz(
    t,
    fc.property(fc.array(anyRule, { maxLength: 5 }), anySubject, (rules, subject) => {
      return deciding(rules, subject) === first(rules, subject)
    }),
  )
})

t.test('operations leave what a second evaluator expects', async (t) => {
  const asText = (asPath: readonly AsSegment[] = []): string =>
    asPath.map(({ type, asns }) => (type === 'set' ? `{${asns.join(' ')}}` : asns.join(' '))).join(' ')
  fuzz(
    t,
    fc.property(fc.array(anyOperation, { maxLength: 6 }), anyAttributes, (operations, attributes) => {
      const after = operate(operations, attributes)
      let [asPath, localPref] = [asText(attributes.asPath), attributes.localPref]
      const communities = new Set(communityTexts(attributes))
      for (const operation of operations) {
        if (operation.kind === 'set-local-pref') localPref = operation.value
        else if (operation.kind === 'add-community') communities.add(String(operation.community.value))
        else asPath = [...operation.asns, asPath].join(' ').trim()
      }
      const held = communityTexts(after)
      return (
        after.localPref === localPref &&
        asText(after.asPath) === asPath &&
        held.length === communities.size &&
        held.every((one) => communities.has(one))
      )
    }),
  )
})
