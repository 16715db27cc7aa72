// EndpointSlice of Kubernetes (discovery.k8s.io/v1): some of the endpoints of a service.

import { z } from 'zod/mini'
import { parseAddress } from '../../inet/address.ts'
import type { EndpointSlice } from '../model.ts'
import { boolean, labels, list, mapping, optional, section, text } from './fields.ts'
import { parser } from './parse.ts'

/** The label by which a slice belongs to a service. */
const SERVICE = 'kubernetes.io/service-name'

const schema = z.object({
  metadata: mapping({ labels }),
  spec: section({
    addressType: optional(text),
    endpoints: list(
      mapping({
        addresses: list(text),
        nodeName: optional(text),
        conditions: section({ ready: optional(boolean) }),
      }),
    ),
  }),
})

export const parseEndpointSlice = parser({
  schema,
  build({ metadata: { labels }, spec }, { metadata }): EndpointSlice {
    const { addressType } = spec
    return {
      kind: 'EndpointSlice',
      name: metadata.name,
      namespace: metadata.namespace ?? 'default',
      service: labels[SERVICE],
      family: addressType === 'IPv4' ? 'ipv4' : addressType === 'IPv6' ? 'ipv6' : undefined,
      endpoints: spec.endpoints.map(({ addresses, nodeName, conditions }) => ({
        addresses: addresses.flatMap((one) => parseAddress(one) ?? []),
        node: nodeName,
        // Unknown is to be taken for ready. One that terminates is never ready, be it still serving.
        ready: conditions.ready ?? true,
      })),
    }
  },
})
