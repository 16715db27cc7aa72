// The plan: everything this node should have, kept up to date change by change.
//
// Inputs come in through the methods in the middle, each of which marks the keys it
// bears on; `settle` recomputes those and hands out what came out different. Nothing
// here reads a clock, a socket or the kernel. A new Plan fed with everything at once
// is the full recomputation, and must agree with one that was fed change by change.

import type { Operation } from '../bgp/rib/filter.ts'
import type { BestPathChange, Origination, Path, PeerConfig } from '../bgp/types.ts'
import type { IpPool, Node, Resource, SecretRef, Workload } from '../cluster/model.ts'
import { type Address, familyOf, type ScopedAddress, unscoped } from '../inet/address.ts'
import { contains, hostPrefix, isHost, type Prefix } from '../inet/prefix.ts'
import { advertise } from './advertise.ts'
import { Derived, sameJson, sameRecord } from './derived.ts'
import { rememberHomes } from './encap/devices.ts'
import { podMtu, type TunnelKind } from './encap/local.ts'
import { vtepNeighborKey, vtepsOf } from './encap/vteps.ts'
import { tunnelWarnings } from './encap/warnings.ts'
import { bgpAddresses, blockPrefixes, endOf, Facts, hostAddresses } from './facts.ts'
import { MultiIndex } from './multi-index.ts'
import { Nat, type NatChanges } from './nat.ts'
import type { NatSettings } from './nat-inputs.ts'
import type { Declined } from './offer.ts'
import { type SecretState, secretId, secretRefs } from './passwords.ts'
import { type BgpSettings, type LocalSpeaker, localSpeaker, originationFor } from './plan-bgp.ts'
import {
  explain,
  type Inputs,
  type KernelSettings,
  neighborFor,
  neighborKeys,
  routeFor,
  sysctlsFor,
} from './plan-kernel.ts'
import { withPodCidrs } from './pod-cidrs.ts'
import { type Exit, Resolver, type Unresolved } from './resolve.ts'
import { bgpWarnings, peerFor } from './sessions.ts'
import { type TunnelChanges, Tunnels } from './tunnels.ts'
import type { ForeignRoute, Link } from './underlay.ts'
import type {
  FdbEntry,
  InterfaceAddress,
  IpSet,
  NatChain,
  Neighbor,
  Route,
  SetMember,
  Sysctl,
  Tunnel,
  TunnelName,
} from './wanted.ts'
import { exitToWorkload, interfaceAddressFor, peeringAddresses, sessionAddresses } from './workload-peers.ts'

/** One object of the cluster changed. */
export interface ClusterChange {
  readonly key: string
  readonly before: Resource | undefined
  readonly after: Resource | undefined
}

/** What `settle` found different. A value of undefined means: not wanted any more. */
export interface PlanChanges extends NatChanges, TunnelChanges {
  readonly routes: ReadonlyMap<Prefix, Route | undefined>
  readonly neighbors: ReadonlyMap<string, Neighbor | undefined>
  readonly addresses: ReadonlyMap<string, InterfaceAddress | undefined>
  /** By scope: the host, or one workload interface. */
  readonly sysctls: ReadonlyMap<string, readonly Sysctl[] | undefined>
  readonly peers: ReadonlyMap<ScopedAddress, PeerConfig | undefined>
  readonly originations: ReadonlyMap<Prefix, Origination | undefined>
  /** What lies inside these prefixes may have to be announced again, otherwise or no more. */
  readonly exports: ReadonlySet<Prefix>
}

export interface PlanSettings {
  readonly kernel: KernelSettings
  readonly bgp: BgpSettings
  readonly nat: NatSettings
  /** USE_POD_CIDR. Does not change while we run. */
  readonly usePodCidr: boolean
}

export class Plan {
  readonly facts: Facts
  readonly #resolver = new Resolver()
  readonly #paths = new Map<Prefix, readonly Path[]>()
  readonly #links = new Map<string, Link>()
  readonly #homes = new Map<Address, string>()
  readonly #foreign = new Map<Prefix, ForeignRoute>()
  readonly #stale = new Map<Prefix, Route>()
  readonly #former: IpPool[] = []
  readonly #byNextHop = new MultiIndex<Address, Prefix>()
  #unsupported: ReadonlySet<TunnelKind> = new Set()
  #settings: PlanSettings
  #exports = new Set<Prefix>()

  readonly #routes = new Derived<Prefix, Route>((prefix) => routeFor(prefix, this.#inputs), sameRecord)
  readonly #neighbors = new Derived<string, Neighbor>((key) => neighborFor(key, this.#inputs), sameRecord)
  readonly #addresses = new Derived<string, InterfaceAddress>(
    (key) => interfaceAddressFor(key, this.#inputs),
    sameRecord,
  )
  readonly #sysctls = new Derived<string, readonly Sysctl[]>(
    (scope) => sysctlsFor(scope, this.#inputs),
    sameJson,
  )
  readonly #peers = new Derived<ScopedAddress, PeerConfig>(
    (a) => peerFor(a, this.facts, this.#settings.bgp),
    sameJson,
  )
  readonly #originations = new Derived<Prefix, Origination>((p) => originationFor(p, this.facts), sameRecord)
  readonly #tunnels: Tunnels
  readonly #nat = new Nat(() => ({
    facts: this.facts,
    tunnels: this.#tunnels.devices,
    settings: this.#settings.nat,
    ipv6: this.#settings.kernel.ipv6,
  }))

  constructor(self: string, settings: PlanSettings) {
    this.facts = new Facts(self)
    this.#settings = settings
    this.#tunnels = new Tunnels(() => ({
      facts: this.facts,
      links: this.#links,
      homes: this.#homes,
      former: this.#former,
      usePodCidr: this.#settings.usePodCidr,
      unsupported: this.#unsupported,
      settings: this.#settings.kernel,
    }))
    this.#sysctls.touch('')
  }

  get #inputs(): Inputs {
    return {
      facts: this.facts,
      resolver: this.#resolver,
      paths: this.#paths,
      links: this.#links,
      foreign: this.#foreign,
      stale: this.#stale,
      former: this.#former,
      local: this.#tunnels.local,
      settings: this.#settings.kernel,
    }
  }

  // ---- inputs

  cluster({ key, before, after }: ClusterChange): void {
    const [was, is] = [this.#meaning(before), this.#meaning(after)]
    this.facts.reindex(key, was, is)
    for (const resource of [...was, ...is]) this.#touch(resource)
  }

  #meaning(resource: Resource | undefined): Resource[] {
    if (!resource) return []
    return this.#settings.usePodCidr ? withPodCidrs(resource) : [resource]
  }

  best({ prefix, best, equal }: BestPathChange): void {
    const before = this.#paths.get(prefix) ?? []
    const after = best && best.peer !== null ? [best, ...equal] : []
    for (const { nextHop } of before) this.#byNextHop.place(nextHop, prefix, false)
    for (const { nextHop } of after) this.#byNextHop.place(nextHop, prefix, true)
    if (after.length > 0) this.#paths.set(prefix, after)
    else this.#paths.delete(prefix)
    for (const { nextHop } of before) {
      if (this.#byNextHop.get(nextHop).size === 0) this.#resolver.forget(nextHop)
    }
    this.#routes.touch(prefix)
  }

  /** The interfaces and the routes of others, as they are now. */
  underlay(links: readonly Link[], foreign: readonly ForeignRoute[]): void {
    const now = new Map(links.map((link) => [link.name, link]))
    for (const name of new Set([...this.#links.keys(), ...now.keys()])) {
      if (!sameLink(this.#links.get(name), now.get(name))) this.#touchInterface(name)
    }
    this.#links.clear()
    for (const [name, link] of now) this.#links.set(name, link)
    rememberHomes(this.#homes, this.#links)
    this.#tunnels.doubt()

    const hiding = new Map(foreign.filter(hidesOurs).map((route) => [route.prefix, route]))
    for (const prefix of new Set([...this.#foreign.keys(), ...hiding.keys()])) {
      if (this.#foreign.has(prefix) !== hiding.has(prefix)) this.#routes.touch(prefix)
    }
    this.#foreign.clear()
    for (const [prefix, route] of hiding) this.#foreign.set(prefix, route)

    for (const nextHop of this.#resolver.update(links, foreign)) {
      this.#touchBehind(nextHop)
    }
  }

  /** BGP routes found in the kernel at start. They stay until `forgetStale`. */
  adopt(routes: Iterable<Route>): void {
    for (const route of routes) {
      this.#stale.set(route.prefix, {
        ...route,
        because: 'left by an earlier run; kept until the peers have spoken',
      })
      this.#routes.touch(route.prefix)
    }
  }

  forgetStale(): void {
    for (const prefix of this.#stale.keys()) this.#routes.touch(prefix)
    this.#stale.clear()
  }

  /** The encapsulation of a pool changes. What it was counts beside what it is until `endTransitions`. */
  retain(former: IpPool): void {
    this.#former.unshift(former)
    this.#touchPool(former.cidr)
  }

  endTransitions(): void {
    for (const { cidr } of this.#former.splice(0)) this.#touchPool(cidr)
  }

  /** What has been retained, the last first. */
  get formerPools(): readonly IpPool[] {
    return this.#former
  }

  /** The kinds of tunnel devices that this kernel cannot make. */
  unsupported(kinds: ReadonlySet<TunnelKind>): void {
    this.#unsupported = kinds
    this.#tunnels.doubt()
  }

  /** What is known of a key of a Secret, which is one of `secretRefs`. */
  secret(ref: SecretRef, state: SecretState): void {
    this.facts.secrets.set(secretId(ref), state)
    this.#touchSessions()
  }

  settings(settings: PlanSettings): void {
    this.#settings = settings
    this.touchAll()
  }

  /** Marks everything: the next `settle` is a full recomputation. */
  touchAll(): void {
    for (const derived of [
      this.#routes,
      this.#neighbors,
      this.#addresses,
      this.#sysctls,
      this.#peers,
      this.#originations,
    ]) {
      derived.touchAll()
    }
    this.#sysctls.touch('')
    this.#nat.touchAll()
    this.#tunnels.doubt()
    for (const prefix of [...this.#paths.keys(), ...this.#stale.keys()]) this.#routes.touch(prefix)
    for (const held of [this.facts.nodes, this.facts.bgpPeers, this.facts.workloads]) {
      for (const resource of held.values()) this.#touch(resource)
    }
    for (const block of this.facts.blocks()) this.#touch(block)
  }

  // ---- results

  get dirty(): boolean {
    return [
      this.#tunnels,
      this.#routes,
      this.#neighbors,
      this.#addresses,
      this.#sysctls,
      this.#peers,
      this.#originations,
      this.#nat,
    ].some((d) => d.dirty)
  }

  settle(): PlanChanges {
    if (this.#tunnels.refresh()) this.#touchRemote()
    const tunnels = this.#tunnels.settle()
    if (tunnels.tunnels.size > 0) this.#nat.touchChains()
    const peers = this.#peers.settle()
    for (const [at, config] of peers) this.#pin(unscoped(at).address, config?.reachableBy)
    const changes: PlanChanges = {
      routes: this.#routes.settle(),
      neighbors: this.#neighbors.settle(),
      addresses: this.#addresses.settle(),
      sysctls: this.#sysctls.settle(),
      peers,
      originations: this.#originations.settle(),
      exports: this.#exports,
      ...tunnels,
      ...this.#nat.settle(),
    }
    this.#exports = new Set()
    return changes
  }

  get routes(): ReadonlyMap<Prefix, Route> {
    return this.#routes.values
  }

  get neighbors(): ReadonlyMap<string, Neighbor> {
    return this.#neighbors.values
  }

  get addresses(): ReadonlyMap<string, InterfaceAddress> {
    return this.#addresses.values
  }

  get tunnels(): ReadonlyMap<TunnelName, Tunnel> {
    return this.#tunnels.devices
  }

  get fdb(): ReadonlyMap<string, FdbEntry> {
    return this.#tunnels.fdb
  }

  get sysctls(): ReadonlyMap<string, readonly Sysctl[]> {
    return this.#sysctls.values
  }

  get peers(): ReadonlyMap<ScopedAddress, PeerConfig> {
    return this.#peers.values
  }

  get originations(): ReadonlyMap<Prefix, Origination> {
    return this.#originations.values
  }

  get sets(): ReadonlyMap<string, IpSet> {
    return this.#nat.sets
  }

  get setMembers(): ReadonlyMap<string, SetMember> {
    return this.#nat.setMembers
  }

  get chains(): ReadonlyMap<string, NatChain> {
    return this.#nat.chains
  }

  /** Keys of Secrets that sessions need. */
  get secretRefs(): SecretRef[] {
    return secretRefs(this.facts)
  }

  get speaker(): LocalSpeaker | { unable: string } {
    return localSpeaker(this.facts, this.#settings.bgp)
  }

  /** In octets: what interfaces of new pods should have. */
  get podMtu(): number {
    return podMtu(this.#tunnels.local)
  }

  get warnings(): string[] {
    return [
      ...bgpWarnings(this.facts),
      ...tunnelWarnings({ ...this.#inputs, bgpEnabled: this.#settings.bgp.enabled }),
    ]
  }

  /** Every source that knows a destination, the winner first, the others with what they would do or why they do not. */
  explain(prefix: Prefix): { source: string; offer: Route | Declined }[] {
    return explain(prefix, this.#inputs)
  }

  /** Where packets for a BGP next hop leave this node. */
  reach(nextHop: Address): Exit | Unresolved {
    return exitToWorkload(nextHop, this.#inputs) ?? this.#resolver.lookUp(nextHop)
  }

  /** True when a prefix may be announced without a route of ours that leads to it. */
  needsNoRoute(prefix: Prefix): boolean {
    return !this.#settings.kernel.routeSync || (isHost(prefix) && this.facts.ownsBlock(prefix))
  }

  /** What is added to a path on its way out where no filter has decided; undefined: it stays here. */
  advertise(prefix: Prefix): readonly Operation[] | undefined {
    return advertise(prefix, this.facts)
  }

  // ---- what a change bears on

  #touch(resource: Resource): void {
    this.#nat.touch(resource)
    switch (resource.kind) {
      case 'IPPool':
        this.#touchPool(resource.cidr)
        break
      case 'IPAMBlock':
        for (const prefix of blockPrefixes(resource)) this.#touchPrefix(prefix)
        this.#touchWithin(resource.cidr)
        break
      case 'BlockAffinity':
        if (resource.node !== this.facts.self) break
        this.#touchPrefix(resource.cidr)
        this.#touchBorrowedIn(resource.cidr)
        this.#exports.add(resource.cidr)
        break
      case 'WorkloadEndpoint':
        if (resource.node === this.facts.self) this.#touchInterface(resource.interfaceName, resource)
        break
      case 'Node':
        this.#touchNode(resource)
        break
      case 'BGPConfiguration':
        this.#touchSessions()
        for (const { cidr } of resource.prefixAdvertisements) this.#exports.add(cidr)
        this.#tunnels.doubt()
        break
      case 'BGPPeer':
      case 'BGPFilter':
        this.#touchSessions()
        if (resource.kind === 'BGPPeer' && resource.peerIp) this.#peers.touch(endOf(resource.peerIp))
        break
    }
  }

  #touchNode(node: Node): void {
    for (const address of bgpAddresses(node)) this.#peers.touch(address)
    for (const address of hostAddresses(node)) this.#routes.touch(hostPrefix(address))
    this.#touchPathTo(node)
    if (node.name !== this.facts.self) return
    this.#touchSessions()
    this.#tunnels.doubt()
  }

  /** The routes to what a node has, and what they lean on. */
  #touchPathTo(node: Node): void {
    for (const prefix of this.facts.destinationsOf(node)) this.#routes.touch(prefix)
    for (const vtep of vtepsOf(node)) this.#neighbors.touch(vtepNeighborKey(vtep))
    this.#tunnels.touch(node)
  }

  /** Our side of the routes to other nodes changed. */
  #touchRemote(): void {
    for (const node of this.facts.nodes.values()) this.#touchPathTo(node)
    for (const prefix of this.#paths.keys()) if (this.facts.poolOf(prefix)) this.#routes.touch(prefix)
  }

  /** What this node is or how all speak changed: every session may have. */
  #touchSessions(): void {
    this.#peers.touchAll()
    for (const address of this.facts.nodesByAddress.keys()) this.#peers.touch(address)
    for (const address of this.facts.bgpPeersByAddress.keys()) this.#peers.touch(address)
    for (const workload of this.facts.workloads.values()) this.#touchPeering(workload)
  }

  #touchPrefix(prefix: Prefix): void {
    this.#routes.touch(prefix)
    this.#originations.touch(prefix)
  }

  /** Local workload addresses inside a block are borrowed or not according to who holds the block. */
  #touchBorrowedIn(cidr: Prefix): void {
    for (const network of this.facts.workloadNetworksWithin(cidr)) this.#originations.touch(network)
  }

  #touchPool(cidr: Prefix): void {
    this.#exports.add(cidr)
    this.#touchWithin(cidr)
    this.#tunnels.doubt()
    for (const prefix of this.#paths.keys()) if (contains(cidr, prefix)) this.#routes.touch(prefix)
  }

  /** A pool or a block around these prefixes changed. */
  #touchWithin(cidr: Prefix): void {
    for (const prefix of this.facts.destinationsWithin(cidr)) this.#touchPrefix(prefix)
    this.#touchBorrowedIn(cidr)
  }

  /** An interface, or what stands on it, changed. Endpoints that share its name or addresses move with it. */
  #touchInterface(name: string, changed?: Workload): void {
    this.#sysctls.touch(name)
    const here = [...this.facts.workloadsByInterface.get(name)].map((id) => this.facts.workloads.get(id)!)
    for (const workload of changed ? [...here, changed] : here) {
      for (const network of workload.networks) {
        this.#routes.touch(network)
        this.#originations.touch(network)
      }
      for (const key of neighborKeys(workload)) this.#neighbors.touch(key)
      this.#touchPeering(workload)
    }
  }

  /** The gateway to a peer, if one is named. */
  #pin(peer: Address, gateway: Address | undefined): void {
    if (this.#resolver.gatewayTo(peer) === gateway) return
    this.#resolver.pin(peer, gateway)
    this.#touchBehind(peer)
  }

  /** The way to a next hop is another. */
  #touchBehind(nextHop: Address): void {
    this.#routes.touch(hostPrefix(nextHop))
    for (const prefix of this.#byNextHop.get(nextHop)) this.#routes.touch(prefix)
  }

  /** Whether a workload peers with us, where it finds us, and what it is the way to. */
  #touchPeering(workload: Workload): void {
    for (const address of sessionAddresses(workload)) {
      this.#peers.touch(address)
      this.#touchBehind(address)
    }
    for (const key of this.#addresses.values.keys())
      if (key.startsWith(`${workload.interfaceName} `)) this.#addresses.touch(key)
    for (const address of peeringAddresses(this.facts))
      this.#addresses.touch(`${workload.interfaceName} ${address}`)
  }
}

/** A foreign route stands in the way of ours only when the kernel would take both for the same one. */
function hidesOurs(route: ForeignRoute): boolean {
  return route.metric === (familyOf(route.prefix) === 'ipv4' ? 0 : 1024)
}

function sameLink(a: Link | undefined, b: Link | undefined): boolean {
  return a?.index === b?.index && a?.running === b?.running
}
