// Which node has a destination, according to blocks and tunnel addresses. Calico felix/calc/l3_route_resolver.go.

import type { Node } from '../cluster/model.ts'
import { type Address, familyOf } from '../inet/address.ts'
import { isHost, type Prefix, prefixAddress } from '../inet/prefix.ts'
import type { Remote } from './encap/encapsulation.ts'
import { vtepAddress } from './encap/vteps.ts'
import { type Facts, underlayAddress } from './facts.ts'

/** The node that has a destination, and what makes us think so. */
export interface Holder {
  readonly name: string
  readonly because: string
}

export function holderOf(destination: Prefix, facts: Facts): Holder | undefined {
  const owner = facts.block(destination)?.node
  const moved = isHost(destination) && holderOfAddress(prefixAddress(destination), facts)
  return moved || (owner === undefined ? undefined : { name: owner, because: `block of node ${owner}` })
}

/** The node that has an address of its own right, apart from the block around it. */
function holderOfAddress(address: Address, facts: Facts): Holder | undefined {
  const block = facts.blockOf(address)
  const borrower = facts.borrowerOf(address)
  const [tunnel] = [...facts.nodesByTunnelAddress.get(address)].sort()
  // A tunnel address in its node's block goes the way of the block (Calico #12122), one that is a block itself
  // (#9698) or is borrowed (#5595) has its own.
  const isApart = borrower !== undefined || (block && (isHost(block.cidr) || block.node !== tunnel))
  if (tunnel !== undefined && isApart) return { name: tunnel, because: `tunnel address of node ${tunnel}` }
  return borrower === undefined ? undefined : { name: borrower, because: `borrowed by node ${borrower}` }
}

/** A destination on a node, as encapsulations ask for it. */
export function remoteAt(node: Node, destination: Prefix): Remote {
  const family = familyOf(destination)
  const [address, vtep] = [underlayAddress(node, family), vtepAddress(node, family)]
  return { destination, family, name: `node ${node.name}`, address, vtep }
}
