// Routes to other nodes that the datastore asks for: to their blocks, and to addresses that live elsewhere than their
// block. Calico felix/calc/l3_route_resolver.go. The way there is the matter of encap/index.ts.

import type { Node } from '../cluster/model.ts'
import { familyOf } from '../inet/address.ts'
import { isHost, type Prefix, prefixAddress } from '../inet/prefix.ts'
import { encapsulationOf, isFromDatastore, wayTo } from './encap/index.ts'
import { underlayAddress } from './facts.ts'
import { type Holder, holderOf, remoteAt } from './holder.ts'
import type { Offer } from './offer.ts'
import type { Inputs } from './plan-kernel.ts'
import { poolInForce } from './transition.ts'

export function remoteRoute(destination: Prefix, inputs: Inputs): Offer {
  const holder = holderOf(destination, inputs.facts)
  const offer = holder && offerFor(destination, holder, inputs)
  return offer && 'declined' in offer ? { declined: `${holder!.because}: ${offer.declined}` } : offer
}

function offerFor(destination: Prefix, { name, because }: Holder, inputs: Inputs): Offer {
  const { facts, local, settings } = inputs
  const node = facts.nodes.get(name)
  if (!node) return { declined: 'it is not in the datastore' }
  const reason = refusal(destination, node, inputs)
  if (reason) return { declined: reason }
  const pool = poolInForce(destination, inputs)
  if (!pool) return { declined: 'in no pool' }
  const encapsulation = encapsulationOf(pool)
  if (!encapsulation) return { declined: `pool ${pool.name} is for load balancers only` }
  if (!isFromDatastore(encapsulation, local))
    return { declined: `BGP brings the routes of pool ${pool.name} (programClusterRoutes)` }
  const [way, note] = wayTo(remoteAt(node, destination), pool, encapsulation, local)
  if ('declined' in way) return { declined: `pool ${pool.name} (${note}): ${way.declined}` }
  const source = settings.deviceRouteSource[familyOf(destination)]
  return {
    prefix: destination,
    type: 'unicast',
    protocol: '80',
    ...way,
    ...(source && { source }),
    because: `${because}, pool ${pool.name} (${note})`,
  }
}

function refusal(destination: Prefix, node: Node, { facts, local }: Inputs): string | undefined {
  // Such a route would lead to ourselves, which the kernel refuses (Calico #12149).
  if (node.name === facts.self) return 'which is this node'
  const own = local.ends[familyOf(destination)].address
  if (own !== undefined && own === underlayAddress(node, familyOf(destination)))
    return `which has our address ${own}`
  // What carries the tunnel would travel in it (Calico #13116).
  const hosts = isHost(destination) && facts.hostsByAddress.get(prefixAddress(destination))
  return hosts && hosts.size > 0 ? `but it is the address of node ${[...hosts].sort().join(', ')}` : undefined
}
