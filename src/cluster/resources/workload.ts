// WorkloadEndpoint: a pod's end of the wire. Calico: libcalico-go/lib/apis/internalapi/workloadendpoint.go.
//
// Its name repeats parts of its spec; where they disagree the spec is right.

import { z } from 'zod/mini'
import type { Workload } from '../model.ts'
import { interfaceName, labels, list, mac, mapping, network, optional, section, text } from './fields.ts'
import { parser } from './parse.ts'

const schema = z.object({
  metadata: mapping({ labels }),
  spec: section({
    node: text,
    pod: optional(text),
    interfaceName,
    mac: optional(mac),
    ipNetworks: list(network),
    allowSpoofedSourcePrefixes: list(network),
  }),
})

export const parseWorkload = parser({
  schema,
  build({ metadata: { labels }, spec }, { metadata }): Workload {
    const { ipNetworks, allowSpoofedSourcePrefixes, ...same } = spec
    return {
      ...same,
      kind: 'WorkloadEndpoint',
      name: metadata.name,
      namespace: metadata.namespace ?? 'default',
      labels,
      networks: ipNetworks,
      allowSpoofedSources: allowSpoofedSourcePrefixes.length > 0,
    }
  },
})
