// IPAMConfiguration: how addresses are handed out in the whole cluster. In etcd it is what `/calico/ipam/v2/config`
// says, in the classical CRD group it is called IPAMConfig.
// Calico: api/pkg/apis/projectcalico/v3/ipamconfig.go, libcalico-go/lib/backend/model/ipam_config.go.

import { z } from 'zod/mini'
import type { IpamConfiguration } from '../model.ts'
import { boolean, flag, integer, or, section } from './fields.ts'
import { parser, type Rule } from './parse.ts'

const count = or(integer(0, Number.MAX_SAFE_INTEGER), 0)

const schema = z.object({
  spec: section({
    strictAffinity: flag,
    autoAllocateBlocks: or(boolean, true),
    maxBlocksPerHost: count,
    ipCooldownSeconds: count,
  }),
})

type Parts = z.output<typeof schema>

const rules: readonly Rule<Parts>[] = [
  {
    field: 'metadata.name',
    broken: (_, { metadata }) => metadata.name !== 'default',
    message: 'must be default; a cluster has one',
  },
  {
    field: 'spec.autoAllocateBlocks',
    broken: ({ spec }) => !spec.strictAffinity && !spec.autoAllocateBlocks,
    message: 'may be false only with spec.strictAffinity',
    harmless: true,
  },
  {
    field: 'spec.maxBlocksPerHost',
    broken: ({ spec }) => !spec.strictAffinity && spec.maxBlocksPerHost > 0,
    message: 'counts only with spec.strictAffinity; without it a node borrows where it may not claim',
    harmless: true,
  },
]

export const parseIpamConfiguration = parser({
  schema,
  rules,
  build: ({ spec }, { metadata }): IpamConfiguration => ({
    ...spec,
    kind: 'IPAMConfiguration',
    name: metadata.name,
  }),
})

/** What holds in a cluster without one. */
export const defaultIpam: IpamConfiguration = {
  kind: 'IPAMConfiguration',
  name: 'default',
  strictAffinity: false,
  autoAllocateBlocks: true,
  maxBlocksPerHost: 0,
  ipCooldownSeconds: 0,
}
