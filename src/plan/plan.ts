// The plan: everything this node should have, kept up to date change by change.
//
// Inputs come in through the methods in the middle: what they say is kept (known.ts), and
// the keys it bears on are marked (bearing.ts); `settle` recomputes those (values.ts) and
// hands out what came out different. Nothing here reads a clock, a socket or the kernel. A
// new Plan fed with everything at once is the full recomputation, and must agree with one
// that was fed change by change.

import type { Operation } from '../bgp/rib/filter.ts'
import type { BestPathChange, Origination, PeerConfig } from '../bgp/types.ts'
import type { IpPool, Resource, SecretRef } from '../cluster/model.ts'
import { type Address, isLinkLocal, type ScopedAddress, unscoped } from '../inet/address.ts'
import { isHost, type Prefix } from '../inet/prefix.ts'
import { advertise } from './advertise.ts'
import { Bearing } from './bearing.ts'
import { bgpWarnings } from './bgp-warnings.ts'
import { rememberHomes } from './encap/devices.ts'
import { podMtu, type TunnelKind } from './encap/local.ts'
import { poolsNotInForce, tunnelWarnings, type WarningInputs } from './encap/warnings.ts'
import type { Facts } from './facts.ts'
import { Known, type PlanSettings } from './known.ts'
import type { Declined } from './offer.ts'
import { type SecretState, secretId, secretRefs } from './passwords.ts'
import { type LocalSpeaker, localSpeaker } from './plan-bgp.ts'
import { explain } from './plan-kernel.ts'
import { withPodCidrs } from './pod-cidrs.ts'
import type { Exit, Unresolved } from './resolve.ts'
import {
  announcesServices,
  type ServiceVerdict,
  serviceLeansOn,
  serviceReason,
  servicesBehind,
  serviceVerdicts,
} from './services.ts'
import { isInTransition } from './transition.ts'
import type { ForeignRoute, Link } from './underlay.ts'
import { type ValueChanges, Values } from './values.ts'
import {
  type FdbEntry,
  type InterfaceAddress,
  type IpSet,
  type NatChain,
  type Neighbor,
  ourMetric,
  type Route,
  type SetMember,
  type Sysctl,
  type Tunnel,
  type TunnelName,
} from './wanted.ts'
import { exitToWorkload } from './workload-peers.ts'

/** One object of the cluster changed. */
export interface ClusterChange {
  readonly key: string
  readonly before: Resource | undefined
  readonly after: Resource | undefined
}

/** What `settle` found different. */
export interface PlanChanges extends ValueChanges {
  /** What is announced as before may lean on another route now. */
  readonly leanings: ReadonlySet<Prefix>
  /** What lies inside these prefixes may have to be announced again, otherwise or no more. */
  readonly exports: ReadonlySet<Prefix>
}

export class Plan {
  readonly #known: Known
  readonly #values: Values
  readonly #bearing: Bearing

  constructor(self: string, settings: PlanSettings) {
    this.#known = new Known(self, settings)
    this.#values = new Values(this.#known)
    this.#bearing = new Bearing(this.#known, this.#values)
  }

  get facts(): Facts {
    return this.#known.facts
  }

  // ---- inputs

  cluster({ key, before, after }: ClusterChange): void {
    const [was, is] = [this.#meaning(before), this.#meaning(after)]
    this.facts.reindex(key, was, is)
    for (const resource of [...was, ...is]) this.#bearing.resource(resource)
  }

  #meaning(resource: Resource | undefined): Resource[] {
    if (!resource) return []
    return this.#known.settings.usePodCidr ? withPodCidrs(resource) : [resource]
  }

  best({ prefix, used }: BestPathChange): void {
    const { resolver } = this.#known
    const after = used[0]?.peer === null ? [] : used
    const before = this.#values.routes.use(prefix, after)
    for (const { nextHop } of after) resolver.hold(nextHop)
    for (const { nextHop } of before) resolver.release(nextHop)
  }

  /** The interfaces and the routes of others, as they are now. */
  underlay(links: readonly Link[], foreign: readonly ForeignRoute[]): void {
    this.#nowInterfaces(links)
    this.#nowForeign(foreign.filter(hidesOurs))
    this.#bearing.behind(this.#known.resolver.update(links, foreign))
  }

  #nowInterfaces(links: readonly Link[]): void {
    const { links: before, homes } = this.#known
    const now = new Map(links.map((link) => [link.name, link]))
    for (const name of new Set([...before.keys(), ...now.keys()])) {
      if (!sameLink(before.get(name), now.get(name))) this.#bearing.link(name)
    }
    replace(before, now)
    rememberHomes(homes, now)
    this.#values.tunnels.doubt()
  }

  #nowForeign(foreign: readonly ForeignRoute[]): void {
    const before = this.#known.foreign
    const now = new Map(foreign.map((route) => [route.prefix, route]))
    for (const prefix of new Set([...before.keys(), ...now.keys()])) {
      if (before.has(prefix) !== now.has(prefix)) this.#values.routes.touch(prefix)
    }
    replace(before, now)
  }

  /** BGP routes found in the kernel at start. They stay until `forgetStale`. */
  adopt(routes: Iterable<Route>): void {
    for (const route of routes) {
      this.#known.stale.set(route.prefix, {
        ...route,
        because: 'left by an earlier run; kept until the peers have spoken',
      })
      this.#values.routes.touch(route.prefix)
    }
  }

  forgetStale(): void {
    for (const prefix of this.#known.stale.keys()) this.#values.routes.touch(prefix)
    this.#known.stale.clear()
  }

  /** The encapsulation of a pool changes. What it was counts beside what it is until `endTransitions`. */
  retain(former: IpPool): void {
    this.#known.former.unshift(former)
    this.#bearing.pool(former.cidr)
  }

  /** Whether packets to some node still go as before, for want of one that is ready. As of the last `settle`. */
  get isInTransition(): boolean {
    return isInTransition(this.#values.inputs)
  }

  endTransitions(): void {
    for (const { cidr } of this.#known.former.splice(0)) this.#bearing.pool(cidr)
  }

  /** What has been retained, the last first. */
  get formerPools(): readonly IpPool[] {
    return this.#known.former
  }

  /** The kinds of tunnel devices that this kernel cannot make. */
  unsupported(kinds: ReadonlySet<TunnelKind>): void {
    this.#known.unsupported = kinds
    this.#values.tunnels.doubt()
  }

  /** What is known of a key of a Secret, which is one of `secretRefs`. */
  secret(ref: SecretRef, state: SecretState): void {
    this.facts.secrets.set(secretId(ref), state)
    this.#bearing.sessions()
  }

  settings(settings: PlanSettings): void {
    this.#known.settings = settings
    this.touchAll()
  }

  /** Marks everything: the next `settle` is a full recomputation. */
  touchAll(): void {
    this.#bearing.all()
  }

  // ---- results

  get dirty(): boolean {
    return this.#values.dirty
  }

  /** Recomputes what inputs bear on; of routes so many at most, and the next time the others. */
  settle(mostRoutes?: number): PlanChanges {
    if (this.#values.tunnels.refresh()) this.#bearing.remote()
    const changes = this.#values.settle((peers) => {
      for (const [at, config] of peers) this.#pin(unscoped(at).address, config?.reachableBy)
    }, mostRoutes)
    const leanings = this.#bearing.services.takeLeanings()
    return { ...changes, leanings, exports: this.#bearing.takeExports() }
  }

  /** The route a destination should have. */
  route(prefix: Prefix): Route | undefined {
    return this.#values.routes.route(prefix)
  }

  routes(): Iterable<Route> {
    return this.#values.routes.routes()
  }

  get neighbors(): ReadonlyMap<string, Neighbor> {
    return this.#values.neighbors.values
  }

  get addresses(): ReadonlyMap<string, InterfaceAddress> {
    return this.#values.addresses.values
  }

  get tunnels(): ReadonlyMap<TunnelName, Tunnel> {
    return this.#values.tunnels.devices
  }

  get fdb(): ReadonlyMap<string, FdbEntry> {
    return this.#values.tunnels.fdb
  }

  get sysctls(): ReadonlyMap<string, readonly Sysctl[]> {
    return this.#values.sysctls.values
  }

  get peers(): ReadonlyMap<ScopedAddress, PeerConfig> {
    return this.#values.peers.values
  }

  get originations(): ReadonlyMap<Prefix, Origination> {
    return this.#values.originations.values
  }

  get sets(): ReadonlyMap<string, IpSet> {
    return this.#values.nat.sets
  }

  get setMembers(): ReadonlyMap<string, SetMember> {
    return this.#values.nat.setMembers
  }

  get chains(): ReadonlyMap<string, NatChain> {
    return this.#values.nat.chains
  }

  /** Keys of Secrets that sessions need. */
  get secretRefs(): SecretRef[] {
    return secretRefs(this.facts)
  }

  get speaker(): LocalSpeaker | { unable: string } {
    return localSpeaker(this.facts, this.#known.settings.bgp)
  }

  /** In octets: what interfaces of new pods should have. */
  get podMtu(): number {
    return podMtu(this.#values.tunnels.local)
  }

  get warnings(): string[] {
    return [
      ...bgpWarnings(this.facts, this.peers),
      ...this.#values.hazards.warnings,
      ...tunnelWarnings(this.#warningInputs),
    ]
  }

  /** Those of the warnings that are about whole pools. */
  get poolsNotInForce(): string[] {
    return poolsNotInForce(this.#warningInputs)
  }

  get #warningInputs(): WarningInputs {
    return { ...this.#values.inputs, bgpEnabled: this.#known.settings.bgp.enabled }
  }

  /** Every source that knows a destination, the winner first, the others with what they would do or why they do not. */
  explain(prefix: Prefix): { source: string; offer: Route | Declined }[] {
    return explain(prefix, this.#values.routes.paths(prefix), this.#values.inputs)
  }

  /** Where packets for a BGP next hop leave this node. A link-local one is as near as the peer that told us. */
  reach(nextHop: Address): Pick<Exit, 'metric'> | Unresolved {
    if (isLinkLocal(nextHop)) return { metric: 0 }
    return exitToWorkload(nextHop, this.#values.inputs) ?? this.#known.resolver.lookUp(nextHop)
  }

  /** The routes of ours of which the kernel must hold one before a prefix may be announced; none: it may be at once. */
  leansOn(prefix: Prefix): readonly Prefix[] {
    if (!this.#known.settings.kernel.routeSync) return []
    if (this.facts.ownsBlock(prefix)) return isHost(prefix) ? [] : [prefix]
    return serviceReason(prefix, this.facts) === undefined ? [prefix] : serviceLeansOn(prefix, this.facts)
  }

  /** What may be announced or not according to a route: its destination, if that is ours, and addresses of services behind it. */
  leaningOn(route: Prefix): readonly Prefix[] {
    const services = servicesBehind(route, this.facts)
    return this.originations.has(route) ? [route, ...services] : services
  }

  /** Whether services and their endpoints have to be known. */
  get needsServices(): boolean {
    return this.#known.settings.bgp.enabled && announcesServices(this.#bearing.services.scope)
  }

  /** What becomes of the services that have an address. */
  services(address: Prefix): ServiceVerdict[] {
    return serviceVerdicts(address, this.facts)
  }

  /** What is added to a path on its way out where no filter has decided; undefined: it stays here. */
  advertise(prefix: Prefix): readonly Operation[] | undefined {
    return advertise(prefix, this.facts)
  }

  /** The gateway to a peer, if one is named. */
  #pin(peer: Address, gateway: Address | undefined): void {
    const { resolver } = this.#known
    if (resolver.gatewayTo(peer) === gateway) return
    resolver.pin(peer, gateway)
    this.#bearing.behind([peer])
  }
}

/** A foreign route stands in the way of ours only when the kernel would take both for the same one. */
function hidesOurs(route: ForeignRoute): boolean {
  return route.metric === ourMetric(route.prefix)
}

function sameLink(a: Link | undefined, b: Link | undefined): boolean {
  return a?.index === b?.index && a?.running === b?.running
}

function replace<K, V>(map: Map<K, V>, by: ReadonlyMap<K, V>): void {
  map.clear()
  for (const [key, value] of by) map.set(key, value)
}
