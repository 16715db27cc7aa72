// From what is known to the routes of one destination.
//
// `sources` is the order of administrative distance: the first that offers a route
// wins, and one destination has one route (all of ours share a metric). A source
// that knows the destination but has no route for it says why not, so that
// `explain` can tell an operator the whole story.

import type { Path } from '../bgp/types.ts'
import type { IpPool, Workload } from '../cluster/model.ts'
import { type Address, familyOf } from '../inet/address.ts'
import { hostPrefix, isHost, type Prefix, prefixAddress } from '../inet/prefix.ts'
import type { Local } from './encap/local.ts'
import type { TunnelSettings } from './encap/settings.ts'
import { isVtepDevice, vtepNeighbor } from './encap/vteps.ts'
import type { Facts } from './facts.ts'
import type { Hazards } from './import-protection.ts'
import { learnedRoute } from './learned.ts'
import type { Declined, Offer } from './offer.ts'
import { remoteRoute } from './remote.ts'
import type { Resolver } from './resolve.ts'
import type { ForeignRoute, Link } from './underlay.ts'
import { type Neighbor, neighborKey, type Route, type RouteProtocol, type Sysctl } from './wanted.ts'
import { describe, holdsInterface } from './workloads.ts'

/** What the plan knows, besides cluster data. Changed only by `Plan`. */
export interface Inputs {
  readonly facts: Facts
  readonly resolver: Resolver
  /** Whether BGP knows a destination. */
  isLearned(destination: Prefix): boolean
  readonly hazards: Pick<Hazards, 'of'>
  readonly links: ReadonlyMap<string, Link>
  /** Routes of others by destination, of the metric ours would have. */
  readonly foreign: ReadonlyMap<Prefix, ForeignRoute>
  /** BGP routes an earlier run left, kept until our sessions have spoken. */
  readonly stale: ReadonlyMap<Prefix, Route>
  /** Pools whose encapsulation has just changed, as they were before, the last change first. */
  readonly former: readonly IpPool[]
  /** This node's side of the routes to other nodes. */
  readonly local: Local
  readonly settings: KernelSettings
}

/** The settings that shape kernel state. */
export interface KernelSettings {
  readonly ipv6: boolean
  readonly ipForwarding: boolean
  /** False with routeSyncDisabled: no routes and no neighbours of ours at all. */
  readonly routeSync: boolean
  /** Whether BGP is kept from teaching us what would harm the node (import-protection.ts). */
  readonly importProtection: boolean
  /** deviceRouteProtocol: of local workload routes. */
  readonly workloadProtocol: RouteProtocol
  /** `conf.default.rp_filter` of this host, read once at start. */
  readonly rpFilter: string
  readonly tunnels: TunnelSettings
  readonly deviceRouteSource: { readonly ipv4: Address | undefined; readonly ipv6: Address | undefined }
}

interface Source {
  readonly name: string
  /** `paths`: those of BGP that are in use, the best first. */
  offer(destination: Prefix, inputs: Inputs, paths: readonly Path[]): Offer
}

const sources: readonly Source[] = [
  { name: 'local workload', offer: workloadRoute },
  { name: 'local block', offer: blockRoute },
  { name: 'own tunnel', offer: tunnelRoute },
  { name: 'way to a BGP peer', offer: peerRoute },
  { name: 'other node', offer: remoteRoute },
  { name: 'BGP', offer: learnedRoute },
  { name: 'earlier run', offer: (destination, { stale }) => stale.get(destination) },
]

/** The route this destination should have, if any. */
export function routeFor(destination: Prefix, paths: readonly Path[], inputs: Inputs): Route | undefined {
  const { ipv6, routeSync } = inputs.settings
  if (!routeSync || (familyOf(destination) === 'ipv6' && !ipv6)) return undefined
  for (const source of sources) {
    const offer = source.offer(destination, inputs, paths)
    if (offer && !('declined' in offer)) return offer
  }
  return undefined
}

/** What every source says about a destination, in order of distance. */
export function explain(
  destination: Prefix,
  paths: readonly Path[],
  inputs: Inputs,
): { source: string; offer: Route | Declined }[] {
  return sources.flatMap(({ name, offer }) => {
    const said = offer(destination, inputs, paths)
    return said ? [{ source: name, offer: said }] : []
  })
}

function workloadRoute(destination: Prefix, inputs: Inputs): Offer {
  const { facts, links, settings } = inputs
  if (!facts.workloadsByNetwork.has(destination)) return undefined
  const claims = [...facts.workloadsByNetwork.get(destination)]
  const workloads = claims.map((key) => facts.workloads.get(key)!)
  const active = workloads.filter((w) => holdsInterface(w, facts) && links.get(w.interfaceName)?.running)
  // Two endpoints with one address: the newer interface, as Felix does (felix/routetable).
  active.sort((a, b) => links.get(b.interfaceName)!.index - links.get(a.interfaceName)!.index)
  const [winner] = active
  if (!winner)
    return { declined: `${describe(workloads[0]!)}: interface ${workloads[0]!.interfaceName} is not up` }
  const source = settings.deviceRouteSource[familyOf(destination)]
  return {
    prefix: destination,
    type: 'unicast',
    protocol: settings.workloadProtocol,
    device: winner.interfaceName,
    // IPv6 routes have no scope.
    ...(familyOf(destination) === 'ipv4' && { scope: 'link' as const }),
    ...(source && { source }),
    because: describe(winner),
  }
}

/**
 * Blackhole the whole block under the workload routes: a packet for an address nobody
 * holds must die here, or it loops between us and the default gateway. Not for a block
 * of one address, where it would collide with the workload's own route (Calico issue #2624).
 */
function blockRoute(destination: Prefix, { facts }: Inputs): Offer {
  if (!facts.ownsBlock(destination)) return undefined
  if (isHost(destination)) return { declined: 'block of one address: its workload has the route' }
  const pool = facts.poolOf(destination)
  return {
    prefix: destination,
    type: 'blackhole',
    protocol: '80',
    because: `block of this node, ${pool ? `pool ${pool.name}` : 'pool is gone'}`,
  }
}

/** None, for whoever asks about an address of this node's tunnels: the kernel looks up its own addresses first. */
function tunnelRoute(destination: Prefix, { local }: Inputs): Offer {
  if (!isHost(destination)) return undefined
  const own = Object.values(local.devices).find(
    ({ tunnel }) => tunnel?.address === prefixAddress(destination),
  )
  return own?.tunnel && { declined: `it is the address of ${own.tunnel.name}: ${own.tunnel.because}` }
}

/** A peer whose gateway is named (`reachableBy`) is reached so even if it teaches us a better way to itself (Calico issue #7149). */
function peerRoute(destination: Prefix, { resolver }: Inputs): Offer {
  const peer = isHost(destination) ? prefixAddress(destination) : undefined
  const named = peer && resolver.gatewayTo(peer)
  if (!named) return undefined
  const exit = resolver.resolve(peer)
  if ('unresolved' in exit) return { declined: `reachableBy ${named}: ${exit.unresolved}` }
  const { device, gateway } = exit
  const because = `BGP peer, reachableBy ${named}`
  return { prefix: destination, type: 'unicast', protocol: 'bird', device, gateway, because }
}

/** The static neighbour entry of a key, `DEVICE ADDRESS`. */
export function neighborFor(key: string, inputs: Inputs): Neighbor | undefined {
  const [device, address] = key.split(' ') as [string, Address]
  if (isVtepDevice(device)) return vtepNeighbor(device, address, inputs)
  return workloadNeighbor(device, address, inputs)
}

/** Static ARP entry of a workload's address: proxies and DHCP helpers on the node otherwise lose it (Calico #11052). */
function workloadNeighbor(
  device: string,
  address: Address,
  { facts, links, settings }: Inputs,
): Neighbor | undefined {
  if (!settings.routeSync || !links.get(device)?.running) return undefined
  for (const id of [...facts.workloadsByInterface.get(device)].sort()) {
    const workload = facts.workloads.get(id)!
    if (!holdsInterface(workload, facts)) return undefined
    if (!workload.mac || !workload.networks.includes(hostPrefix(address))) continue
    return { address, mac: workload.mac, device, because: describe(workload) }
  }
  return undefined
}

/** Keys for `neighborFor` of a workload: IPv4 only, as Felix. */
export function neighborKeys(workload: Workload): string[] {
  return workload.networks
    .filter((network) => isHost(network) && familyOf(network) === 'ipv4')
    .map((network) => neighborKey({ device: workload.interfaceName, address: prefixAddress(network) }))
}

type SysctlRow = readonly [path: string, value: string, optional?: 'optional']

const forwardingSysctls: readonly SysctlRow[] = [['net/ipv4/ip_forward', '1']]
const forwardingSysctlsV6: readonly SysctlRow[] = [['net/ipv6/conf/all/forwarding', '1']]

/** Host-side sysctls of a workload interface, in Felix's order (felix/dataplane/linux/endpoint_mgr.go). */
function interfaceSysctls(device: string, rpFilter: string): SysctlRow[] {
  return [
    [`net/ipv6/conf/${device}/accept_ra`, '0', 'optional'],
    [`net/ipv4/conf/${device}/route_localnet`, '1'],
    [`net/ipv4/neigh/${device}/proxy_delay`, '0', 'optional'],
    [`net/ipv4/conf/${device}/proxy_arp`, '1'],
    [`net/ipv4/conf/${device}/forwarding`, '1'],
    [`net/ipv4/conf/${device}/rp_filter`, rpFilter],
  ]
}

function interfaceSysctlsV6(device: string): SysctlRow[] {
  return [
    [`net/ipv6/conf/${device}/proxy_ndp`, '1'],
    [`net/ipv6/conf/${device}/forwarding`, '1'],
  ]
}

/** The sysctls of one scope: `''` for the host, else a workload interface. */
export function sysctlsFor(scope: string, { facts, links, settings }: Inputs): readonly Sysctl[] | undefined {
  if (scope === '') {
    if (!settings.ipForwarding) return undefined
    const rows = settings.ipv6 ? [...forwardingSysctls, ...forwardingSysctlsV6] : forwardingSysctls
    return rows.map((row) => sysctl(row, 'pods are reached through this node (ipForwarding)'))
  }
  const holder = [...facts.workloadsByInterface.get(scope)].sort()[0]
  if (holder === undefined || !links.get(scope)?.running) return undefined
  const workload = facts.workloads.get(holder)!
  const rows = interfaceSysctls(scope, workload.allowSpoofedSources ? '0' : settings.rpFilter)
  if (settings.ipv6) rows.push(...interfaceSysctlsV6(scope))
  return rows.map((row) => sysctl(row, `interface of ${describe(workload)}`))
}

function sysctl([path, value, optional]: SysctlRow, because: string): Sysctl {
  return { path, value, ...(optional && { optional: true as const }), because }
}
