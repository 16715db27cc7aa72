// The sets that rules look addresses up in. Calico felix/dataplane/linux/masq_mgr.go, hostip_mgr.go.

import { FAMILIES, type Family, familyOf } from '../inet/address.ts'
import { hostPrefix, type Prefix, prefixAddress } from '../inet/prefix.ts'
import type { NatInputs, NatSettings } from './nat-inputs.ts'
import type { IpSet, SetMember } from './wanted.ts'

/** The sets a family may have, by role. */
export type SetNames = Readonly<Record<'pools' | 'masqPools' | 'hosts', string>>

/** Names of the sets of each family. */
export const setNames: Readonly<Record<Family, SetNames>> = {
  ipv4: { pools: 'caracal-pools-v4', masqPools: 'caracal-masq-pools-v4', hosts: 'caracal-hosts-v4' },
  ipv6: { pools: 'caracal-pools-v6', masqPools: 'caracal-masq-pools-v6', hosts: 'caracal-hosts-v6' },
}

interface SetKind {
  readonly name: string
  readonly family: Family
  readonly holds: string
  /** Whether a rule looks into it, once the family is translated at all. */
  readonly used: (settings: NatSettings) => boolean
  /** All that could be in it. */
  readonly candidates: (inputs: NatInputs) => Iterable<Prefix>
  /** Why one of them is, or undefined. */
  readonly because: (prefix: Prefix, inputs: NatInputs) => string | undefined
}

export const setKinds = new Map(
  FAMILIES.flatMap((family) => kindsOf(family).map((kind) => [kind.name, kind])),
)

function kindsOf(family: Family): SetKind[] {
  const { pools, masqPools, hosts } = setNames[family]
  const always = () => true
  return [
    {
      // Disabled pools too: a pool is drained pod by pod. Not those of load balancers, which are outside (Calico #12858).
      name: pools,
      family,
      holds: 'the pools, where packets go as they are',
      used: always,
      candidates: ({ facts }) => [...facts.pools()].map(({ cidr }) => cidr),
      because: (prefix, { facts }) =>
        facts
          .poolsAt(prefix)
          .filter(({ allowedUses }) => allowedUses.some((use) => use !== 'LoadBalancer'))
          .map(({ name }) => `pool ${name}`)[0],
    },
    {
      name: masqPools,
      family,
      holds: 'the pools whose pods leave the cluster under another address',
      used: always,
      candidates: ({ facts }) => [...facts.pools()].map(({ cidr }) => cidr),
      because: (prefix, { facts }) =>
        facts
          .poolsAt(prefix)
          .filter(({ natOutgoing }) => natOutgoing)
          .map(({ name }) => `pool ${name} has natOutgoing`)[0],
    },
    {
      name: hosts,
      family,
      holds: 'the hosts of the cluster, where packets go as they are (natOutgoingExclusions)',
      used: ({ excludeHosts }) => excludeHosts,
      candidates: ({ facts, settings }) => [
        ...[...facts.nodesByAddress.keys()].map(hostPrefix),
        ...settings.externalNodes,
      ],
      because: hostBecause,
    },
  ]
}

function hostBecause(prefix: Prefix, { facts, settings }: NatInputs): string | undefined {
  const nodes = [...facts.nodesByAddress.get(prefixAddress(prefix))].sort()
  if (nodes.length > 0 && hostPrefix(prefixAddress(prefix)) === prefix) return `node ${nodes[0]}`
  // IPv4 only, as in Calico.
  const isExternal = familyOf(prefix) === 'ipv4' && settings.externalNodes.includes(prefix)
  return isExternal ? 'externalNodesList' : undefined
}

export function setFor(name: string, inputs: NatInputs): IpSet | undefined {
  const { family, holds, used } = setKinds.get(name)!
  if (!isTranslated(family, inputs) || !used(inputs.settings)) return undefined
  return { name, family, maxElements: inputs.settings.maxIpsetSize, because: holds }
}

export function memberFor(key: string, inputs: NatInputs): SetMember | undefined {
  const [set, prefix] = key.split(' ') as [string, Prefix]
  const because = setFor(set, inputs) && setKinds.get(set)!.because(prefix, inputs)
  return because === undefined ? undefined : { set, prefix, because }
}

/** Whether a pool of the family has natOutgoing. */
export function isTranslated(family: Family, { facts, ipv6 }: NatInputs): boolean {
  if (family === 'ipv6' && !ipv6) return false
  return [...facts.pools()].some((pool) => pool.family === family && pool.natOutgoing)
}
