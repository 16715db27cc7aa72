// How this node speaks BGP, and what it announces: the old job of confd, but for the sessions (sessions.ts).
// Calico: confd/pkg/backends/calico.

import type { Origination } from '../bgp/types.ts'
import type { Node } from '../cluster/model.ts'
import type { Address, Family } from '../inet/address.ts'
import { isHost, type Prefix } from '../inet/prefix.ts'
import type { Facts } from './facts.ts'
import { localPrefOf, NORMAL_PRIORITY } from './priority.ts'
import { serviceReason } from './services.ts'

const DEFAULT_ASN = 64512
export const DEFAULT_PORT = 179

/** Of what a node announces. */
const NORMAL_LOCAL_PREF = localPrefOf(NORMAL_PRIORITY)

/** What BGP takes from the environment rather than from the datastore. */
export interface BgpSettings {
  /** False with CALICO_NETWORKING_BACKEND `none` or `vxlan`. */
  readonly enabled: boolean
  /** Settled from CALICO_ROUTER_ID: literal, or hashed from the node's name; undefined: the node's IPv4 address. */
  readonly routerId: Address | undefined
}

/** How this node speaks, or why it cannot. */
export interface LocalSpeaker {
  readonly asn: number
  readonly routerId: Address
  readonly port: number
  /** The addresses to listen on per family; undefined: the wildcard (bindMode None). */
  readonly bind: Readonly<Partial<Record<Family, Address>>> | undefined
  readonly addresses: Readonly<Partial<Record<Family, Address>>>
}

export function localSpeaker(facts: Facts, settings: BgpSettings): LocalSpeaker | { unable: string } {
  if (!settings.enabled) return { unable: 'BGP is switched off by CALICO_NETWORKING_BACKEND' }
  const node = facts.node
  if (!node) return { unable: `node ${facts.self} is not in the datastore` }
  const addresses: Partial<Record<Family, Address>> = {}
  if (node.ipv4) addresses.ipv4 = node.ipv4.address
  if (node.ipv6) addresses.ipv6 = node.ipv6.address
  if (Object.keys(addresses).length === 0)
    return { unable: `node ${facts.self} has no BGP address (spec.bgp)` }
  const routerId = settings.routerId ?? addresses.ipv4
  if (!routerId)
    return { unable: 'a node without IPv4 address needs CALICO_ROUTER_ID (a dotted quad, or hash)' }
  return {
    asn: asnOf(node, facts),
    routerId,
    port: portOf(facts.self, facts),
    bind: facts.bgpConfigurations.get('default')?.bindMode === 'NodeIP' ? addresses : undefined,
    addresses,
  }
}

/** The AS of a node; of none: what nodes have that say nothing of their own. */
export function asnOf(node: Node | undefined, facts: Facts): number {
  return node?.asn ?? facts.bgpConfigurations.get('default')?.asn ?? DEFAULT_ASN
}

/** The port a node listens on: its own BGPConfiguration, else the default one, else 179. */
export function portOf(name: string, facts: Facts): number {
  return (
    facts.bgpConfigurations.get(`node.${name}`)?.listenPort ??
    facts.bgpConfigurations.get('default')?.listenPort ??
    DEFAULT_PORT
  )
}

/**
 * What this node has to announce of its own accord at one prefix: a block of ours, a range or an address of services, or
 * an address borrowed from another's block. Who hears of it is another matter (advertise.ts).
 */
export function originationFor(prefix: Prefix, facts: Facts): Origination | undefined {
  const because = originReason(prefix, facts)
  return because === undefined ? undefined : { prefix, localPref: NORMAL_LOCAL_PREF, because }
}

function originReason(prefix: Prefix, facts: Facts): string | undefined {
  if (facts.ownsBlock(prefix)) return 'block of this node'
  if (facts.ownBlockOf(prefix)) return undefined // the block speaks for its addresses
  return serviceReason(prefix, facts) ?? (isBorrowed(prefix, facts) ? BORROWED : undefined)
}

const BORROWED = 'address of a local workload outside our blocks'

/** Outside all pools addresses of workloads are not announced. */
function isBorrowed(prefix: Prefix, facts: Facts): boolean {
  return isHost(prefix) && facts.poolOf(prefix) !== undefined && facts.workloadsByNetwork.get(prefix).size > 0
}
