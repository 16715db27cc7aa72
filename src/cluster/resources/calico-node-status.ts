// CalicoNodeStatus: what somebody wants to be told of a node. The status is for the node to write, and nobody of ours
// reads it. Calico: api/pkg/apis/projectcalico/v3/nodestatus.go.

import { z } from 'zod/mini'
import type { CalicoNodeStatus } from '../model.ts'
import { integer, list, oneOf, section, text } from './fields.ts'
import { nameRule, parser } from './parse.ts'

const DAY = 86_400

const schema = z.object({
  spec: section({
    node: text,
    classes: list(oneOf('Agent', 'BGP', 'Routes')),
    updatePeriodSeconds: integer(0, DAY),
  }),
})

export const parseCalicoNodeStatus = parser({
  schema,
  rules: [nameRule],
  build: ({ spec }, { metadata }): CalicoNodeStatus => ({
    kind: 'CalicoNodeStatus',
    name: metadata.name,
    ...spec,
    classes: [...new Set(spec.classes)],
  }),
})
