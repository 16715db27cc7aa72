// A Plan fed with documents, as the agent feeds it: through the cluster view.

import type { BestPathChange, Path } from '../../src/bgp/types.ts'
import type { AnyKind, Document } from '../../src/cluster/feed.ts'
import { resourceId } from '../../src/cluster/feed.ts'
import type { IpPool } from '../../src/cluster/model.ts'
import { ClusterView } from '../../src/cluster/view.ts'
import { type Address, address, familyOf } from '../../src/inet/address.ts'
import { type Prefix, parseCidr, prefix } from '../../src/inet/prefix.ts'
import type { TunnelKind } from '../../src/plan/encap/local.ts'
import type { TunnelSettings } from '../../src/plan/encap/settings.ts'
import type { PlanSettings } from '../../src/plan/known.ts'
import { Plan } from '../../src/plan/plan.ts'
import type { ForeignRoute, Link } from '../../src/plan/underlay.ts'
import type { Route } from '../../src/plan/wanted.ts'

export const settings: PlanSettings = {
  kernel: {
    ipv6: true,
    ipForwarding: true,
    routeSync: true,
    importProtection: true,
    rpFilter: '1',
    workloadProtocol: 'boot',
    tunnels: {
      enabled: true,
      ipipEnabled: undefined,
      vxlanEnabled: undefined,
      ipipMtu: 0,
      vxlanMtu: 0,
      vxlanMtuV6: 0,
      vxlanPort: 4789,
      vxlanVni: 4096,
      mtuInterfaces: /^eth/,
      checksumOffload: true,
      programClusterRoutes: undefined,
    },
    deviceRouteSource: { ipv4: undefined, ipv6: undefined },
  },
  bgp: { enabled: true, routerId: undefined },
  usePodCidr: false,
  services: { kubernetesNode: 'a', clusterIps: [] },
  nat: {
    outgoingAddress: undefined,
    portRange: undefined,
    excludeHosts: false,
    outgoingInterface: undefined,
    externalNodes: [],
    maxIpsetSize: 1_048_576,
    fullyRandom: { masquerade: true, snat: true },
  },
}

export class Cluster {
  readonly plan: Plan
  readonly #view = new ClusterView()
  readonly #links = new Map<string, Link>()
  readonly #documents = new Map<string, Document<AnyKind>>()
  readonly #paths = new Map<string, BestPathChange>()
  #foreign: readonly ForeignRoute[] = []
  #settings: PlanSettings
  #unsupported: ReadonlySet<TunnelKind> = new Set()
  /** What pools were before `turn`, the first first. */
  #former: IpPool[] = []
  /** Every reading of the interfaces. */
  readonly #seen: (readonly Link[])[] = []
  #index = 1

  constructor(self: string, given: PlanSettings = settings) {
    this.#settings = given
    this.plan = new Plan(self, given)
  }

  /** Other nat settings; the rest stays. */
  nat(changes: Partial<PlanSettings['nat']>): this {
    this.#settings = { ...this.#settings, nat: { ...settings.nat, ...changes } }
    this.plan.settings(this.#settings)
    return this
  }

  /** Other settings of tunnels; the rest stays. */
  tunnels(changes: Partial<TunnelSettings>): this {
    const tunnels = { ...this.#settings.kernel.tunnels, ...changes }
    this.#settings = { ...this.#settings, kernel: { ...this.#settings.kernel, tunnels } }
    this.plan.settings(this.#settings)
    return this
  }

  /** The source address of IPv4 routes. */
  source(text: string): this {
    const deviceRouteSource = { ipv4: address(text), ipv6: undefined }
    this.#settings = { ...this.#settings, kernel: { ...this.#settings.kernel, deviceRouteSource } }
    this.plan.settings(this.#settings)
    return this
  }

  /** The kernel cannot make devices of these kinds. */
  unsupported(...kinds: TunnelKind[]): this {
    this.#unsupported = new Set(kinds)
    this.plan.unsupported(this.#unsupported)
    return this
  }

  set(...documents: Document<AnyKind>[]): this {
    for (const document of documents) {
      this.#documents.set(idOf(document), document)
      for (const change of this.#view.apply(document)) this.plan.cluster(change)
    }
    return this
  }

  /** As `set`, for a pool whose encapsulation changes: what it was counts until `endTransitions`. */
  turn(document: Document<AnyKind>): this {
    this.#documents.set(idOf(document), document)
    for (const change of this.#view.apply(document)) {
      if (change.before?.kind === 'IPPool') {
        this.#former.push(change.before)
        this.plan.retain(change.before)
      }
      this.plan.cluster(change)
    }
    return this
  }

  endTransitions(): this {
    this.#former = []
    this.plan.endTransitions()
    return this
  }

  delete(...documents: Document<AnyKind>[]): this {
    for (const id of documents.map(idOf)) {
      this.#documents.delete(id)
      for (const change of this.#view.remove(id)) this.plan.cluster(change)
    }
    return this
  }

  link(name: string, ...addresses: string[]): this {
    const cidrs = addresses.map((text) => parseCidr(text)!)
    this.#links.set(name, { name, index: ++this.#index, running: true, mtu: 1500, addresses: cidrs })
    return this.#underlay()
  }

  /** A change of its MTU. */
  mtu(name: string, mtu: number): this {
    this.#links.set(name, { ...this.#links.get(name)!, mtu })
    return this.#underlay()
  }

  /** Loses its carrier. */
  down(name: string): this {
    this.#links.set(name, { ...this.#links.get(name)!, running: false })
    return this.#underlay()
  }

  unlink(name: string): this {
    this.#links.delete(name)
    return this.#underlay()
  }

  foreign(...routes: Partial<ForeignRoute>[]): this {
    this.#foreign = routes.map((route) => ({
      prefix: prefix('0.0.0.0/0'),
      device: undefined,
      gateway: undefined,
      metric: 0,
      ...route,
    }))
    return this.#underlay()
  }

  learn(text: string, nextHop: string, peer = '10.0.0.2'): this {
    return this.#best({ prefix: prefix(text), used: [path(prefix(text), address(nextHop), peer)] })
  }

  /** The same from several peers, the next hops themselves, all of them in use. */
  learnAll(text: string, ...nextHops: string[]): this {
    const paths = nextHops.map((hop) => path(prefix(text), address(hop), hop))
    return this.#best({ prefix: prefix(text), used: paths })
  }

  unlearn(text: string): this {
    return this.#best({ prefix: prefix(text), used: [] })
  }

  /** What changed since the last call; routes by destination. */
  settle() {
    const { routes, ...others } = this.plan.settle()
    return { ...others, routes: new Map(routes.map(({ prefix, route }) => [prefix, route])) }
  }

  /** The routes wanted now, one line each, without their reasons. */
  routes(): string[] {
    this.plan.settle()
    return [...this.plan.routes()].map(line).sort()
  }

  /** Another plan, given at once all that this one was given over time. Of interfaces, where addresses were counts too. */
  again(): Cluster {
    const fresh = new Cluster(this.plan.facts.self, this.#settings).set(...this.#documents.values())
    fresh.plan.unsupported(this.#unsupported)
    for (const former of this.#former) fresh.plan.retain(former)
    for (const links of this.#seen) fresh.plan.underlay(links, this.#foreign)
    for (const change of this.#paths.values()) fresh.plan.best(change)
    return fresh
  }

  #best(change: BestPathChange): this {
    if (change.used.length > 0) this.#paths.set(change.prefix, change)
    else this.#paths.delete(change.prefix)
    this.plan.best(change)
    return this
  }

  #underlay(): this {
    const links = [...this.#links.values()]
    this.#seen.push(links)
    this.plan.underlay(links, this.#foreign)
    return this
  }
}

function idOf({ kind, metadata }: Document<AnyKind>): string {
  return resourceId(kind, metadata.name, metadata.namespace)
}

/** As ip(8) prints it, but with the length of host prefixes. */
export function line(route: Route): string {
  const { prefix, type, protocol, device, gateway, scope, onlink, nexthops = [], mtu, source } = route
  const words = [
    type === 'blackhole' && 'blackhole',
    prefix,
    gateway && `via ${gateway}`,
    device && `dev ${device}`,
    protocol !== 'boot' && `proto ${protocol}`,
    scope && `scope ${scope}`,
    source && `src ${source}`,
    onlink && 'onlink',
    mtu && `mtu ${mtu}`,
    ...nexthops.map((hop) => `nexthop via ${hop.gateway} dev ${hop.device}${hop.onlink ? ' onlink' : ''}`),
  ]
  return words.filter(Boolean).join(' ')
}

export function path(of: Prefix, nextHop: Address, peer: string): Path {
  const attributes = {
    origin: 'igp',
    asPath: [],
    localPref: 100,
    ...(familyOf(of) === 'ipv4' && { nextHop }),
  } as const
  return { prefix: of, peer, pathId: 0, attributes, nextHop }
}
