// Which sessions this node has. Calico: confd/pkg/backends/calico/client.go.
//
//   explicit   BGPPeers that apply here and name the address, or select the node that has it
//   reversed   BGPPeers that apply to the node at the address, and name or select us: peerings of nodes go both ways
//   workload   local workloads that a BGPPeer selects
//   mesh       every other node
//
// One address has one session: the first of these, global ones before those of
// single nodes, then by name, so that the same BGPPeers give the same sessions
// on every node and after every restart.

import type { PeerConfig, PeerKind, Reflector } from '../bgp/types.ts'
import type { BgpPeer, Node } from '../cluster/model.ts'
import { type Address, familyOf, type ScopedAddress, scoped, unscoped } from '../inet/address.ts'
import { appliesTo } from './applies.ts'
import type { Facts } from './facts.ts'
import { peerFilters } from './filters.ts'
import { passwordOf } from './passwords.ts'
import { asnOf, type BgpSettings, DEFAULT_PORT, type LocalSpeaker, localSpeaker, portOf } from './plan-bgp.ts'
import { peeringOf, workloadAt } from './workload-peers.ts'
import { describe } from './workloads.ts'

/** Seconds; not configurable in Calico, negotiated down by the peer. */
export const HOLD_TIME = 240
/** Seconds, BIRD's default; the field has 12 bits (RFC 4724 §3). */
const RESTART_TIME = 120
export const MAX_RESTART_TIME = 4095

/** Who we are, and whom a session would be with. */
interface Pair {
  readonly address: Address
  /** The interface a link-local address is on. */
  readonly zone: string | undefined
  readonly localAddress: Address
  readonly local: LocalSpeaker
  /** The node at the address, if it is one's. */
  readonly remote: Node | undefined
}

/** A BGPPeer that asks for the session, and by what: the address it names, the nodes it selects, or from the other side. */
interface Ask {
  readonly peer: BgpPeer
  readonly kind: PeerKind
  readonly by: 'address' | 'selector' | 'reverse'
}

/** The session with one address, if there is to be one. */
export function peerFor(at: ScopedAddress, facts: Facts, settings: BgpSettings): PeerConfig | undefined {
  const { address, zone } = unscoped(at)
  const local = localSpeaker(facts, settings)
  if ('unable' in local) return undefined
  const localAddress = local.addresses[familyOf(address)]
  if (!localAddress || localAddress === address) return undefined
  const pair = { address, zone, localAddress, local, remote: nodeAt(address, facts) }
  const [ask] = asks(pair, facts)
  if (!ask) return workloadPeer(pair, facts) ?? meshPeer(pair, facts)
  return unsupported(ask.peer) ? undefined : explicitPeer(pair, ask, facts)
}

/** The BGPPeers that ask for a session, the one that counts first. */
function asks(pair: Pair, facts: Facts): Ask[] {
  const found: Ask[] = []
  for (const peer of facts.bgpPeers.values()) {
    const ask = direct(peer, pair, facts) ?? reversed(peer, pair, facts)
    if (ask) found.push(ask)
  }
  return found.sort((a, b) => rank(a) - rank(b) || (a.peer.name < b.peer.name ? -1 : 1))
}

function rank({ kind, by }: Ask): number {
  if (kind === 'global') return 0
  return by === 'reverse' ? 2 : 1
}

function direct(peer: BgpPeer, { address, zone, remote }: Pair, facts: Facts): Ask | undefined {
  if (!appliesTo(peer, facts.node)) return undefined
  const kind = isGlobal(peer) ? 'global' : 'node'
  const isNamed = peer.peerIp?.address === address && peer.peerIp.zone === zone
  if (isNamed && peer.asn !== undefined) return { peer, kind, by: 'address' }
  if (remote && peer.peerSelector?.matches(remote.labels)) return { peer, kind, by: 'selector' }
  return undefined
}

/** A peering between nodes is made on both of them, unless `reversePeering` says that somebody does that by hand. */
function reversed(peer: BgpPeer, { remote, local, localAddress }: Pair, facts: Facts): Ask | undefined {
  if (peer.reversePeering === 'Manual' || peer.localWorkloadSelector) return undefined
  if (!remote || !appliesTo(peer, remote)) return undefined
  const selected = peer.peerSelector?.matches(facts.node!.labels) === true
  if (!selected && !isNamed(peer, localAddress, local, facts)) return undefined
  return { peer, kind: 'node', by: 'reverse' }
}

/** Whether `peerIP` means us: an address alone may be somebody else's on the same host. */
function isNamed({ peerIp, asn }: BgpPeer, own: Address, local: LocalSpeaker, facts: Facts): boolean {
  if (peerIp?.address !== own) return false
  return (
    (asn ?? asnOf(undefined, facts)) === local.asn &&
    (peerIp.port === undefined || peerIp.port === local.port)
  )
}

function explicitPeer(pair: Pair, { peer, kind, by }: Ask, facts: Facts): PeerConfig {
  const { address, localAddress, local, remote } = pair
  const byAddress = by === 'address'
  // What a BGPPeer says of AS numbers is for peers it names by address (confd).
  const localAsn = (byAddress ? peer.localAsn : undefined) ?? local.asn
  const peerAsn = byAddress ? peer.asn! : asnOf(remote, facts)
  const nextHopMode = modeOf(peer, peerAsn === localAsn)
  const reflector = reflectorOf(facts.node, byAddress ? undefined : remote, peerAsn === localAsn)
  const filters = peerFilters(peer.filters.flatMap((name) => facts.bgpFilters.get(name) ?? []))
  const held = lacksFilter(peer, facts)
  const internal = peerAsn === localAsn
  return {
    ...base(pair, peer.sourceAddress),
    kind,
    port: (byAddress ? peer.peerIp!.port : undefined) ?? (remote ? portOf(remote.name, facts) : DEFAULT_PORT),
    localAsn,
    peerAsn,
    // A node at the other end of a global peer is configured the same way: one side dials.
    passive: kind === 'global' && byAddress && remote !== undefined && address > localAddress,
    ...(peer.keepaliveTime !== undefined && { keepaliveTime: peer.keepaliveTime }),
    restartTime: Math.min(peer.maxRestartTime ?? RESTART_TIME, MAX_RESTART_TIME),
    allowedLocalAsns: byAddress ? peer.allowedLocalAsns : 0,
    ...(peer.reachableBy && { reachableBy: peer.reachableBy }),
    ...(nextHopMode && { nextHopMode }),
    ...(reflector && { reflector }),
    ...(filters && { filters }),
    ...(peer.pathWatch && { pathWatch: peer.pathWatch }),
    ...(peer.addPath && { addPath: peer.addPath }),
    ...carried(pair, peer),
    ...(peer.prefixLimit && { prefixLimit: peer.prefixLimit }),
    ...(peer.role && !internal && { role: peer.role }),
    ...(peer.longLivedTime && { longLivedTime: peer.longLivedTime }),
    ...(peer.ttlSecurity > 0 && { ttlSecurity: peer.ttlSecurity }),
    ...passwordOf(peer.password, facts),
    ...(held !== undefined && { held }),
    ...underMaintenance(facts.node, peer),
    because: `BGPPeer ${peer.name}`,
  }
}

/**
 * A session with a local workload, which dials us. It has no source address and nothing that two nodes would have to agree
 * on (confd).
 */
function workloadPeer(pair: Pair, facts: Facts): PeerConfig | undefined {
  const { address, local } = pair
  const workload = workloadAt(address, facts)
  const peer = workload && peeringOf(workload, facts)
  if (peer?.asn === undefined) return undefined
  const filters = peerFilters(peer.filters.flatMap((name) => facts.bgpFilters.get(name) ?? []))
  const localAsn = peer.localAsn ?? local.asn
  const reflector = reflectorOf(facts.node, undefined, peer.asn === localAsn)
  const held = lacksFilter(peer, facts)
  return {
    ...base(pair, 'None'),
    kind: 'workload',
    port: DEFAULT_PORT,
    localAsn,
    peerAsn: peer.asn,
    passive: true,
    restartTime: RESTART_TIME,
    allowedLocalAsns: 0,
    ...(reflector && { reflector }),
    ...(filters && { filters }),
    ...carried(pair, peer),
    ...(peer.prefixLimit && { prefixLimit: peer.prefixLimit }),
    ...(peer.role && peer.asn !== localAsn && { role: peer.role }),
    ...(held !== undefined && { held }),
    ...underMaintenance(facts.node, peer),
    because: `${describe(workload!)}, BGPPeer ${peer.name}`,
  }
}

/** A node-to-node mesh session. A route reflector takes no part in the mesh. */
function meshPeer(pair: Pair, facts: Facts): PeerConfig | undefined {
  const { address, localAddress, local, remote } = pair
  const configuration = facts.bgpConfigurations.get('default')
  if (configuration?.meshEnabled === false || facts.node?.routeReflectorClusterId) return undefined
  if (!remote || remote.name === facts.self || remote.routeReflectorClusterId) return undefined
  return {
    ...base(pair),
    kind: 'mesh',
    port: portOf(remote.name, facts),
    localAsn: local.asn,
    peerAsn: asnOf(remote, facts),
    // Compared as text, as confd does: any other rule leaves some pairs of a mixed mesh both waiting.
    passive: address > localAddress,
    restartTime: Math.min(configuration?.meshMaxRestartTime ?? RESTART_TIME, MAX_RESTART_TIME),
    allowedLocalAsns: 0,
    ...(configuration?.meshPrefixLimit && { prefixLimit: configuration.meshPrefixLimit }),
    ...passwordOf(configuration?.meshPassword, facts),
    ...underMaintenance(facts.node),
    because: `node ${remote.name}, node-to-node mesh`,
  }
}

/** A link-local peer knows us by our own address on the link, which is the kernel's to say. */
function base({ address, zone, localAddress, local }: Pair, source: BgpPeer['sourceAddress'] = 'UseNodeIP') {
  return {
    name: scoped(address, zone),
    address,
    ...(zone !== undefined && { zone }),
    ...(source === 'UseNodeIP' && zone === undefined && { localAddress }),
    families: [familyOf(address)],
    routerId: local.routerId,
    holdTime: HOLD_TIME,
  } as const
}

/** `keepOriginalNextHop` is the old word for Keep, and holds towards other AS only. */
function modeOf(
  { nextHopMode, keepOriginalNextHop }: BgpPeer,
  internal: boolean,
): 'self' | 'keep' | undefined {
  if (nextHopMode === 'Self') return 'self'
  return nextHopMode === 'Keep' || (keepOriginalNextHop && !internal) ? 'keep' : undefined
}

/** An internal peer of another cluster, or of none, is a client of a reflector. */
function reflectorOf(
  own: Node | undefined,
  remote: Node | undefined,
  internal: boolean,
): Reflector | undefined {
  const clusterId = own?.routeReflectorClusterId
  if (!clusterId || !internal) return undefined
  return { clusterId, client: remote?.routeReflectorClusterId !== clusterId }
}

/** A session carries the family of its addresses, unless it was asked to carry both, or the other. */
function carried(
  { address, local }: Pair,
  { families }: BgpPeer,
): Pick<PeerConfig, 'otherAddresses'> & Partial<Pick<PeerConfig, 'families'>> {
  if (!families) return {}
  const others = families.filter((family) => family !== familyOf(address) && local.addresses[family])
  const otherAddresses = Object.fromEntries(others.map((family) => [family, local.addresses[family]]))
  return { families, ...(others.length > 0 && { otherAddresses }) }
}

/** What an operator wants for a while, of all sessions of the node or of those of one BGPPeer. */
function underMaintenance(
  node: Node | undefined,
  peer?: BgpPeer,
): Pick<PeerConfig, 'gracefulShutdown' | 'shutdown' | 'held'> {
  const shutdown = node?.maintenance.shutdown ?? peer?.maintenance.shutdown
  if (shutdown !== undefined) return { shutdown, held: `shut down by an operator: ${shutdown}` }
  const draining = node?.maintenance.gracefulShutdown ?? peer?.maintenance.gracefulShutdown
  return draining === undefined ? {} : { gracefulShutdown: true }
}

/** Why a BGPPeer gives no session, or undefined. Shown in status: a session missing in silence helps nobody. */
export function unsupported(peer: BgpPeer): string | undefined {
  if (peer.peerIp && peer.asn === undefined) return 'asNumber is missing: give the AS of the router at peerIP'
  return undefined
}

/** Why its sessions stay down for now, or undefined. */
export function lacksFilter(peer: BgpPeer, facts: Facts): string | undefined {
  const missing = peer.filters.find((name) => !facts.bgpFilters.has(name))
  return missing && `BGPFilter ${missing} does not exist; the session stays down rather than unfiltered`
}

function isGlobal(peer: BgpPeer): boolean {
  return peer.node === undefined && peer.nodeSelector === undefined
}

/** Of several nodes that claim one address the first by name. */
function nodeAt(address: Address, facts: Facts): Node | undefined {
  const [first] = [...facts.nodesByAddress.get(address)].sort()
  return first === undefined ? undefined : facts.nodes.get(first)
}
