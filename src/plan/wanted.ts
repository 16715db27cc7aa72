// What this node should hold in its kernel: plain records, each with the reason it is wanted.

import type { Address } from '../inet/address.ts'
import type { Prefix } from '../inet/prefix.ts'

/** Route protocol numbers (rtnetlink(7)) that mark our routes. `reference`: 80 is Felix's, 12 BIRD's. */
export type RouteProtocol = 'boot' | '80' | 'bird'

/** A route of the main table. IPv4 routes have metric 0, IPv6 routes 1024. */
export interface Route {
  readonly prefix: Prefix
  readonly type: 'unicast' | 'blackhole'
  readonly protocol: RouteProtocol
  /** Absent for blackholes. */
  readonly device?: string
  readonly gateway?: Address
  readonly scope?: 'link'
  readonly onlink?: true
  readonly mtu?: number
  readonly source?: Address
  readonly because: string
}

/** A static neighbour entry: `ip neigh replace ADDRESS lladdr MAC dev DEVICE nud permanent`. */
export interface Neighbor {
  readonly address: Address
  readonly mac: string
  readonly device: string
  readonly because: string
}

/** A value below /proc/sys, `net/ipv4/ip_forward`. `optional`: a failure is a warning, never retried for ever. */
export interface Sysctl {
  readonly path: string
  readonly value: string
  readonly optional?: true
  readonly because: string
}
