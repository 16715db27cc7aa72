// FelixConfiguration: settings of all nodes (`default`), of one (`node.<name>`), or of those a selector chooses.
// The settings table knows their types; here they only have to be a mapping.

import { z } from 'zod/mini'
import type { FelixConfiguration } from '../model.ts'
import { before, optional, selector } from './fields.ts'
import { nameRule, parser } from './parse.ts'

const schema = z.object({
  spec: before((given) => given ?? {}, z.looseObject({ nodeSelector: optional(selector) })),
})

export const parseFelixConfiguration = parser({
  schema,
  rules: [nameRule],
  build({ spec: { nodeSelector, ...values } }, { metadata }): FelixConfiguration {
    return { kind: 'FelixConfiguration', name: metadata.name, nodeSelector, values }
  },
})
