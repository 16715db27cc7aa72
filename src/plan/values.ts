// Everything the plan derives, a table a kind. Which keys a change bears on is the business of bearing.ts.

import type { Origination, PeerConfig } from '../bgp/types.ts'
import type { ScopedAddress } from '../inet/address.ts'
import type { Prefix } from '../inet/prefix.ts'
import { Derived, sameJson, sameRecord } from './derived.ts'
import { Destinations, type RouteChange } from './destinations.ts'
import { Hazards } from './import-protection.ts'
import type { Known } from './known.ts'
import { Nat, type NatChanges } from './nat.ts'
import { originationFor } from './plan-bgp.ts'
import { type Inputs, neighborFor, routeFor, sysctlsFor } from './plan-kernel.ts'
import { peerFor } from './sessions.ts'
import { type TunnelChanges, Tunnels } from './tunnels.ts'
import type { InterfaceAddress, Neighbor, Sysctl } from './wanted.ts'
import { interfaceAddressFor } from './workload-peers.ts'

/** What came out different. A value of undefined means: not wanted any more. */
export interface ValueChanges extends NatChanges, TunnelChanges {
  readonly routes: readonly RouteChange[]
  readonly neighbors: ReadonlyMap<string, Neighbor | undefined>
  readonly addresses: ReadonlyMap<string, InterfaceAddress | undefined>
  /** By scope: the host, or one workload interface. */
  readonly sysctls: ReadonlyMap<string, readonly Sysctl[] | undefined>
  readonly peers: ReadonlyMap<ScopedAddress, PeerConfig | undefined>
  readonly originations: ReadonlyMap<Prefix, Origination | undefined>
}

export class Values {
  readonly #known: Known
  readonly hazards = new Hazards()
  readonly routes = new Destinations((prefix, paths) => {
    this.hazards.look(prefix, paths, this.inputs)
    return routeFor(prefix, paths, this.inputs)
  })
  readonly neighbors = new Derived<string, Neighbor>((key) => neighborFor(key, this.inputs), sameRecord)
  readonly addresses = new Derived<string, InterfaceAddress>(
    (key) => interfaceAddressFor(key, this.inputs),
    sameRecord,
  )
  readonly sysctls = new Derived<string, readonly Sysctl[]>(
    (scope) => sysctlsFor(scope, this.inputs),
    sameJson,
  )
  readonly peers = new Derived<ScopedAddress, PeerConfig>(
    (address) => peerFor(address, this.#known.facts, this.#known.settings.bgp),
    sameJson,
  )
  readonly originations = new Derived<Prefix, Origination>(
    (prefix) => originationFor(prefix, this.#known.facts),
    sameRecord,
  )
  readonly tunnels: Tunnels
  readonly nat: Nat
  /** What routes, and all that stands beside them in the kernel, follow from: at any time as it is then. */
  readonly inputs: Inputs

  constructor(known: Known) {
    this.#known = known
    this.tunnels = new Tunnels(() => ({
      ...known,
      settings: known.settings.kernel,
      usePodCidr: known.settings.usePodCidr,
    }))
    this.nat = new Nat(() => ({
      facts: known.facts,
      tunnels: this.tunnels.devices,
      settings: known.settings.nat,
      ipv6: known.settings.kernel.ipv6,
    }))
    this.inputs = inputsOf(known, this)
    this.touchHost()
  }

  get dirty(): boolean {
    return [this.routes, ...this.#keyed, this.tunnels, this.nat].some(({ dirty }) => dirty)
  }

  /** What has a value. Keys that should get their first one are for the caller to touch. */
  touchAll(): void {
    this.routes.touchRoutes()
    for (const derived of this.#keyed) derived.touchAll()
    this.touchHost()
    this.nat.touchAll()
    this.tunnels.doubt()
  }

  /** Sysctls that are not of one interface. */
  touchHost(): void {
    this.sysctls.touch('')
  }

  /** Recomputes what was touched. The sessions come first: `settled` may touch routes that follow from them. */
  settle(settled: (peers: ValueChanges['peers']) => void, mostRoutes?: number): ValueChanges {
    const tunnels = this.tunnels.settle()
    if (tunnels.tunnels.size > 0) this.nat.touchChains()
    const peers = this.peers.settle()
    settled(peers)
    return {
      routes: this.routes.settle(mostRoutes),
      neighbors: this.neighbors.settle(),
      addresses: this.addresses.settle(),
      sysctls: this.sysctls.settle(),
      peers,
      originations: this.originations.settle(),
      ...tunnels,
      ...this.nat.settle(),
    }
  }

  get #keyed() {
    return [this.neighbors, this.addresses, this.sysctls, this.peers, this.originations]
  }
}

function inputsOf(known: Known, { routes, hazards, tunnels }: Values): Inputs {
  const { facts, resolver, links, foreign, stale, former } = known
  return {
    ...{ facts, resolver, links, foreign, stale, former, hazards },
    isLearned: (prefix) => routes.paths(prefix).length > 0,
    get local() {
      return tunnels.local
    },
    get settings() {
      return known.settings.kernel
    },
  }
}
