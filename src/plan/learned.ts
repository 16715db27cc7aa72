// Routes that BGP taught us: which of them are written, and where they lead. The old job of BIRD's kernel protocol, with
// the filter that confd writes for it (Calico confd/pkg/backends/calico/bgp_processor.go).

import type { Path } from '../bgp/types.ts'
import { address, familyOf } from '../inet/address.ts'
import { contains, hostPrefix, isHost, type Prefix, prefix, prefixAddress } from '../inet/prefix.ts'
import type { Way } from './encap/encapsulation.ts'
import { encapsulationOf, goesDirectly, isFromDatastore } from './encap/index.ts'
import type { Declined, Offer } from './offer.ts'
import type { Inputs } from './plan-kernel.ts'

export function learnedRoute(destination: Prefix, inputs: Inputs): Offer {
  const path = inputs.paths.get(destination)
  if (!path) return undefined
  const reason = refusal(destination, inputs)
  const way = reason === undefined ? wayOf(path, inputs) : { declined: reason }
  if ('declined' in way) return { declined: `from ${path.peer}: ${way.declined}` }
  return {
    prefix: destination,
    type: 'unicast',
    protocol: 'bird',
    ...way,
    because: `BGP: ${path.peer} says next hop ${path.nextHop}`,
  }
}

/** Destinations that would take the node itself off the network, whoever announces them. */
const neverFromBgp: readonly { within: Prefix; what: string }[] = [
  { within: prefix('127.0.0.0/8'), what: 'loopback' },
  { within: prefix('169.254.0.0/16'), what: 'link-local, the gateway of every pod' },
  { within: prefix('224.0.0.0/4'), what: 'multicast' },
  { within: hostPrefix(address('::1')), what: 'loopback' },
  { within: prefix('fe80::/10'), what: 'link-local' },
  { within: prefix('ff00::/8'), what: 'multicast' },
]

function refusal(destination: Prefix, { facts, foreign, local }: Inputs): string | undefined {
  const special = neverFromBgp.find(({ within }) => contains(within, destination))
  if (special) return `${destination} is ${special.what}`
  const other = foreign.get(destination)
  if (other)
    return `the kernel has a route to it that is not ours${other.device ? ` on ${other.device}` : ''}`
  const hit = isHost(destination) && facts.hostsByAddress.get(prefixAddress(destination))
  if (hit && hit.size > 0) return `${destination} is the address of node ${[...hit].join(', ')}`
  const pool = facts.poolOf(destination)
  const encapsulation = pool && encapsulationOf(pool)
  if (!encapsulation || !isFromDatastore(encapsulation, local)) return undefined
  return `the datastore gives the routes of pool ${pool.name} (${encapsulation.name})`
}

/** Through the tunnel of the pool, unless the next hop (not the node, and not what it resolves to) is in our subnet. */
function wayOf(
  { prefix: destination, nextHop, peer }: Path,
  { facts, local, resolver }: Inputs,
): Way | Declined {
  const exit = resolver.resolve(nextHop)
  if ('unresolved' in exit) return { declined: `next hop ${nextHop}: ${exit.unresolved}` }
  const pool = facts.poolOf(destination)
  const encapsulation = pool && encapsulationOf(pool)
  const family = familyOf(destination)
  if (!encapsulation?.tunnel || goesDirectly(encapsulation, pool!, { family, address: nextHop }, local))
    return exit
  const remote = { destination, family, name: `${peer}`, address: nextHop, vtep: undefined }
  const way = encapsulation.tunnel(remote, local)
  if ('declined' in way) return way
  const { mtu: _, ...withoutMtu } = way // as BIRD writes it
  return withoutMtu
}
