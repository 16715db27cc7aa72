// What a CalicoNodeStatus says of this node, in the fields and words of calico-node (Calico node/pkg/status/populators),
// which has them of BIRD. Where BIRD's answers hide something ours do not: sessions with local workloads are listed, a
// multipath route is as many lines as it has ways, and one family says nothing of the other.

import type { RankedPath } from '../bgp/rib/decision.ts'
import type { PeerView } from '../bgp/types.ts'
import type { NodeStatusClass } from '../cluster/model.ts'
import type { AgentStatus } from '../edge/control/api.ts'
import { type Family, familyOf } from '../inet/address.ts'
import type { Route } from '../plan/wanted.ts'

/** All that a report is made of. Times are milliseconds since 1970. */
export interface Reported {
  readonly status: Pick<AgentStatus, 'bgp' | 'startedAt' | 'version'>
  /** When the sessions that are wanted last changed. */
  readonly reconfiguredAt: number
  readonly now: number
  /** Routes of ours that the kernel holds. */
  routes(): Iterable<Route>
  /** The path by which BGP has each destination, and those it has beside. */
  paths(): Iterable<RankedPath>
}

/** An object as large as etcd takes has place for twice that. */
const MOST_ROUTES = 1_000

const FAMILIES: readonly (readonly [family: Family, suffix: 'V4' | 'V6'])[] = [
  ['ipv4', 'V4'],
  ['ipv6', 'V6'],
]

const sections: Readonly<Record<NodeStatusClass, (reported: Reported) => object>> = {
  Agent: (reported) => ({ agent: eachFamily('bird', (family) => agentOf(family, reported)) }),
  BGP: ({ status, now }) => ({ bgp: sessionsOf(status.bgp.peers, now) }),
  Routes: (reported) => ({ routes: eachFamily('routes', (family) => routesOf(family, reported)) }),
}

/** The status of the resource, but for the time it was written. */
export function nodeReport(classes: readonly NodeStatusClass[], reported: Reported): object {
  return Object.assign({}, ...classes.map((one) => sections[one](reported)))
}

function eachFamily<T>(name: string, value: (family: Family) => T): Record<string, T> {
  return Object.fromEntries(FAMILIES.map(([family, suffix]) => [name + suffix, value(family)]))
}

function agentOf(family: Family, { status, reconfiguredAt }: Reported): object {
  const { routerId, listening } = status.bgp
  const isReady = 'endpoint' in listening[family]
  return {
    state: isReady ? 'Ready' : 'NotReady',
    version: `caracal ${status.version}`,
    ...(routerId !== undefined && { routerID: routerId }),
    lastBootTime: moment(status.startedAt),
    lastReconfigurationTime: moment(reconfiguredAt),
  }
}

function sessionsOf(peers: readonly PeerView[], now: number): object {
  const of = (family: Family) => peers.filter(({ address }) => familyOf(address) === family)
  const count = (family: Family, isUp: boolean) =>
    of(family).filter(({ state }) => (state === 'Established') === isUp).length
  return {
    ...eachFamily('numberEstablished', (family) => count(family, true)),
    ...eachFamily('numberNotEstablished', (family) => count(family, false)),
    ...eachFamily('peers', (family) => of(family).map((peer) => sessionOf(peer, now))),
  }
}

const TYPES: Readonly<Record<PeerView['kind'], string>> = {
  mesh: 'NodeMesh',
  global: 'GlobalPeer',
  node: 'NodePeer',
  workload: 'NodePeer',
}

function sessionOf({ address, kind, state, since }: PeerView, now: number): object {
  return {
    peerIP: address,
    type: TYPES[kind],
    ...(state !== 'Passive' && { state }), // the resource has no word for it
    since: now - since < FRESH_MS ? moment(since).slice(11) : moment(since).slice(0, 10),
  }
}

/** How long BIRD says at which time of the day something began; after that, on which day. */
const FRESH_MS = 20 * 3_600_000

function routesOf(family: Family, { routes, paths, status }: Reported): object[] {
  const peers = new Map(status.bgp.peers.map((peer) => [peer.name as string, peer]))
  const learned = new Map<string, object>()
  const beside: object[] = []
  for (const { path, lostBy } of paths()) {
    if (familyOf(path.prefix) !== family || path.peer === null) continue
    const from = sourceOf(peers.get(path.peer))
    if (lostBy === undefined) learned.set(path.prefix, from)
    else beside.push(line('RIB', path.prefix, { gateway: path.nextHop }, from))
    if (beside.length >= MOST_ROUTES) break
  }
  const lines: object[] = []
  for (const route of routes()) {
    if (lines.length >= MOST_ROUTES) break
    if (familyOf(route.prefix) === family) lines.push(...linesOf(route, learned.get(route.prefix)))
  }
  return [...lines, ...beside].slice(0, MOST_ROUTES)
}

function linesOf(route: Route, learnedFrom: object | undefined): object[] {
  const { prefix, type, protocol, nexthops } = route
  if (type === 'blackhole') return [line('FIB', prefix, { device: type }, { sourceType: 'Static' })]
  const from = (protocol === 'bird' && learnedFrom) || { sourceType: 'Kernel' }
  return (nexthops ?? [route]).map((way) => line('FIB', prefix, way, from))
}

function line(
  type: 'FIB' | 'RIB',
  destination: string,
  { gateway = 'N/A', device = 'N/A' }: { readonly gateway?: string; readonly device?: string },
  learnedFrom: object,
): object {
  return { type, destination, gateway, interface: device, learnedFrom }
}

function sourceOf(peer: PeerView | undefined): object {
  if (!peer) return { sourceType: 'BGPPeer' }
  return { sourceType: peer.kind === 'mesh' ? 'NodeMesh' : 'BGPPeer', peerIP: peer.address }
}

/** `2026-03-04 05:06:07`, UTC: what containers take for local time. */
function moment(at: number): string {
  return new Date(at).toISOString().slice(0, 19).replace('T', ' ')
}
