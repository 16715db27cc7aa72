// This node's side of the routes to other nodes. It changes seldom, and when it does, all of them are looked at.

import type { ProgramClusterRoutes } from '../../cluster/model.ts'
import type { Address, Family } from '../../inet/address.ts'
import type { Prefix } from '../../inet/prefix.ts'
import type { Declined } from '../offer.ts'
import type { Tunnel, TunnelName } from '../wanted.ts'

export interface Local {
  readonly ends: Readonly<Record<Family, End>>
  readonly devices: Readonly<Record<TunnelName, Device>>
  /** The smallest MTU of the interfaces that lead out of this host. */
  readonly hostMtu: number
  readonly programClusterRoutes: ProgramClusterRoutes
}

/** Where this node stands on the underlay. */
export interface End {
  /** Its address in `spec.bgp`. */
  readonly address: Address | undefined
  /** The subnet that address was given with. */
  readonly subnet: Prefix | undefined
  /** The interface that has the address, or why there is none. */
  readonly parent: { readonly device: string } | Declined
}

/** A tunnel device: as it should be, or why there should be none. */
export type Device =
  | { readonly tunnel: Tunnel; readonly unsupported: boolean }
  | { readonly tunnel?: undefined; readonly declined: string }

export const vxlanDevice = { ipv4: 'vxlan.calico', ipv6: 'vxlan-v6.calico' } as const

/** The device for a route to go into. */
export function deviceOf(name: TunnelName, { devices }: Local): Tunnel | Declined {
  const device = devices[name]
  if (!device.tunnel) return device
  const kind = kindOf(name)
  if (kind === 'vxlan' && !device.tunnel.address)
    return { declined: `this node has no address for ${name}; it is given one from an enabled pool` }
  if (!device.unsupported) return device.tunnel
  return {
    declined: `this kernel has no ${kind} devices: load the module ${kind} on the host, or change the pool`,
  }
}

/** What fits through every tunnel of this node: the MTU of its pods (Calico felix/dataplane/linux/mtu.go). */
export function podMtu({ devices, hostMtu }: Local): number {
  const mtus = Object.values(devices).flatMap(({ tunnel }) => tunnel?.mtu ?? [])
  return mtus.length > 0 ? Math.min(...mtus) : hostMtu
}

/** The name of the device's kind in the kernel, which is that of its module. */
export function kindOf(name: TunnelName): TunnelKind {
  return name === 'tunl0' ? 'ipip' : 'vxlan'
}

export type TunnelKind = 'ipip' | 'vxlan'
