// Pools whose encapsulation has just changed.
//
// Nodes hear of it one after the other. To send in the new way to a node that does not
// take it yet loses packets, and so does not to take the old way any more from one that
// still sends so. Therefore, until the transition is ended, the devices of both are
// there with their addresses, and the routes to a node stay as they were until it is
// known to be ready: it publishes the address of its tunnel once there is the device.
// Calico's Felix restarts instead, and has a gap.

import type { IpPool } from '../cluster/model.ts'
import type { Prefix } from '../inet/prefix.ts'
import { encapsulationOf, goesDirectly, isFromDatastore } from './encap/index.ts'
import { holderOf, remoteAt } from './holder.ts'
import type { Inputs } from './plan-kernel.ts'

/** The pool of a destination as packets are to travel there now: as it is, or as it was before. */
export function poolInForce(destination: Prefix, inputs: Inputs): IpPool | undefined {
  const pool = inputs.facts.poolOf(destination)
  if (inputs.former.length === 0) return pool
  const former = inputs.former.filter(({ name, cidr }) => name === pool?.name && cidr === pool.cidr)
  if (!pool || former.length === 0) return pool
  return [pool, ...former].find((one) => isReady(one, destination, inputs)) ?? pool
}

/** Whether some destination is still reached as it was before its pool changed, because it is not ready for more. */
export function isInTransition(inputs: Inputs): boolean {
  const { facts, former } = inputs
  const isBehind = (destination: Prefix) => poolInForce(destination, inputs) !== facts.poolOf(destination)
  return former.some(({ cidr }) => [...facts.destinationsWithin(cidr)].some(isBehind))
}

/** Whether there is a way in this form of the pool, and the node at its end takes what comes. */
function isReady(pool: IpPool, destination: Prefix, { facts, local, isLearned }: Inputs): boolean {
  const encapsulation = encapsulationOf(pool)
  const holder = holderOf(destination, facts)
  const node = holder && facts.nodes.get(holder.name)
  if (!encapsulation || !node || node.name === facts.self) return true
  if (!isFromDatastore(encapsulation, local) && !isLearned(destination)) return false
  const remote = remoteAt(node, destination)
  if (goesDirectly(encapsulation, pool, remote, local)) return true
  if (encapsulation.end?.(node, remote.family) === undefined) return false
  return !('declined' in encapsulation.tunnel!(remote, local))
}
