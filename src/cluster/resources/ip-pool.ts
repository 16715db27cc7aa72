// IPPool: a range of addresses, and how packets to and from them travel. Calico: api/pkg/apis/projectcalico/v3/ippool.go,
// libcalico-go/lib/validator/v3 (validateIPPoolSpec).

import { z } from 'zod/mini'
import { familyBits, familyOf } from '../../inet/address.ts'
import { contains, prefix as known, type Prefix, prefixLength } from '../../inet/prefix.ts'
import type { IpPool, PoolUse } from '../model.ts'
import { parseSelector } from '../selector/selector.ts'
import {
  flag,
  integer,
  list,
  mapping,
  oneOf,
  optional,
  or,
  prefix,
  section,
  selector,
  text,
} from './fields.ts'
import { nameRule, parser, type Rule } from './parse.ts'

const mode = or(oneOf('Never', 'Always', 'CrossSubnet'), 'Never')

const schema = z.object({
  spec: section({
    cidr: prefix,
    blockSize: or(integer(0, 128), 0),
    ipipMode: mode,
    vxlanMode: mode,
    natOutgoing: flag,
    disabled: flag,
    disableBGPExport: flag,
    nodeSelector: or(selector, parseSelector('all()')),
    namespaceSelector: optional(selector),
    allowedUses: list(oneOf('Workload', 'Tunnel', 'LoadBalancer')),
    assignmentMode: or(oneOf('Automatic', 'Manual'), 'Automatic'),
  }),
  status: section({ conditions: list(mapping({ type: text, status: text })) }),
})

type Parts = z.output<typeof schema>

const linkLocal = [known('169.254.0.0/16'), known('fe80::/10')]

const rules: readonly Rule<Parts>[] = [
  nameRule,
  {
    field: 'spec.cidr',
    broken: ({ spec }) => linkLocal.some((range) => contains(range, spec.cidr)),
    message: 'is link-local; take a range outside 169.254.0.0/16 and fe80::/10',
  },
  {
    field: 'spec.blockSize',
    broken: ({ spec }) => spec.blockSize !== 0 && !isBlockSize(spec),
    message: 'is out of range; 20 to 32 for IPv4, 116 to 128 for IPv6',
  },
  {
    field: 'spec.cidr',
    broken: ({ spec }) => !spec.disabled && isBlockSize(spec) && prefixLength(spec.cidr) > blockSizeOf(spec),
    message: 'is smaller than one block; make it wider, or spec.blockSize longer',
  },
  {
    field: 'spec.ipipMode',
    broken: ({ spec }) => spec.ipipMode !== 'Never' && spec.vxlanMode !== 'Never',
    message: 'is set beside spec.vxlanMode; one of the two must be Never',
  },
  {
    field: 'spec.ipipMode',
    broken: ({ spec }) => spec.ipipMode !== 'Never' && familyOf(spec.cidr) === 'ipv6',
    message: 'must be Never in an IPv6 pool; IPIP carries IPv4 only',
  },
  {
    field: 'spec.nodeSelector',
    broken: ({ spec }) => /(^|[(! ])global\(\)/.test(spec.nodeSelector.text),
    message: 'must not use global(); write all()',
    harmless: true,
  },
  {
    field: 'spec.namespaceSelector',
    broken: ({ spec }) => spec.namespaceSelector !== undefined && usesOf(spec).includes('Tunnel'),
    message: 'does not go together with Tunnel in spec.allowedUses',
    harmless: true,
  },
  {
    field: 'spec.allowedUses',
    broken: ({ spec }) => spec.allowedUses.includes('LoadBalancer') && !isLoadBalancerPool(spec),
    message:
      'has LoadBalancer, which must stand alone, without encapsulation, with nodeSelector all() and BGP export on',
    harmless: true,
  },
]

export const parseIpPool = parser({
  schema,
  rules,
  build({ spec, status }, { metadata }): IpPool {
    const { disableBGPExport, ...same } = spec
    return {
      ...same,
      kind: 'IPPool',
      name: metadata.name,
      family: familyOf(spec.cidr),
      blockSize: blockSizeOf(spec),
      disableBgpExport: disableBGPExport,
      allowedUses: usesOf(spec),
      deleting: metadata.deletionTimestamp != null,
      allocatable: !status.conditions.some(
        ({ type, status }) => type === 'Allocatable' && status === 'False',
      ),
    }
  },
})

/** The default leaves 64 addresses in either family; 0 stands for it. */
function blockSizeOf({ cidr, blockSize }: { cidr: Prefix; blockSize: number }): number {
  return blockSize === 0 ? familyBits(familyOf(cidr)) - 6 : blockSize
}

function isBlockSize(spec: { cidr: Prefix; blockSize: number }): boolean {
  const hostBits = familyBits(familyOf(spec.cidr)) - blockSizeOf(spec)
  return hostBits >= 0 && hostBits <= 12
}

function usesOf({ allowedUses }: { allowedUses: readonly PoolUse[] }): readonly PoolUse[] {
  return allowedUses.length > 0 ? allowedUses : ['Workload', 'Tunnel']
}

function isLoadBalancerPool(spec: Parts['spec']): boolean {
  const alone = spec.allowedUses.length === 1 && spec.nodeSelector.text === 'all()'
  return alone && spec.ipipMode === 'Never' && spec.vxlanMode === 'Never' && !spec.disableBGPExport
}
