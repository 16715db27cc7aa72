// Service of Kubernetes: the addresses under which many pods are reached as one. Read as Calico's
// confd/pkg/backends/calico/routes.go reads it. What cannot be read of it costs one address, not the service.

import { z } from 'zod/mini'
import { type Address, type Family, parseAddress } from '../../inet/address.ts'
import type { Service } from '../model.ts'
import { list, mapping, oneOf, optional, or, section, text } from './fields.ts'
import { parser } from './parse.ts'

const schema = z.object({
  spec: section({
    type: or(oneOf('ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName'), 'ClusterIP'),
    clusterIP: optional(text),
    clusterIPs: list(text),
    externalIPs: list(text),
    loadBalancerIP: optional(text),
    ipFamilies: list(oneOf('IPv4', 'IPv6')),
    externalTrafficPolicy: or(oneOf('Cluster', 'Local'), 'Cluster'),
  }),
  status: section({
    loadBalancer: section({ ingress: list(mapping({ ip: optional(text) })) }),
  }),
})

const families: Readonly<Record<'IPv4' | 'IPv6', Family>> = { IPv4: 'ipv4', IPv6: 'ipv6' }

export const parseService = parser({
  schema,
  build({ spec, status }, { metadata }): Service {
    // API servers before 1.20 say `clusterIP` alone. `None` is that of a headless service.
    const clusterIps = spec.clusterIPs.length > 0 ? spec.clusterIPs : [spec.clusterIP]
    return {
      kind: 'Service',
      name: metadata.name,
      namespace: metadata.namespace ?? 'default',
      type: spec.type,
      clusterIps: addresses(clusterIps),
      externalIps: addresses(spec.externalIPs),
      loadBalancerIps: addresses(status.loadBalancer.ingress.map(({ ip }) => ip)),
      requestedLoadBalancerIp: addresses([spec.loadBalancerIP])[0],
      families: spec.ipFamilies.map((name) => families[name]),
      externalTrafficPolicy: spec.externalTrafficPolicy,
    }
  },
})

function addresses(given: readonly (string | undefined)[]): Address[] {
  return given.flatMap((one) => parseAddress(one ?? '') ?? [])
}
