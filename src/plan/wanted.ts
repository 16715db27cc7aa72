// What this node should hold in its kernel: plain records, each with the reason it is wanted, and the keys by which plan and
// kernel mean the same one.

import { type Address, type Family, familyOf } from '../inet/address.ts'
import type { Prefix } from '../inet/prefix.ts'

/**
 * Route protocol as iproute2 prints it, which marks whose a route is: 80 for what the datastore asks for (Felix's
 * number), `bird` (12) for what BGP taught us, `boot` (3) or what deviceRouteProtocol says for local workloads.
 */
export type RouteProtocol = 'boot' | 'bird' | `${number}`

/** A route of the main table. Its metric is `ourMetric`. */
export interface Route {
  readonly prefix: Prefix
  readonly type: 'unicast' | 'blackhole'
  readonly protocol: RouteProtocol
  /** Absent for blackholes. */
  readonly device?: string
  readonly gateway?: Address
  readonly scope?: 'link'
  readonly onlink?: true
  /** Several ways out of equal weight, in place of `device`, `gateway` and `onlink`. At least two. */
  readonly nexthops?: readonly NextHop[]
  readonly mtu?: number
  readonly source?: Address
  readonly because: string
}

/** The metric of all our routes: IPv4 0; IPv6 1024, which is what the kernel makes of 0 (Calico #11356). */
export function ourMetric(prefix: Prefix): number {
  return familyOf(prefix) === 'ipv4' ? 0 : 1024
}

/** One of the ways out of a multipath route. */
export type NextHop = Required<Pick<Route, 'device'>> & Pick<Route, 'gateway' | 'onlink'>

/** A static neighbour entry: `ip neigh replace ADDRESS lladdr MAC dev DEVICE nud permanent`. */
export interface Neighbor {
  readonly address: Address
  readonly mac: string
  readonly device: string
  readonly because: string
}

/** The kernel has one entry for an address on a device. */
export function neighborKey({ device, address }: Pick<Neighbor, 'device' | 'address'>): string {
  return `${device} ${address}`
}

/** An address of the host on the interface of a workload that peers with us: `ip addr replace ADDRESS/32 dev DEVICE scope link`. */
export interface InterfaceAddress {
  readonly device: string
  readonly address: Address
  readonly because: string
}

export function addressKey({ device, address }: Pick<InterfaceAddress, 'device' | 'address'>): string {
  return `${device} ${address}`
}

/**
 * A tunnel device. What the kernel cannot change in place (the kind, and all of `vxlan`) makes it another device, which
 * takes the place of the first; MTU and address are changed in place.
 */
export interface Tunnel {
  readonly name: TunnelName
  readonly mtu: number
  /** The address it has, as a host prefix; it has no other of its family. Absent while none is assigned. */
  readonly address?: Address
  /** For VXLAN devices: `type vxlan id VNI dstport PORT local LOCAL dev PARENT nolearning`. */
  readonly vxlan?: VxlanProperties
  /** False where kernels or drivers get the checksums of encapsulated packets wrong: `ethtool -K DEVICE tx off`. */
  readonly checksumOffload: boolean
  readonly because: string
}

export const tunnelNames = ['tunl0', 'vxlan.calico', 'vxlan-v6.calico'] as const

export type TunnelName = (typeof tunnelNames)[number]

/** Never a way to a next hop: what goes into a tunnel has to come out on the underlay. */
export function isTunnelName(device: string | undefined): device is TunnelName {
  return (tunnelNames as readonly (string | undefined)[]).includes(device)
}

export interface VxlanProperties {
  readonly vni: number
  readonly port: number
  readonly local: Address
  readonly parent: string
  readonly mac: string
}

/** Where frames for a VTEP go: `bridge fdb replace MAC dev DEVICE dst DESTINATION self permanent`. */
export interface FdbEntry {
  readonly mac: string
  readonly device: string
  readonly destination: Address
  readonly because: string
}

/** The kernel has one destination for a MAC address on a device. */
export function fdbKey({ device, mac }: Pick<FdbEntry, 'device' | 'mac'>): string {
  return `${device} ${mac}`
}

/** A value below /proc/sys, `net/ipv4/ip_forward`. `optional`: a failure is a warning, never retried for ever. */
export interface Sysctl {
  readonly path: string
  readonly value: string
  readonly optional?: true
  readonly because: string
}

/** An ipset that rules look addresses up in: `create NAME hash:net family FAMILY maxelem MAX`. */
export interface IpSet {
  /** At most 31 characters. */
  readonly name: string
  readonly family: Family
  readonly maxElements: number
  readonly because: string
}

/** A member of one of our sets: `add SET PREFIX`. */
export interface SetMember {
  readonly set: string
  readonly prefix: Prefix
  readonly because: string
}

export function memberKey({ set, prefix }: Pick<SetMember, 'set' | 'prefix'>): string {
  return `${set} ${prefix}`
}

/** A rule as iptables takes it after `-A CHAIN`, but for its comment, which is made from the reason. */
export interface NatRule {
  readonly rule: string
  readonly because: string
}

/** What we have in one chain of a nat table: all of a chain of ours, or the last rules of one of the kernel's. */
export interface NatChain {
  readonly family: Family
  readonly name: string
  readonly rules: readonly NatRule[]
  readonly because: string
}

export function chainKey({ family, name }: Pick<NatChain, 'family' | 'name'>): string {
  return `${family} ${name}`
}
