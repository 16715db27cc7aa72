// Whom a BFD session watches, and by which ports its packets travel.

import type { BfdSettings } from '../../bfd/session.ts'
import { type Address, familyOf, type ScopedAddress, scoped } from '../../inet/address.ts'

export interface BfdTarget extends BfdSettings {
  readonly address: Address
  /** The interface of a link-local address. */
  readonly zone?: string
  /** Ours; absent: what the kernel chooses. */
  readonly localAddress?: Address
  /** The peer may be behind routers: RFC 5883 in place of RFC 5881. */
  readonly multihop: boolean
}

/** Where packets of a kind arrive. */
export interface Point {
  readonly family: 'ipv4' | 'ipv6'
  readonly port: number
}

/** RFC 5881 §4, RFC 5883 §5. */
export const PORTS = { single: 3784, multihop: 4784 } as const

export function portOf({ multihop }: BfdTarget): number {
  return multihop ? PORTS.multihop : PORTS.single
}

export function pointOf(target: BfdTarget): Point {
  return { family: familyOf(target.address), port: portOf(target) }
}

/** Where the packets of a session come from. No two sessions have the same, so that it takes no other to tell them apart. */
export function originOf(target: BfdTarget): string {
  return origin(portOf(target), scoped(target.address, target.zone))
}

export function origin(port: number, from: ScopedAddress): string {
  return `${port} ${from}`
}
