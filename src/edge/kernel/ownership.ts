// Ours or not: what a fresh process may change of what it finds. README.md has the table in words.
//
// After Calico felix/routetable/ownershippol/main_route_table_policy.go, but narrower: a
// route of protocol 12 or 80 on a device that is not ours may belong to another BIRD, so it
// is ours only where `owns` says so.

import { type Prefix, prefix } from '../../inet/prefix.ts'
import { isTunnelName } from '../../plan/wanted.ts'
import { type PrintedRoute, RTN_BLACKHOLE, RTN_UNICAST, RTPROT_KERNEL } from './kernel-route.ts'

export interface Ownership {
  /** May change at any time. */
  readonly settings: {
    /** How names of workload interfaces begin (Calico interfacePrefix). */
    readonly workloadPrefixes: readonly string[]
    /** False: on workload interfaces only what an agent or the CNI plugin wrote is ours (Calico removeExternalRoutes). */
    readonly removeExternalRoutes: boolean
    /** Number of the protocol of workload routes (Calico deviceRouteProtocol). */
    readonly workloadProtocol: number
  }
  /** The destination is inside a pool, or in our saved state. */
  owns(prefix: Prefix): boolean
}

const AGENT_PROTOCOLS: readonly string[] = ['12', '80']
/** The only one of ours that has several next hops. */
const BGP_PROTOCOL = '12'
/** The CNI plugin writes protocol boot. */
const CNI_PROTOCOL = '3'
export const VXLAN_DEVICES: readonly string[] = ['vxlan.calico', 'vxlan-v6.calico']
const IPIP_DEVICE = 'tunl0'
const LINK_LOCAL = prefix('fe80::/64')

export function isWorkloadDevice(device: string | undefined, { settings }: Ownership): boolean {
  return device !== undefined && settings.workloadPrefixes.some((start) => device.startsWith(start))
}

export function isVxlanDevice(device: string | undefined): boolean {
  return device !== undefined && VXLAN_DEVICES.includes(device)
}

/** True for routes that we or another agent of this cluster made, and that we therefore change and remove. */
export function isOurs(printed: PrintedRoute, ownership: Ownership): boolean {
  const { type, protocol, prefix: destination, route } = printed
  if (!printed.main || printed.tos || destination === LINK_LOCAL) return false
  if (type !== RTN_UNICAST && type !== RTN_BLACKHOLE) return false
  const { device, nexthops } = route
  if (nexthops) {
    const isMarked = nexthops.every((hop) => isTunnelName(hop.device))
    return protocol === BGP_PROTOCOL && (isMarked || ownership.owns(destination))
  }
  if (isWorkloadDevice(device, ownership)) return isWorkloadRoute(protocol, ownership)
  if (isVxlanDevice(device)) return protocol !== RTPROT_KERNEL
  return AGENT_PROTOCOLS.includes(protocol) && (device === IPIP_DEVICE || ownership.owns(destination))
}

function isWorkloadRoute(protocol: string, { settings }: Ownership): boolean {
  if (settings.removeExternalRoutes) return protocol !== RTPROT_KERNEL
  return [CNI_PROTOCOL, ...AGENT_PROTOCOLS, `${settings.workloadProtocol}`].includes(protocol)
}
