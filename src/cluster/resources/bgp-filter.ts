// BGPFilter: rules on single routes, first match wins. Calico: api/pkg/apis/projectcalico/v3/bgpfilter.go.
//
// One wrong rule spoils the whole filter: applied without it, it would let through what it was written to stop.

import { z } from 'zod/mini'
import { type Family, familyBits, familyOf } from '../../inet/address.ts'
import type { BgpFilter, BgpFilterOperation, BgpFilterRule } from '../model.ts'
import {
  asn,
  community,
  integer,
  interfacePattern,
  list,
  mapping,
  oneOf,
  optional,
  prefix,
  section,
} from './fields.ts'
import { nameRule, parser } from './parse.ts'

const priority = integer(1, 2147483646)

const operation = mapping({
  addCommunity: optional(mapping({ value: community })),
  prependASPath: optional(mapping({ prefix: z.array(asn) })),
  setPriority: optional(mapping({ value: priority })),
})

const rule = mapping({
  action: oneOf('Accept', 'Reject'),
  cidr: optional(prefix),
  matchOperator: optional(oneOf('Equal', 'NotEqual', 'In', 'NotIn')),
  prefixLength: optional(mapping({ min: optional(integer(0, 128)), max: optional(integer(0, 128)) })),
  source: optional(oneOf('RemotePeers')),
  interface: optional(interfacePattern),
  peerType: optional(oneOf('eBGP', 'iBGP')),
  communities: optional(mapping({ values: z.array(community) })),
  asPathPrefix: optional(z.array(asn)),
  priority: optional(priority),
  operations: list(operation),
})

type RuleParts = z.output<typeof rule>
type Operation = z.output<typeof operation>

/** What may not be in one rule: [field, test, what would be right]. */
const faults: readonly (readonly [string, (rule: RuleParts, family: Family) => boolean, string])[] = [
  [
    'cidr',
    ({ cidr }, family) => cidr !== undefined && familyOf(cidr) !== family,
    'must be of the family of its list',
  ],
  [
    'matchOperator',
    ({ cidr, matchOperator }) => (cidr === undefined) !== (matchOperator === undefined),
    'and cidr must be given together or not at all',
  ],
  [
    'prefixLength',
    ({ cidr, prefixLength }) => prefixLength !== undefined && cidr === undefined,
    'needs cidr and matchOperator',
  ],
  [
    'prefixLength',
    ({ prefixLength }, family) =>
      Math.max(prefixLength?.min ?? 0, prefixLength?.max ?? 0) > familyBits(family),
    'must be 0 to 32 for IPv4 and 0 to 128 for IPv6',
  ],
  [
    'communities.values',
    ({ communities }) => (communities?.values.length ?? 1) !== 1,
    'must hold exactly one community',
  ],
  [
    'operations',
    ({ action, operations }) => action !== 'Accept' && operations.length > 0,
    'go with action Accept only',
  ],
  ['operations', ({ operations }) => operations.length > 10, 'must be 10 at most'],
  [
    'operations',
    ({ operations }) => operations.some((given) => membersOf(given).length !== 1),
    'must each have exactly one of addCommunity, prependASPath and setPriority',
  ],
  [
    'operations',
    ({ operations }) => operations.some(({ prependASPath: path }) => path && !isPrependable(path.prefix)),
    'must prepend 1 to 10 AS numbers',
  ],
]

const schema = z.object({
  spec: section({
    importV4: list(ruleOf('ipv4')),
    exportV4: list(ruleOf('ipv4')),
    importV6: list(ruleOf('ipv6')),
    exportV6: list(ruleOf('ipv6')),
  }),
})

export const parseBgpFilter = parser({
  schema,
  rules: [nameRule],
  build({ spec }, { metadata }): BgpFilter {
    return {
      kind: 'BGPFilter',
      name: metadata.name,
      importV4: spec.importV4.map(build),
      exportV4: spec.exportV4.map(build),
      importV6: spec.importV6.map(build),
      exportV6: spec.exportV6.map(build),
    }
  },
})

function ruleOf(family: Family): z.ZodMiniType<RuleParts> {
  return rule.check(
    z.superRefine((given, context) => {
      for (const [field, broken, message] of faults) {
        if (broken(given, family)) context.addIssue({ code: 'custom', path: field.split('.'), message })
      }
    }),
  )
}

function build({ communities, operations, ...same }: RuleParts): BgpFilterRule {
  return { ...same, community: communities?.values[0], operations: operations.flatMap(membersOf) }
}

function membersOf({ addCommunity, prependASPath, setPriority }: Operation): BgpFilterOperation[] {
  return [
    ...(addCommunity ? [{ kind: 'addCommunity', value: addCommunity.value } as const] : []),
    ...(prependASPath ? [{ kind: 'prependAsPath', prefix: prependASPath.prefix } as const] : []),
    ...(setPriority ? [{ kind: 'setPriority', value: setPriority.value } as const] : []),
  ]
}

function isPrependable(path: readonly number[]): boolean {
  return path.length >= 1 && path.length <= 10
}
