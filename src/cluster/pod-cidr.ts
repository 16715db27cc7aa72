// Where host-local IPAM hands out a node's addresses from its pod CIDRs (USE_POD_CIDR), no block has the tunnel's
// address: it is the first of the pod CIDR, which host-local leaves free. Calico: libcalico-go/lib/backend/k8s/resources/node.go.
// Of IPIP only; a VXLAN address is whatever the Node says.

import { type Address, familyOf } from '../inet/address.ts'
import { isHost, nthAddress, type Prefix } from '../inet/prefix.ts'

/** The address of the IPIP tunnel of a node with these pod CIDRs; undefined: it has none of IPv4 with room for one. */
export function tunnelAddressIn(podCidrs: readonly Prefix[]): Address | undefined {
  const range = podCidrs.find((cidr) => familyOf(cidr) === 'ipv4' && !isHost(cidr))
  return range && nthAddress(range, 1)
}
