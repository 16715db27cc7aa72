// Where host-local IPAM hands out a node's addresses from its pod CIDRs (USE_POD_CIDR), no block has the tunnel's
// address: it is the first of the pod CIDR, which host-local leaves free. Calico: libcalico-go/lib/backend/k8s/resources/node.go.
// Of IPIP only; a VXLAN address is whatever the Node says.

import { type Address, familyOf } from '../inet/address.ts'
import { isHost, nthAddress, parsePrefix } from '../inet/prefix.ts'
import type { IpamStore } from './ipam.ts'
import { addressIn, writeAddresses } from './node-addresses.ts'
import type { Outcome } from './tunnel-addresses.ts'
import { tunnels } from './tunnels.ts'

/** Writes the address of the IPIP tunnel into a Node that has an IPv4 pod CIDR. @throws StoreError */
export async function reconcilePodCidrAddress(store: IpamStore, node: string): Promise<Outcome> {
  const [tunnel] = tunnels
  const document = await store.get('Node', node)
  const after = document && firstAddress(document.status)
  if (!tunnel || !after) return { changes: [], problems: [] }
  const before = addressIn(document, tunnel)
  const changes = before === after ? [] : [{ tunnel, before, after }]
  if (changes.length > 0) await writeAddresses({ store }, document, changes)
  return { changes, problems: [] }
}

function firstAddress(status: unknown): Address | undefined {
  const { podCIDRs = [] } = (status ?? {}) as { podCIDRs?: readonly string[] }
  const cidr = podCIDRs.map(parsePrefix).find((cidr) => cidr && familyOf(cidr) === 'ipv4' && !isHost(cidr))
  return cidr && nthAddress(cidr, 1)
}
