// IPAMHandle: in which blocks one owner has addresses. Calico: libcalico-go/lib/backend/model/ipam_handle.go.

import { z } from 'zod/mini'
import type { Handle } from '../model.ts'
import { before, flag, integer, mapping, optional, prefix, section, text } from './fields.ts'
import { parser } from './parse.ts'

const schema = z.object({
  spec: section({
    handleID: optional(text),
    block: before(entriesOf, z.array(mapping({ cidr: prefix, count: integer(0, Number.MAX_SAFE_INTEGER) }))),
    deleted: flag,
  }),
})

export const parseHandle = parser({
  schema,
  build({ spec }, { metadata }): Handle {
    const { handleID = metadata.name, block, deleted } = spec
    return { kind: 'IPAMHandle', name: metadata.name, handleId: handleID, blocks: block, deleted }
  },
})

/** `{"10.66.12.64/30": 1}` as a list. */
function entriesOf(given: unknown): unknown {
  return Object.entries(given ?? {}).map(([cidr, count]) => ({ cidr, count }))
}
