// The Node says where the tunnel of a node with pod CIDRs is (cluster/pod-cidr.ts).

import { tunnelAddressIn } from '../cluster/pod-cidr.ts'
import { type Prefix, parsePrefix } from '../inet/prefix.ts'
import type { IpamStore } from './ipam.ts'
import { addressIn, writeAddresses } from './node-addresses.ts'
import type { Outcome } from './tunnel-addresses.ts'
import { tunnels } from './tunnels.ts'

/** Writes the address of the IPIP tunnel into a Node that has an IPv4 pod CIDR. @throws StoreError */
export async function reconcilePodCidrAddress(store: IpamStore, node: string): Promise<Outcome> {
  const [tunnel] = tunnels
  const document = await store.get('Node', node)
  const after = document && tunnelAddressIn(podCidrsOf(document.status))
  if (!tunnel || !after) return { changes: [], problems: [] }
  const before = addressIn(document, tunnel)
  const changes = before === after ? [] : [{ tunnel, before, after }]
  if (changes.length > 0) await writeAddresses({ store }, document, changes)
  return { changes, problems: [] }
}

function podCidrsOf(status: unknown): readonly Prefix[] {
  const { podCIDRs = [] } = (status ?? {}) as { podCIDRs?: readonly string[] }
  return podCIDRs.map(parsePrefix).filter((cidr) => cidr !== undefined)
}
