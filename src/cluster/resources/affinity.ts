// BlockAffinity: a node's claim on a block, made before the block and released after it.
// Calico: libcalico-go/lib/backend/model/block_affinity.go.

import { z } from 'zod/mini'
import type { Affinity } from '../model.ts'
import { flag, oneOf, or, prefix, section, text } from './fields.ts'
import { parser } from './parse.ts'

const schema = z.object({
  spec: section({
    node: text,
    cidr: prefix,
    type: or(oneOf('host', 'virtual'), 'host'), // older writers never set it
    state: or(oneOf('pending', 'confirmed', 'pendingDeletion'), 'confirmed'), // Calico 2.x wrote none
    deleted: flag,
  }),
})

export const parseAffinity = parser({
  schema,
  build: ({ spec }, { metadata }): Affinity => ({ ...spec, kind: 'BlockAffinity', name: metadata.name }),
})
