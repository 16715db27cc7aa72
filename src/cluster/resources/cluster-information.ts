// ClusterInformation: who the cluster is, and whether its data may be acted upon.
// Calico: api/pkg/apis/projectcalico/v3/clusterinfo.go.

import { z } from 'zod/mini'
import type { ClusterInformation } from '../model.ts'
import { boolean, optional, section, text } from './fields.ts'
import { parser } from './parse.ts'

const schema = z.object({
  spec: section({
    clusterGUID: optional(text),
    calicoVersion: optional(text),
    datastoreReady: optional(boolean),
  }),
})

export const parseClusterInformation = parser({
  schema,
  rules: [
    {
      field: 'metadata.name',
      broken: (_, { metadata }) => metadata.name !== 'default',
      message: 'must be default; a cluster has one ClusterInformation',
    },
  ],
  build({ spec }, { metadata }): ClusterInformation {
    const { clusterGUID, calicoVersion, datastoreReady } = spec
    return {
      kind: 'ClusterInformation',
      name: metadata.name,
      clusterGuid: clusterGUID,
      calicoVersion,
      datastoreReady,
    }
  },
})
