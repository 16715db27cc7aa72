// BGPFilter resources as the rules the speaker follows. Calico: confd/pkg/backends/calico/bgp_processor.go and its templates.

import type { Community, Condition, FilterRule, Operation } from '../bgp/rib/filter.ts'
import type { PeerFilters } from '../bgp/types.ts'
import type { BgpFilter, BgpFilterOperation, BgpFilterRule } from '../cluster/model.ts'
import { familyBits, familyOf } from '../inet/address.ts'
import { prefixLength } from '../inet/prefix.ts'
import { localPrefOf } from './priority.ts'

/** The rules of several filters, in their order. Undefined when there are none. */
export function peerFilters(filters: readonly BgpFilter[]): PeerFilters | undefined {
  if (filters.length === 0) return undefined
  const of = (list: FilterList): FilterRule[] => filters.flatMap((filter) => rules(filter, list))
  return {
    import: { ipv4: of('importV4'), ipv6: of('importV6') },
    export: { ipv4: of('exportV4'), ipv6: of('exportV6') },
  }
}

type FilterList = 'importV4' | 'importV6' | 'exportV4' | 'exportV6'

function rules(filter: BgpFilter, list: FilterList): FilterRule[] {
  const imports = list.startsWith('import')
  return filter[list].map((rule, i) => ({
    because: `BGPFilter ${filter.name}, ${list} rule ${i + 1}`,
    accept: rule.action === 'Accept',
    conditions: conditions(rule).filter(({ kind }) => kind !== 'learned' || !imports),
    operations: rule.operations.map(operation),
  }))
}

function conditions(rule: BgpFilterRule): Condition[] {
  const { source, interface: pattern, peerType, community: text, asPathPrefix: begins, priority } = rule
  return [
    ...prefixCondition(rule),
    ...(source === 'RemotePeers' ? [{ kind: 'learned' } as const] : []),
    ...(pattern !== undefined ? [{ kind: 'interface', pattern } as const] : []),
    ...(peerType ? [{ kind: 'peer', type: peerType === 'iBGP' ? 'internal' : 'external' } as const] : []),
    ...(text !== undefined ? [{ kind: 'community', community: community(text) } as const] : []),
    ...(begins ? [{ kind: 'as-path', begins } as const] : []),
    ...(priority !== undefined ? [{ kind: 'local-pref', value: localPrefOf(priority) } as const] : []),
  ]
}

/**
 * Lengths go with any operator: BIRD's `Equal` with lengths can never hold, which nobody can have meant; here it is `In`
 * with these lengths.
 */
function prefixCondition({ cidr, matchOperator, prefixLength: lengths }: BgpFilterRule): Condition[] {
  if (!cidr || !matchOperator) return []
  const own = prefixLength(cidr)
  const exact = matchOperator.endsWith('Equal') && !lengths
  return [
    {
      kind: 'prefix',
      within: cidr,
      min: Math.max(lengths?.min ?? 0, own),
      max: exact ? own : (lengths?.max ?? familyBits(familyOf(cidr))),
      negated: matchOperator.startsWith('Not'),
    },
  ]
}

function operation(given: BgpFilterOperation): Operation {
  switch (given.kind) {
    case 'addCommunity':
      return { kind: 'add-community', community: community(given.value) }
    case 'prependAsPath':
      return { kind: 'prepend-as-path', asns: given.prefix }
    case 'setPriority':
      return { kind: 'set-local-pref', value: localPrefOf(given.value) }
  }
}

/** `64512:77`, or `64512:77:1`; the resource has been checked. */
export function community(text: string): Community {
  const parts = text.split(':').map(Number)
  if (parts.length === 3) return { size: 'large', value: parts.join(':') }
  return { size: 'standard', value: parts[0]! * 0x10000 + parts[1]! }
}
