// Routes that BGP taught us: which of them are written, and where they lead. The old job of BIRD's kernel protocol, with
// the filter that confd writes for it (Calico confd/pkg/backends/calico/bgp_processor.go).

import type { Path } from '../bgp/types.ts'
import type { IpPool } from '../cluster/model.ts'
import {
  type Address,
  addressBytes,
  familyOf,
  isLinkLocal,
  type ScopedAddress,
  unscoped,
} from '../inet/address.ts'
import type { Prefix } from '../inet/prefix.ts'
import type { Way } from './encap/encapsulation.ts'
import { encapsulationOf, goesDirectly, isFromDatastore } from './encap/index.ts'
import type { Declined, Offer } from './offer.ts'
import type { Inputs } from './plan-kernel.ts'
import type { Exit, Unresolved } from './resolve.ts'
import { serviceRangeOf } from './services.ts'
import { poolInForce } from './transition.ts'
import type { NextHop } from './wanted.ts'
import { exitToWorkload } from './workload-peers.ts'

/** A path in use, and where it leads. */
interface Lead {
  readonly path: Path
  readonly way: Way
}

/** By what a peer says, which mostly is the same of very many destinations: one text serves all of them. */
const reasons = new WeakMap<Path['attributes'], { readonly peer: Path['peer']; readonly reason: string }>()

export function learnedRoute(destination: Prefix, inputs: Inputs, paths: readonly Path[]): Offer {
  if (paths.length === 0) return undefined
  const pool = poolInForce(destination, inputs)
  const reason = refusal(destination, pool, inputs)
  if (reason !== undefined) return { declined: `from ${paths[0]!.peer}: ${reason}` }
  const leads: Lead[] = []
  const declined: string[] = []
  for (const path of paths) {
    const way = wayOf(path, pool, inputs)
    if ('declined' in way) declined.push(`from ${path.peer}: ${way.declined}`)
    else leads.push({ path, way })
  }
  if (leads.length === 0) return { declined: declined.join(', ') }
  return {
    prefix: destination,
    type: 'unicast',
    protocol: 'bird',
    because: reasonOf(leads),
    ...together(leads),
  }
}

function reasonOf(leads: readonly Lead[]): string {
  const [{ path }] = leads as [Lead]
  if (leads.length > 1) return `BGP: ${leads.map((lead) => says(lead.path)).join(', ')}`
  const known = reasons.get(path.attributes)
  if (known?.peer === path.peer) return known.reason
  const reason = `BGP: ${says(path)}`
  reasons.set(path.attributes, { peer: path.peer, reason })
  return reason
}

function says({ peer, nextHop }: Path): string {
  return `${peer} says next hop ${nextHop}`
}

/** Next hops in the order of their addresses, as BIRD has them: which path is the best changes no traffic. */
function together(leads: readonly Lead[]): Way | { readonly nexthops: readonly NextHop[] } {
  if (leads.length === 1) return leads[0]!.way
  const byText = new Map(leads.map(({ way }) => [`${way.gateway} ${way.device}`, way]))
  const [way, ...others] = byText.values()
  if (others.length === 0) return way!
  const nexthops = [...byText.values()].map(({ device, gateway, onlink }) => ({
    device: device!,
    ...(gateway && { gateway }),
    ...(onlink && { onlink }),
  }))
  return { nexthops: nexthops.sort(byAddress) }
}

function byAddress(a: NextHop, b: NextHop): number {
  const bytes = ({ gateway }: NextHop) => (gateway ? addressBytes(gateway) : new Uint8Array())
  return Buffer.compare(bytes(a), bytes(b)) || (a.device < b.device ? -1 : 1)
}

function refusal(destination: Prefix, pool: IpPool | undefined, inputs: Inputs): string | undefined {
  const { facts, foreign, hazards, local } = inputs
  const other = foreign.get(destination)
  if (other)
    return `the kernel has a route to it that is not ours${other.device ? ` on ${other.device}` : ''}`
  const hazard = hazards.of(destination)
  if (hazard !== undefined) return hazard
  const range = serviceRangeOf(destination, facts)
  if (range !== undefined) return `kube-proxy sees to services (${range})`
  const encapsulation = pool && encapsulationOf(pool)
  if (!encapsulation || !isFromDatastore(encapsulation, local)) return undefined
  return `the datastore gives the routes of pool ${pool.name} (${encapsulation.name})`
}

/** A link-local address is on the link of the session it was told on. */
function exitTo(nextHop: Address, peer: ScopedAddress, { resolver }: Inputs): Exit | Unresolved {
  if (!isLinkLocal(nextHop)) return resolver.resolve(nextHop)
  const { zone } = unscoped(peer)
  if (zone === undefined) return { unresolved: 'is link-local, and the peer that said it is on no link' }
  return { device: zone, gateway: nextHop, metric: 0 }
}

/** Through the tunnel of the pool, unless the next hop (not the node, and not what it resolves to) is in our subnet. */
function wayOf(path: Path, pool: IpPool | undefined, inputs: Inputs): Way | Declined {
  const { prefix: destination, nextHop, peer } = path
  const { local } = inputs
  const toWorkload = exitToWorkload(nextHop, inputs)
  if (toWorkload) return { device: toWorkload.device, gateway: toWorkload.gateway }
  const exit = exitTo(nextHop, peer as ScopedAddress, inputs)
  if ('unresolved' in exit) return { declined: `next hop ${nextHop}: ${exit.unresolved}` }
  const { device, gateway } = exit
  const encapsulation = pool && encapsulationOf(pool)
  const family = familyOf(destination)
  if (!encapsulation?.tunnel || goesDirectly(encapsulation, pool!, { family, address: nextHop }, local))
    return { device, gateway }
  if (familyOf(nextHop) !== family)
    return { declined: `next hop ${nextHop} has no end of the tunnel of pool ${pool!.name}` }
  const remote = { destination, family, name: `${peer}`, address: nextHop, vtep: undefined }
  const way = encapsulation.tunnel(remote, local)
  if ('declined' in way) return way
  const { mtu: _, ...withoutMtu } = way // as BIRD writes it
  return withoutMtu
}
