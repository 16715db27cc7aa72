// What sets and nat rules follow from.

import type { Address } from '../inet/address.ts'
import type { Prefix } from '../inet/prefix.ts'
import type { Facts } from './facts.ts'
import type { Tunnel, TunnelName } from './wanted.ts'

export interface PortRange {
  readonly first: number
  readonly last: number
}

/** The settings that shape sets and rules. */
export interface NatSettings {
  /** natOutgoingAddress: IPv4 only. Absent: the address of the interface. */
  readonly outgoingAddress: Address | undefined
  /** natPortRange, for TCP and UDP. */
  readonly portRange: PortRange | undefined
  /** natOutgoingExclusions: whether hosts of the cluster are inside, as pools are. */
  readonly excludeHosts: boolean
  /** iptablesNATOutgoingInterfaceFilter: `eth+`. */
  readonly outgoingInterface: string | undefined
  /** externalNodesList: more hosts of the cluster. */
  readonly externalNodes: readonly Prefix[]
  readonly maxIpsetSize: number
  /** Which targets choose ports at random. Every iptables that Node 24 runs beside knows how (featureDetectOverride). */
  readonly fullyRandom: { readonly masquerade: boolean; readonly snat: boolean }
}

/** What the rules follow from. Changed only by `Plan`. */
export interface NatInputs {
  readonly facts: Facts
  readonly tunnels: ReadonlyMap<TunnelName, Tunnel>
  readonly settings: NatSettings
  readonly ipv6: boolean
}
