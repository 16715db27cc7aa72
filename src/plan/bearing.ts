// What a change bears on: from what has changed to the keys whose values may be others now.
//
// This is where the cost of a change is decided. A key too few, and the plan differs from a full recomputation (a property
// test compares the two); a key too many is computed for nothing.

import type { Node, Resource, Workload } from '../cluster/model.ts'
import type { Address } from '../inet/address.ts'
import { contains, hostPrefix, type Prefix } from '../inet/prefix.ts'
import { vtepsOf } from './encap/vteps.ts'
import { bgpAddresses, blockPrefixes, endOf, hostAddresses } from './facts.ts'
import type { Known } from './known.ts'
import { neighborKeys } from './plan-kernel.ts'
import { ServiceBearing } from './service-bearing.ts'
import { addressesIn, serviceOf } from './service-facts.ts'
import { servicesBehind } from './services.ts'
import type { Values } from './values.ts'
import { addressKey, neighborKey } from './wanted.ts'
import { peeringAddresses, sessionAddresses } from './workload-peers.ts'

export class Bearing {
  readonly #known: Known
  readonly #values: Values
  readonly services: ServiceBearing
  #exports = new Set<Prefix>()

  constructor(known: Known, values: Values) {
    this.#known = known
    this.#values = values
    this.services = new ServiceBearing(known, values)
    this.#allServices() // the environment may say something of them
  }

  /** The prefixes within which announcements may be others since this was last asked. */
  takeExports(): ReadonlySet<Prefix> {
    const exports = this.#exports
    this.#exports = new Set()
    return exports
  }

  resource(resource: Resource): void {
    const { facts } = this.#known
    const { nat, peers, tunnels } = this.#values
    nat.touch(resource)
    switch (resource.kind) {
      case 'IPPool':
        this.pool(resource.cidr)
        break
      case 'IPAMBlock':
        for (const prefix of blockPrefixes(resource)) this.#prefix(prefix)
        this.#within(resource.cidr)
        break
      case 'BlockAffinity':
        if (resource.node !== facts.self) break
        this.#prefix(resource.cidr)
        this.#borrowedIn(resource.cidr)
        this.#exports.add(resource.cidr)
        break
      case 'WorkloadEndpoint':
        if (resource.node === facts.self) this.link(resource.interfaceName, resource)
        break
      case 'Node':
        this.#node(resource)
        break
      case 'BGPConfiguration':
        this.sessions()
        for (const { cidr } of resource.prefixAdvertisements) this.#exports.add(cidr)
        tunnels.doubt()
        this.#allServices()
        break
      case 'Service':
        this.services.addresses(addressesIn(resource))
        break
      case 'EndpointSlice':
        this.services.addresses(facts.services.addressesOf(serviceOf(resource) ?? ''))
        break
      case 'BGPPeer':
      case 'BGPFilter':
        this.sessions()
        if (resource.kind === 'BGPPeer' && resource.peerIp) peers.touch(endOf(resource.peerIp))
        break
    }
  }

  /** What this node is or how all speak changed: every session may have. */
  sessions(): void {
    const { facts } = this.#known
    const { peers } = this.#values
    peers.touchAll()
    for (const address of facts.nodesByAddress.keys()) peers.touch(address)
    for (const address of facts.bgpPeersByAddress.keys()) peers.touch(address)
    for (const workload of facts.workloads.values()) this.#peering(workload)
  }

  /** Our side of the routes to other nodes changed. */
  remote(): void {
    const { facts } = this.#known
    for (const node of facts.nodes.values()) this.#pathTo(node)
    this.#values.routes.touchLearned((prefix) => facts.poolOf(prefix) !== undefined)
  }

  /** A pool came, went, or is another. */
  pool(cidr: Prefix): void {
    const { routes, tunnels } = this.#values
    this.#exports.add(cidr)
    this.#within(cidr)
    this.services.addresses(this.#known.facts.services.addresses()) // endpoints are pods according to pools
    tunnels.doubt()
    routes.touchLearned((prefix) => contains(cidr, prefix))
  }

  /** An interface, or what stands on it, changed. Endpoints that share its name or addresses move with it. */
  link(name: string, changed?: Workload): void {
    const { facts } = this.#known
    const { sysctls, neighbors } = this.#values
    sysctls.touch(name)
    const here = [...facts.workloadsByInterface.get(name)].map((id) => facts.workloads.get(id)!)
    for (const workload of changed ? [...here, changed] : here) {
      for (const network of workload.networks) {
        this.#prefix(network)
        this.services.addresses(servicesBehind(network, facts))
      }
      for (const key of neighborKeys(workload)) neighbors.touch(key)
      this.#peering(workload)
    }
  }

  /** The ways to some next hops are others. The cost is that of all that BGP knows, if any of it is behind them. */
  behind(nextHops: readonly Address[]): void {
    const { routes } = this.#values
    for (const nextHop of nextHops) routes.touch(hostPrefix(nextHop))
    const used = new Set(nextHops.filter((nextHop) => this.#known.resolver.isUsed(nextHop)))
    if (used.size > 0) routes.touchBehind(used)
  }

  /** Everything that may have a value at all. */
  all(): void {
    const { facts, stale } = this.#known
    const { routes } = this.#values
    this.#values.touchAll()
    routes.touchLearned()
    for (const prefix of stale.keys()) routes.touch(prefix)
    for (const held of [facts.nodes, facts.bgpPeers, facts.workloads]) {
      for (const resource of held.values()) this.resource(resource)
    }
    for (const block of facts.blocks()) this.resource(block)
    this.services.all()
  }

  #allServices(): void {
    for (const range of this.services.everything()) this.#exports.add(range)
  }

  #node(node: Node): void {
    const { peers, routes, tunnels } = this.#values
    for (const address of bgpAddresses(node)) peers.touch(address)
    for (const address of hostAddresses(node)) routes.touch(hostPrefix(address))
    this.#pathTo(node)
    if (node.name !== this.#known.facts.self) return
    this.sessions()
    routes.touchLearned() // our subnet may be another
    tunnels.doubt()
    this.#allServices()
  }

  /** The routes to what a node has, and what they lean on. */
  #pathTo(node: Node): void {
    const { routes, neighbors, tunnels } = this.#values
    for (const prefix of this.#known.facts.destinationsOf(node)) routes.touch(prefix)
    for (const vtep of vtepsOf(node)) neighbors.touch(neighborKey(vtep))
    tunnels.touch(node)
  }

  #prefix(prefix: Prefix): void {
    this.#values.routes.touch(prefix)
    this.#values.originations.touch(prefix)
  }

  /** Local workload addresses inside a block are borrowed or not according to who holds the block. */
  #borrowedIn(cidr: Prefix): void {
    const networks = this.#known.facts.workloadNetworksWithin(cidr)
    for (const network of networks) this.#values.originations.touch(network)
  }

  /** A pool or a block around these prefixes changed. */
  #within(cidr: Prefix): void {
    for (const prefix of this.#known.facts.destinationsWithin(cidr)) this.#prefix(prefix)
    this.#borrowedIn(cidr)
  }

  /** Whether a workload peers with us, where it finds us, and what it is the way to. */
  #peering(workload: Workload): void {
    const { addresses, peers } = this.#values
    const sessions = sessionAddresses(workload)
    for (const address of sessions) peers.touch(address)
    this.behind(sessions)
    for (const key of addresses.values.keys())
      if (key.startsWith(`${workload.interfaceName} `)) addresses.touch(key)
    for (const address of peeringAddresses(this.#known.facts))
      addresses.touch(addressKey({ device: workload.interfaceName, address }))
  }
}
