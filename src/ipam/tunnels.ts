// The tunnels whose near end has an address of its own, as a table: names, marks in IPAM, and the pools it may come from.
// Calico: node/pkg/allocateip, libcalico-go/lib/ipam/ipam_types.go. Handles and types are Calico's, to the letter:
// kube-controllers clean up after a node by them. WireGuard's addresses are not ours to give.

import type { EncapsulationMode, IpPool } from '../cluster/model.ts'
import type { Family } from '../inet/address.ts'
import type { Holder } from './block.ts'

export interface Tunnel {
  readonly name: string
  readonly family: Family
  /** Where the address stands in the spec of a Node. */
  readonly field: readonly [string] | readonly [string, string]
  readonly mode: (pool: IpPool) => EncapsulationMode
  readonly handlePrefix: string
  readonly type: string
}

/** In the order in which they get their addresses. */
export const tunnels: readonly Tunnel[] = [
  {
    name: 'IPIP',
    family: 'ipv4',
    field: ['bgp', 'ipv4IPIPTunnelAddr'],
    mode: ({ ipipMode }) => ipipMode,
    handlePrefix: 'ipip-tunnel-addr',
    type: 'ipipTunnelAddress',
  },
  {
    name: 'VXLAN',
    family: 'ipv4',
    field: ['ipv4VXLANTunnelAddr'],
    mode: ({ vxlanMode }) => vxlanMode,
    handlePrefix: 'vxlan-tunnel-addr',
    type: 'vxlanTunnelAddress',
  },
  {
    name: 'VXLAN over IPv6',
    family: 'ipv6',
    field: ['ipv6VXLANTunnelAddr'],
    mode: ({ vxlanMode }) => vxlanMode,
    handlePrefix: 'vxlan-v6-tunnel-addr',
    type: 'vxlanV6TunnelAddress',
  },
]

/** How a node's tunnel address is marked in its block. */
export function holderOf(
  { handlePrefix, type }: Tunnel,
  node: string,
): Holder & { readonly handle_id: string } {
  return { handle_id: `${handlePrefix}-${node}`, secondary: { node, type } }
}

/** The pools that a node's address for this tunnel may come from. */
export function candidatePools(
  tunnel: Tunnel,
  pools: readonly IpPool[],
  labels: Readonly<Record<string, string>>,
): IpPool[] {
  return pools.filter(
    (pool) =>
      pool.family === tunnel.family &&
      tunnel.mode(pool) !== 'Never' &&
      !pool.disabled &&
      !pool.deleting &&
      pool.allowedUses.includes('Tunnel') &&
      pool.nodeSelector.matches(labels),
  )
}
