// BGPPeer: sessions beside the mesh. Calico: api/pkg/apis/projectcalico/v3/bgppeer.go, libcalico-go/lib/validator/v3
// (validateBGPPeer).

import { z } from 'zod/mini'
import { familyOf } from '../../inet/address.ts'
import type { BgpPeer } from '../model.ts'
import { peerAnnotations, peerExtensionsOf } from './extensions.ts'
import {
  address,
  flag,
  integer,
  list,
  mapping,
  oneOf,
  optional,
  optionalAsn,
  or,
  peerAddress,
  seconds,
  secret,
  section,
  selector,
  text,
} from './fields.ts'
import { nameRule, parser, type Rule } from './parse.ts'

const schema = z.object({
  metadata: mapping({ annotations: peerAnnotations }),
  spec: section({
    node: optional(text),
    nodeSelector: optional(selector),
    peerSelector: optional(selector),
    localWorkloadSelector: optional(selector),
    peerIP: optional(peerAddress),
    asNumber: optionalAsn,
    localASNumber: optionalAsn,
    numAllowedLocalASNumbers: or(integer(0, 0x7fff_ffff), 0),
    keepOriginalNextHop: flag,
    nextHopMode: optional(oneOf('Auto', 'Self', 'Keep')),
    password: secret,
    sourceAddress: or(oneOf('UseNodeIP', 'None'), 'UseNodeIP'),
    maxRestartTime: optional(seconds),
    keepaliveTime: optional(seconds),
    ttlSecurity: or(integer(0, 255), 0),
    reachableBy: optional(address),
    filters: list(text),
    reversePeering: or(oneOf('Auto', 'Manual'), 'Auto'),
  }),
})

type Parts = z.output<typeof schema>

const rules: readonly Rule<Parts>[] = [
  nameRule,
  {
    field: 'spec.node',
    broken: ({ spec }) => spec.node !== undefined && spec.nodeSelector !== undefined,
    message: 'does not go together with spec.nodeSelector; give one of them',
  },
  {
    field: 'spec.peerIP',
    broken: ({ spec }) => spec.peerIP !== undefined && spec.peerSelector !== undefined,
    message: 'does not go together with spec.peerSelector; give one of them',
  },
  {
    field: 'spec.peerIP',
    broken: ({ spec: { peerIP } }) =>
      peerIP !== undefined && peerIP.zone === undefined && /^fe[89ab]/.test(peerIP.address),
    message: 'is link-local, which says nothing without its interface; write it like fe80::1%eth0',
  },
  {
    field: 'spec.asNumber',
    broken: ({ spec }) => spec.asNumber !== undefined && spec.peerSelector !== undefined,
    message: 'does not go together with spec.peerSelector; each peer has the AS of its node',
  },
  {
    field: 'spec.localWorkloadSelector',
    broken: ({ spec }) =>
      spec.localWorkloadSelector !== undefined && (spec.peerIP ?? spec.peerSelector) !== undefined,
    message: 'does not go together with spec.peerIP or spec.peerSelector; give one of the three',
  },
  {
    field: 'spec.asNumber',
    broken: ({ spec }) => spec.localWorkloadSelector !== undefined && spec.asNumber === undefined,
    message: 'is missing; peers chosen by spec.localWorkloadSelector need it',
  },
  {
    field: 'spec.reachableBy',
    broken: ({ spec }) => spec.reachableBy !== undefined && spec.peerIP === undefined,
    message: 'needs spec.peerIP',
  },
  {
    field: 'spec.reachableBy',
    broken: ({ spec: { reachableBy, peerIP } }) =>
      reachableBy !== undefined && peerIP !== undefined && familyOf(reachableBy) !== familyOf(peerIP.address),
    message: 'must be of the same family as spec.peerIP',
  },
  {
    field: 'spec.keepOriginalNextHop',
    broken: ({ spec }) => spec.keepOriginalNextHop && spec.nextHopMode !== undefined,
    message: 'does not go together with spec.nextHopMode; nextHopMode: Keep says the same',
  },
]

export const parseBgpPeer = parser({
  schema,
  rules,
  build({ spec, metadata: { annotations } }, { metadata }): BgpPeer {
    const { peerIP, asNumber, localASNumber, numAllowedLocalASNumbers, ...same } = spec
    return {
      ...same,
      kind: 'BGPPeer',
      name: metadata.name,
      peerIp: peerIP,
      asn: asNumber,
      localAsn: localASNumber,
      allowedLocalAsns: numAllowedLocalASNumbers,
      ...peerExtensionsOf(annotations),
    }
  },
})
