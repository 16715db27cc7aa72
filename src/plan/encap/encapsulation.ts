// What an encapsulation must be able to say about itself. The table of them is index.ts.

import type { EncapsulationMode, IpPool, Node, ProgramClusterRoutes } from '../../cluster/model.ts'
import type { Address, Family } from '../../inet/address.ts'
import type { Prefix } from '../../inet/prefix.ts'
import type { Declined } from '../offer.ts'
import type { Route } from '../wanted.ts'
import type { Local } from './local.ts'

export interface Encapsulation {
  readonly name: string
  /** When packets to the pods of a pool travel so. Never: the pool makes no use of it. */
  mode(pool: IpPool): EncapsulationMode
  /** With these values of programClusterRoutes the datastore gives the routes, with the others BGP does. */
  readonly fromDatastore: readonly ProgramClusterRoutes[]
  /** The way to a node that is not reached directly. Absent: all are. */
  tunnel?(remote: Remote, local: Local): Way | Declined
  /** The address of a node's end of the tunnel, which it publishes when it takes what comes. */
  end?(node: Node, family: Family): Address | undefined
}

/** A destination beyond this node, and what is known of the node that has it. */
export interface Remote {
  readonly destination: Prefix
  readonly family: Family
  /** Who has it: a node, or the peer that told us. For people. */
  readonly name: string
  /** Its address on the underlay. */
  readonly address: Address | undefined
  /** Its address in the VXLAN of this family. */
  readonly vtep: Address | undefined
}

/** The part of a route that an encapsulation decides about. */
export type Way = Pick<Route, 'device' | 'gateway' | 'scope' | 'onlink' | 'mtu'>
