// IPReservation: addresses that IPAM leaves alone unless they are asked for by name.
// Calico: api/pkg/apis/projectcalico/v3/ipreservation.go.

import { z } from 'zod/mini'
import type { IpReservation } from '../model.ts'
import { list, network, section } from './fields.ts'
import { parser } from './parse.ts'

const schema = z.object({ spec: section({ reservedCIDRs: list(network) }) })

export const parseIpReservation = parser({
  schema,
  build: ({ spec }, { metadata }): IpReservation => ({
    kind: 'IPReservation',
    name: metadata.name,
    cidrs: spec.reservedCIDRs,
  }),
})
