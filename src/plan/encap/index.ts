// The table of encapsulations, and what follows from it for a pool. Calico felix/calc/l3_route_resolver.go,
// felix/dataplane/linux/route_mgr.go.

import type { IpPool } from '../../cluster/model.ts'
import { contains } from '../../inet/prefix.ts'
import type { Declined } from '../offer.ts'
import type { Encapsulation, Remote, Way } from './encapsulation.ts'
import { ipip } from './ipip.ts'
import type { Local } from './local.ts'
import { none } from './none.ts'
import { vxlan } from './vxlan.ts'

/** The first that a pool makes use of is the one of its routes. */
const encapsulations: readonly Encapsulation[] = [vxlan, ipip]

/** How packets to the pods of a pool travel; undefined when it is for no pods. A disabled pool counts like any other. */
export function encapsulationOf(pool: IpPool): Encapsulation | undefined {
  if (pool.allowedUses.length > 0 && pool.allowedUses.every((use) => use === 'LoadBalancer')) return undefined
  return encapsulations.find((one) => one.mode(pool) !== 'Never') ?? none
}

/** For people: `IPIP CrossSubnet`. */
export function describe(encapsulation: Encapsulation, pool: IpPool): string {
  const mode = encapsulation.mode(pool)
  return mode === 'Never' ? encapsulation.name : `${encapsulation.name} ${mode}`
}

/** Whether the datastore gives the routes of a pool; otherwise BGP does. */
export function isFromDatastore(encapsulation: Encapsulation, { programClusterRoutes }: Local): boolean {
  return encapsulation.fromDatastore.includes(programClusterRoutes)
}

/**
 * Whether packets to a node leave as they are. With CrossSubnet that is when the subnet our own address was given with
 * contains the other's, whatever the other's mask (Calico nodeInOurSubnet).
 */
export function goesDirectly(
  { mode }: Encapsulation,
  pool: IpPool,
  { family, address }: Pick<Remote, 'family' | 'address'>,
  local: Local,
): boolean {
  if (mode(pool) !== 'CrossSubnet') return mode(pool) === 'Never'
  const { subnet } = local.ends[family]
  return subnet !== undefined && address !== undefined && contains(subnet, address)
}

/** The way to a destination in a pool, as far as the datastore knows, and a word on it for people. */
export function wayTo(
  remote: Remote,
  pool: IpPool,
  encapsulation: Encapsulation,
  local: Local,
): [way: Way | Declined, note: string] {
  const note = describe(encapsulation, pool)
  const through = (why: string): [Way | Declined, string] => [encapsulation.tunnel!(remote, local), why]
  if (!goesDirectly(encapsulation, pool, remote, local)) return through(note)
  const way = directWay(remote, local)
  if (!encapsulation.tunnel) return [way, note]
  // The other side takes packets of either kind, so until the interface is known the tunnel serves (Calico #8071).
  return 'declined' in way
    ? through(`${note}, same subnet, but ${way.declined}`)
    : [way, `${note}, same subnet`]
}

/** `onlink`: who is near is what the mask in the Node resource says, not what the interface believes. */
function directWay({ family, name, address }: Remote, local: Local): Way | Declined {
  const { parent } = local.ends[family]
  if (address === undefined) return { declined: `the address of ${name} is not known` }
  if ('declined' in parent) return parent
  return { device: parent.device, gateway: address, onlink: true }
}
