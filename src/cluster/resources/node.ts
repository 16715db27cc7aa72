// Node: where a node is reached, directly and through tunnels. Calico: libcalico-go/lib/apis/internalapi/node.go.

import { z } from 'zod/mini'
import { type Address, type Family, familyOf } from '../../inet/address.ts'
import {
  type Cidr,
  contains,
  isHost,
  parseCidr,
  prefixAddress,
  prefixLength,
  prefix as range,
} from '../../inet/prefix.ts'
import type { Node } from '../model.ts'
import { maintenanceOf, nodeAnnotations } from './extensions.ts'
import {
  addressOf,
  interfaceAddress,
  labels,
  list,
  mac,
  mapping,
  optional,
  optionalAsn,
  prefix,
  section,
  text,
} from './fields.ts'
import { parser, type Rule } from './parse.ts'

const schema = z.object({
  metadata: mapping({ labels, annotations: nodeAnnotations }),
  spec: section({
    bgp: section({
      ipv4Address: optional(interfaceAddress('ipv4')),
      ipv6Address: optional(interfaceAddress('ipv6')),
      asNumber: optionalAsn,
      routeReflectorClusterID: optional(addressOf('ipv4')),
      ipv4IPIPTunnelAddr: optional(addressOf('ipv4')),
    }),
    ipv4VXLANTunnelAddr: optional(addressOf('ipv4')),
    ipv6VXLANTunnelAddr: optional(addressOf('ipv6')),
    vxlanTunnelMACAddr: optional(mac),
    vxlanTunnelMACAddrV6: optional(mac),
    addresses: list(mapping({ address: text, type: optional(text) })),
  }),
  status: section({ podCIDRs: list(prefix) }),
})

type Parts = z.output<typeof schema>

const rules: readonly Rule<Parts>[] = [
  {
    // Case is kept: blocks and handles are keyed by the exact string, and nodes named by an address are legal.
    field: 'metadata.name',
    broken: (_, { metadata }) => !/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/i.test(metadata.name),
    message: 'is not a node name; use letters, digits, - and ., at most 253 of them',
  },
  addressRule('ipv4'),
  addressRule('ipv6'),
]

export const parseNode = parser({
  schema,
  rules,
  build({ metadata: { labels, annotations }, spec, status }, { metadata }): Node {
    return {
      kind: 'Node',
      name: metadata.name,
      labels,
      ipv4: spec.bgp.ipv4Address,
      ipv6: spec.bgp.ipv6Address,
      asn: spec.bgp.asNumber,
      routeReflectorClusterId: spec.bgp.routeReflectorClusterID,
      ipipTunnelAddress: spec.bgp.ipv4IPIPTunnelAddr,
      vxlanTunnelAddress: spec.ipv4VXLANTunnelAddr,
      vxlanTunnelAddressV6: spec.ipv6VXLANTunnelAddr,
      vxlanTunnelMac: spec.vxlanTunnelMACAddr,
      vxlanTunnelMacV6: spec.vxlanTunnelMACAddrV6,
      addresses: ['InternalIP', 'ExternalIP'].flatMap((type) => addressesOf(spec, type)),
      podCidrs: status.podCIDRs,
      maintenance: maintenanceOf(annotations),
    }
  },
})

/** Those of one type. Host names may stand among them. */
function addressesOf({ addresses }: Parts['spec'], type: string): Address[] {
  return addresses
    .filter((entry) => entry.type === type)
    .map((entry) => parseCidr(entry.address)?.address)
    .filter((address) => address !== undefined)
}

const nobodys = ['0.0.0.0/8', '127.0.0.0/8', '224.0.0.0/3', '::/127', 'ff00::/8'].map(range)

function addressRule(family: Family): Rule<Parts> {
  return {
    field: `spec.bgp.${family}Address`,
    broken: ({ spec }) => !isUsable(spec.bgp[`${family}Address`]),
    message:
      'is not the address of a host; write its address and the length of its subnet, like 172.20.0.11/24',
  }
}

/** Nor is the address that names an IPv4 subnet; in a /31 or a /32 there is none. */
function isUsable(cidr: Cidr | undefined): boolean {
  if (!cidr || nobodys.some((range) => contains(range, cidr.address))) return !cidr
  const { address, prefix } = cidr
  const namesSubnet =
    familyOf(address) === 'ipv4' && prefixLength(prefix) < 31 && prefixAddress(prefix) === address
  return isHost(prefix) || !namesSubnet
}
