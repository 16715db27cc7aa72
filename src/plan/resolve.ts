// Where packets for a BGP next hop leave this node.
//
// RFC 4271 §5.1.3 asks for a lookup in the routing table. We look in the kernel's
// main table without our own BGP routes, so that a route can never be resolved
// through itself or through one like it (BIRD's "unresolvable" after a BGP default
// route, Calico issue #1515). Where an operator names the gateway to a peer, the
// table is asked for that one instead.

import type { Address } from '../inet/address.ts'
import { isHost, type Prefix, parsePrefix } from '../inet/prefix.ts'
import { PrefixMap } from '../inet/prefix-map.ts'
import type { ForeignRoute, Link } from './underlay.ts'
import { isTunnelName } from './wanted.ts'

/** The immediate way out. `gateway` is the next hop itself when it is on the link. */
export interface Exit {
  readonly device: string
  readonly gateway: Address
  /** Gateways on the way: 0 for what is on a link of ours. */
  readonly metric: number
}

export interface Unresolved {
  readonly unresolved: string
}

/** Gateways behind gateways that we follow. The kernel itself follows none. */
const MAX_DEPTH = 4

interface Hop {
  readonly device: string | undefined
  readonly gateway: Address | undefined
  readonly metric: number
}

export class Resolver {
  #hops = new PrefixMap<Hop>()
  #own = new Set<Address>()
  readonly #asked = new Map<Address, Exit | Unresolved>()
  readonly #pins = new Map<Address, Address>()
  /** How many paths in use have each next hop. */
  readonly #users = new Map<Address, number>()

  /** Takes the new underlay and names the next hops that now resolve otherwise. */
  update(links: Iterable<Link>, routes: Iterable<ForeignRoute>): Address[] {
    this.#hops = hopsOf(links, routes)
    this.#own = new Set([...links].flatMap((link) => link.addresses.map((a) => a.address)))
    const changed: Address[] = []
    for (const [nextHop, before] of this.#asked) {
      const after = this.#look(nextHop)
      if (JSON.stringify(after) === JSON.stringify(before)) continue
      this.#asked.set(nextHop, after)
      changed.push(nextHop)
    }
    return changed
  }

  resolve(nextHop: Address): Exit | Unresolved {
    const known = this.#asked.get(nextHop)
    if (known) return known
    const found = this.#look(nextHop)
    this.#asked.set(nextHop, found)
    return found
  }

  /** The same, for those who ask again themselves. */
  lookUp(nextHop: Address): Exit | Unresolved {
    return this.#look(nextHop)
  }

  /** A next hop is behind this gateway, whatever routes lead to itself; undefined: as routes say. */
  pin(nextHop: Address, gateway: Address | undefined): void {
    if (gateway === undefined) this.#pins.delete(nextHop)
    else this.#pins.set(nextHop, gateway)
    this.#asked.delete(nextHop)
  }

  /** The gateway it was pinned to. */
  gatewayTo(nextHop: Address): Address | undefined {
    return this.#pins.get(nextHop)
  }

  /** One path more is in use that has this next hop. */
  hold(nextHop: Address): void {
    this.#users.set(nextHop, (this.#users.get(nextHop) ?? 0) + 1)
  }

  /** And one less. */
  release(nextHop: Address): void {
    const left = this.#users.get(nextHop)! - 1
    if (left > 0) {
      this.#users.set(nextHop, left)
      return
    }
    this.#users.delete(nextHop)
    if (!this.#pins.has(nextHop)) this.#asked.delete(nextHop)
  }

  isUsed(nextHop: Address): boolean {
    return this.#users.has(nextHop)
  }

  #look(nextHop: Address): Exit | Unresolved {
    let gateway = this.#pins.get(nextHop) ?? nextHop
    for (let depth = 0; depth < MAX_DEPTH; depth++) {
      if (this.#own.has(gateway)) return { unresolved: `${gateway} is an address of this node` }
      const hop = this.#hops.longest(gateway)?.value
      if (!hop) return { unresolved: `no route to ${gateway}` }
      if (hop.gateway === undefined) {
        return hop.device === undefined
          ? { unresolved: `no device towards ${gateway}` }
          : { device: hop.device, gateway, metric: depth }
      }
      if (hop.gateway === gateway && hop.device !== undefined)
        return { device: hop.device, gateway, metric: depth }
      gateway = hop.gateway
    }
    return { unresolved: `more than ${MAX_DEPTH} gateways behind one another` }
  }
}

/** Connected subnets first; a route of the same prefix counts only where no subnet is, the lowest metric wins. */
function hopsOf(links: Iterable<Link>, routes: Iterable<ForeignRoute>): PrefixMap<Hop> {
  const hops = new PrefixMap<Hop>()
  const offer = (prefix: Prefix, hop: Hop): void => {
    const present = hops.get(prefix)
    if (!present || hop.metric < present.metric) hops.set(prefix, hop)
  }
  for (const link of links) {
    if (!link.running || isTunnelName(link.name)) continue
    for (const { prefix } of link.addresses) {
      if (!isHost(prefix) && !linkLocal.includes(prefix)) {
        offer(prefix, { device: link.name, gateway: undefined, metric: -1 })
      }
    }
  }
  for (const route of routes) if (!isTunnelName(route.device)) offer(route.prefix, route)
  return hops
}

/** Every link has it, so it says nothing about where to go. */
const linkLocal = [parsePrefix('fe80::/64')!]
