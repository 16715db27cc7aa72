// From cluster data to sessions and announcements: the old job of confd.
//
// Calico's rules: confd/pkg/backends/calico/client.go for sessions, the export
// filter of confd/etc/calico/confd/templates for what is announced.

import type { Origination, PeerConfig, PeerKind } from '../bgp/types.ts'
import type { BgpPeer, Node } from '../cluster/model.ts'
import { type Address, type Family, familyOf } from '../inet/address.ts'
import { contains, isHost, type Prefix } from '../inet/prefix.ts'
import type { Facts } from './facts.ts'

export const DEFAULT_ASN = 64512
export const DEFAULT_PORT = 179
/** Seconds; not configurable in Calico, negotiated down by the peer. */
const HOLD_TIME = 240
/** Seconds, BIRD's default; the field has 12 bits (RFC 4724 §3). */
const RESTART_TIME = 120
const MAX_RESTART_TIME = 4095

/**
 * LOCAL_PREF of what a node announces: 2^31 - 1 - metric, with Calico's normal route
 * priority 1024 as metric (v3.32 and later). The channel by which nodes tell each
 * other the priority of a route; see bgp/README.md.
 */
export const NORMAL_LOCAL_PREF = 0x7fffffff - 1024

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

export function asnOf(node: Node, facts: Facts): number {
  return node.asn ?? facts.bgpConfigurations.get('default')?.asn ?? DEFAULT_ASN
}

/** The port a node listens on: its own BGPConfiguration, else the default one, else 179. */
function portOf(name: string, facts: Facts): number {
  return (
    facts.bgpConfigurations.get(`node.${name}`)?.listenPort ??
    facts.bgpConfigurations.get('default')?.listenPort ??
    DEFAULT_PORT
  )
}

/**
 * The session with one address, if there is to be one. Explicit peers come before the
 * mesh, global ones before those of this node, then by name: the same BGPPeers give
 * the same sessions on every node and after every restart.
 */
export function peerFor(address: Address, facts: Facts, settings: BgpSettings): PeerConfig | undefined {
  const local = localSpeaker(facts, settings)
  if ('unable' in local) return undefined
  const localAddress = local.addresses[familyOf(address)]
  if (!localAddress || localAddress === address) return undefined
  const base = {
    address,
    localAddress,
    families: [familyOf(address)],
    routerId: local.routerId,
    holdTime: HOLD_TIME,
  } as const
  return explicitPeer(base, local, facts) ?? meshPeer(base, local, facts)
}

type Base = Pick<PeerConfig, 'address' | 'localAddress' | 'families' | 'routerId' | 'holdTime'>

function explicitPeer(base: Base, local: LocalSpeaker, facts: Facts): PeerConfig | undefined {
  const here = [...facts.bgpPeersByAddress.get(base.address)]
    .map((name) => facts.bgpPeers.get(name)!)
    .filter((peer) => appliesHere(peer, facts))
    .sort((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1))
  const [peer] = here
  if (!peer || unsupported(peer)) return undefined
  const known = nodeAt(base.address, facts)
  const kind: PeerKind = isGlobal(peer) ? 'global' : 'node'
  return {
    ...base,
    name: sessionName(kind, base.address),
    kind,
    port: peer.peerIp!.port ?? (known ? portOf(known.name, facts) : DEFAULT_PORT),
    localAsn: peer.localAsn ?? local.asn,
    peerAsn: peer.asn!,
    // A node at the other end of a global peer is configured the same way: one side dials.
    passive: kind === 'global' && known !== undefined && base.address > base.localAddress,
    ...(peer.keepaliveTime !== undefined && { keepaliveTime: peer.keepaliveTime }),
    restartTime: Math.min(peer.maxRestartTime ?? RESTART_TIME, MAX_RESTART_TIME),
    allowedLocalAsns: peer.allowedLocalAsns,
    because: `BGPPeer ${peer.name}`,
  }
}

/** Why a BGPPeer gives no session in this version, or undefined. Shown in status: a session missing in silence helps nobody. */
export function unsupported(peer: BgpPeer): string | undefined {
  if (peer.localWorkloadSelector) return 'peering with local workloads is not supported by this version'
  if (peer.peerSelector) return 'peerSelector is not supported by this version'
  if (peer.password)
    return 'passwords are not supported by this version; the session stays down rather than open'
  if (peer.ttlSecurity > 0)
    return 'ttlSecurity is not supported by this version; the session stays down rather than open'
  if (peer.filters.length > 0)
    return 'filters are not applied by this version; the session stays down rather than unfiltered'
  if (peer.asn === undefined) return 'asNumber is missing: give the AS of the router at peerIP'
  return undefined
}

function isGlobal(peer: BgpPeer): boolean {
  return peer.node === undefined && peer.nodeSelector === undefined
}

function rank(peer: BgpPeer): number {
  return isGlobal(peer) ? 0 : 1
}

function appliesHere(peer: BgpPeer, facts: Facts): boolean {
  if (peer.node !== undefined) return peer.node === facts.self
  return (
    peer.nodeSelector === undefined ||
    (facts.node !== undefined && peer.nodeSelector.matches(facts.node.labels))
  )
}

/** A node-to-node mesh session (bgp: confd's mesh rules). A route reflector takes no part in the mesh. */
function meshPeer(base: Base, local: LocalSpeaker, facts: Facts): PeerConfig | undefined {
  const configuration = facts.bgpConfigurations.get('default')
  if (configuration?.meshEnabled === false || facts.node?.routeReflectorClusterId) return undefined
  if (configuration?.meshPassword) return undefined // fails closed, see `bgpWarnings`
  const peer = nodeAt(base.address, facts)
  if (!peer || peer.name === facts.self || peer.routeReflectorClusterId) return undefined
  return {
    ...base,
    name: sessionName('mesh', base.address),
    kind: 'mesh',
    port: portOf(peer.name, facts),
    localAsn: local.asn,
    peerAsn: asnOf(peer, facts),
    // Compared as text, as confd does: any other rule leaves some pairs of a mixed mesh both waiting.
    passive: base.address > base.localAddress,
    restartTime: Math.min(configuration?.meshMaxRestartTime ?? RESTART_TIME, MAX_RESTART_TIME),
    allowedLocalAsns: 0,
    because: `node ${peer.name}, node-to-node mesh`,
  }
}

/** Of several nodes that claim one address the first by name. */
function nodeAt(address: Address, facts: Facts): Node | undefined {
  const [first] = [...facts.nodesByAddress.get(address)].sort()
  return first === undefined ? undefined : facts.nodes.get(first)
}

/** BIRD's name for it, which `calicoctl node status` and dashboards know. */
function sessionName(kind: PeerKind, address: Address): string {
  const words: Record<PeerKind, string> = { mesh: 'Mesh', global: 'Global', node: 'Node' }
  return `${words[kind]}_${address.replace(/[.:]/g, '_')}`
}

/** What is asked for and not in force, in words, for `agent status`. */
export function bgpWarnings(facts: Facts): string[] {
  const warnings: string[] = []
  for (const peer of facts.bgpPeers.values()) {
    const why = appliesHere(peer, facts) && unsupported(peer)
    if (why) warnings.push(`BGPPeer ${peer.name}: ${why}`)
  }
  if (facts.bgpConfigurations.get('default')?.meshPassword) {
    warnings.push(
      'BGPConfiguration default: nodeMeshPassword is not supported by this version; the mesh stays down rather than open',
    )
  }
  return warnings
}

/** What this node announces of its own accord at one prefix: a block of ours, or an address borrowed from another's. */
export function originationFor(prefix: Prefix, facts: Facts): Origination | undefined {
  const pool = facts.poolOf(prefix)
  if (pool?.disableBgpExport) return undefined
  if (facts.ownsBlock(prefix)) {
    return { prefix, localPref: NORMAL_LOCAL_PREF, because: 'block of this node' }
  }
  // Inside an own block the block speaks for its addresses; outside all pools nothing is announced.
  if (!isHost(prefix) || !pool || facts.ownBlockOf(prefix)) return undefined
  if (facts.workloadsByNetwork.get(prefix).size === 0) return undefined
  return { prefix, localPref: NORMAL_LOCAL_PREF, because: 'address of a local workload outside our blocks' }
}

/** Whether a route learned by BGP may be announced again (steps 3 to 11 of confd's export filter). */
export function exportable(prefix: Prefix, facts: Facts): boolean {
  const pool = facts.poolOf(prefix)
  if (!pool || pool.disableBgpExport) return false
  const own = facts.ownBlockOf(prefix)
  return own === undefined || (own === prefix && contains(pool.cidr, prefix))
}
