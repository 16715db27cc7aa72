// What the node's kernel looks like without us: interfaces, and the routes others made.
// Input of the plan (next hops are resolved against it), produced by `edge/kernel`.

import type { Address } from '../inet/address.ts'
import type { Cidr, Prefix } from '../inet/prefix.ts'

/** A network interface. */
export interface Link {
  readonly name: string
  readonly index: number
  /** IFF_UP and carrier: what rtnetlink calls RUNNING. */
  readonly running: boolean
  readonly mtu: number
  /** In the kernel's order, link-local ones included. */
  readonly addresses: readonly Cidr[]
}

/** A route of the main table that is not ours, as far as next hop resolution needs it. */
export interface ForeignRoute {
  readonly prefix: Prefix
  readonly device: string | undefined
  readonly gateway: Address | undefined
  readonly metric: number
}
