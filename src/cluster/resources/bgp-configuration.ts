// BGPConfiguration: how all nodes speak (`default`), or one (`node.<name>`).
// Calico: api/pkg/apis/projectcalico/v3/bgpconfig.go.

import { z } from 'zod/mini'
import type { BgpConfiguration } from '../model.ts'
import { same } from '../same.ts'
import { configurationAnnotations, meshPrefixLimitOf } from './extensions.ts'
import {
  addressOf,
  anyCaseOf,
  boolean,
  cidrList,
  community,
  integer,
  interfacePattern,
  isCommunity,
  list,
  mapping,
  oneOf,
  optional,
  optionalAsn,
  or,
  prefix,
  seconds,
  secret,
  section,
  text,
} from './fields.ts'
import { parser, type Rule } from './parse.ts'

const schema = z.object({
  metadata: mapping({ annotations: configurationAnnotations }),
  spec: section({
    asNumber: optionalAsn,
    nodeToNodeMeshEnabled: optional(boolean),
    listenPort: optional(integer(1, 65535)),
    bindMode: optional(oneOf('None', 'NodeIP')),
    nodeMeshMaxRestartTime: optional(seconds),
    nodeMeshPassword: secret,
    ignoredInterfaces: list(interfacePattern),
    logSeverityScreen: optional(anyCaseOf('Trace', 'Debug', 'Info', 'Warning', 'Error', 'Fatal')),
    programClusterRoutes: optional(oneOf('Enabled', 'Disabled', 'EnabledIPIPOnly', 'EnabledNoEncapOnly')),
    communities: list(mapping({ name: text, value: community })),
    prefixAdvertisements: list(mapping({ cidr: prefix, communities: list(text) })),
    serviceClusterIPs: cidrList,
    serviceExternalIPs: cidrList,
    serviceLoadBalancerIPs: cidrList,
    serviceLoadBalancerAggregation: or(oneOf('Enabled', 'Disabled'), 'Enabled'),
    localWorkloadPeeringIPV4: optional(addressOf('ipv4')),
    localWorkloadPeeringIPV6: optional(addressOf('ipv6')),
  }),
})

type Parts = z.output<typeof schema>

const unset = schema.shape.spec.parse({})

const rules: readonly Rule<Parts>[] = [
  {
    field: 'metadata.name',
    broken: (_, { metadata }) => metadata.name !== 'default' && !/^node\../.test(metadata.name),
    message: 'must be default or node.<name of a node>',
  },
  {
    field: 'spec',
    broken: ({ spec }, { metadata }) => !same(spec, inScope(spec, metadata.name)),
    message:
      'holds what counts in BGPConfiguration/default only (AS, mesh, services, bind mode, cluster routes)',
    harmless: true,
  },
  {
    field: 'metadata.annotations',
    broken: ({ metadata }, { metadata: { name } }) =>
      name !== 'default' && meshPrefixLimitOf(metadata.annotations) !== undefined,
    message: 'limit the mesh (caracal.io/max-prefixes) in BGPConfiguration/default only',
    harmless: true,
  },
  {
    field: 'spec.nodeMeshPassword',
    broken: ({ spec }) => spec.nodeToNodeMeshEnabled === false && spec.nodeMeshPassword !== undefined,
    message: 'has no use while spec.nodeToNodeMeshEnabled is false',
    harmless: true,
  },
  {
    field: 'spec.nodeMeshMaxRestartTime',
    broken: ({ spec }) => spec.nodeToNodeMeshEnabled === false && spec.nodeMeshMaxRestartTime !== undefined,
    message: 'has no use while spec.nodeToNodeMeshEnabled is false',
    harmless: true,
  },
  {
    field: 'spec.communities',
    broken: ({ spec }) => spec.communities.length > 0 && spec.prefixAdvertisements.length === 0,
    message: 'has no use without spec.prefixAdvertisements',
    harmless: true,
  },
  {
    field: 'spec.ignoredInterfaces',
    broken: ({ spec }) => spec.ignoredInterfaces.includes('*'),
    message: 'must not be * alone; that would leave no interface',
  },
  {
    field: 'spec.prefixAdvertisements',
    broken: ({ spec }) =>
      spec.prefixAdvertisements.some(({ communities }) => !communities.every(knownIn(spec))),
    message: 'names a community that is neither a value like 64512:77 nor a name in spec.communities',
  },
]

export const parseBgpConfiguration = parser({
  schema,
  rules,
  build(parts, { metadata }): BgpConfiguration {
    const spec = inScope(parts.spec, metadata.name)
    return {
      kind: 'BGPConfiguration',
      name: metadata.name,
      asn: spec.asNumber,
      meshEnabled: spec.nodeToNodeMeshEnabled,
      listenPort: spec.listenPort,
      bindMode: spec.bindMode,
      meshMaxRestartTime: spec.nodeMeshMaxRestartTime,
      meshPassword: spec.nodeMeshPassword,
      meshPrefixLimit:
        metadata.name === 'default' ? meshPrefixLimitOf(parts.metadata.annotations) : undefined,
      ignoredInterfaces: spec.ignoredInterfaces,
      logSeverity: spec.logSeverityScreen,
      programClusterRoutes: spec.programClusterRoutes,
      communities: spec.communities,
      prefixAdvertisements: spec.prefixAdvertisements,
      serviceClusterIps: spec.serviceClusterIPs,
      serviceExternalIps: spec.serviceExternalIPs,
      serviceLoadBalancerIps: spec.serviceLoadBalancerIPs,
      serviceLoadBalancerAggregation: spec.serviceLoadBalancerAggregation === 'Enabled',
      localWorkloadPeeringIpv4: spec.localWorkloadPeeringIPV4,
      localWorkloadPeeringIpv6: spec.localWorkloadPeeringIPV6,
    }
  },
})

/** Calico refuses the rest in the configuration of one node, and ignores it where it is found. */
function inScope(spec: Parts['spec'], name: string): Parts['spec'] {
  if (name === 'default') return spec
  const { listenPort, logSeverityScreen, ignoredInterfaces, communities, prefixAdvertisements } = spec
  return { ...unset, listenPort, logSeverityScreen, ignoredInterfaces, communities, prefixAdvertisements }
}

function knownIn({ communities }: Parts['spec']): (given: string) => boolean {
  return (given) => isCommunity(given) || communities.some(({ name }) => name === given)
}
