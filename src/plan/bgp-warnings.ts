// What people should know of the sessions of this node: what is asked for and not in force, and what they asked for a while
// ago and may have forgotten.

import type { PeerConfig } from '../bgp/types.ts'
import type { BgpPeer, Node, SecretRef } from '../cluster/model.ts'
import { type ScopedAddress, scoped } from '../inet/address.ts'
import { appliesTo } from './applies.ts'
import { bgpAddresses, type Facts } from './facts.ts'
import { passwordOf, passwordWarning } from './passwords.ts'
import { HOLD_TIME, lacksFilter, MAX_RESTART_TIME, unsupported } from './sessions.ts'
import { peeringTrouble } from './workload-peers.ts'

/** Sentences, for `agent status`. `peers` are those this node has sessions with. */
export function bgpWarnings(facts: Facts, peers: ReadonlyMap<ScopedAddress, PeerConfig>): string[] {
  const warnings: string[] = maintenanceOf(facts.node).map((why) => `all sessions of this node ${why}`)
  for (const peer of facts.bgpPeers.values()) {
    if (!appliesTo(peer, facts.node)) continue
    for (const why of [
      ...maintenanceOf(peer).map((why) => `its sessions ${why}`),
      unsupported(peer),
      peeringTrouble(peer, facts),
      lacksFilter(peer, facts),
      ...OVERSIGHTS.map((found) => found(peer)),
      ...passwordTroubles(peer.password, facts),
    ])
      if (why) warnings.push(`BGPPeer ${peer.name}: ${why}`)
  }
  for (const why of passwordTroubles(facts.bgpConfigurations.get('default')?.meshPassword, facts))
    warnings.push(`BGPConfiguration default: node mesh ${why}`)
  return [...warnings, ...missedReflectors(facts, peers)]
}

/** What a BGPPeer asks for and does not get, whoever it is for. */
const OVERSIGHTS: readonly ((peer: BgpPeer) => string | undefined)[] = [
  ({ keepaliveTime = 0 }) =>
    3 * keepaliveTime > HOLD_TIME
      ? `keepaliveTime ${keepaliveTime} s is more than a third of the hold time of ${HOLD_TIME} s: a third is in force`
      : undefined,
  ({ maxRestartTime = 0 }) =>
    maxRestartTime > MAX_RESTART_TIME
      ? `maxRestartTime ${maxRestartTime} s is more than can be said (RFC 4724): ${MAX_RESTART_TIME} s are in force`
      : undefined,
  ({ peerSelector, localAsn, allowedLocalAsns }) =>
    peerSelector && (localAsn !== undefined || allowedLocalAsns > 0)
      ? 'localASNumber and numAllowedLocalASNumbers are for peers named by peerIP, and not in force with peerSelector'
      : undefined,
  ({ peerSelector, role }) =>
    peerSelector && role
      ? 'caracal.io/role is for routers of other AS, and not in force between nodes of one'
      : undefined,
]

/** Reflectors of one cluster keep from each other what their clients say (RFC 4456 §8): a client has to know all of them. */
function missedReflectors(
  { nodes, node, self }: Facts,
  peers: ReadonlyMap<ScopedAddress, PeerConfig>,
): string[] {
  const reflectors = [...nodes.values()].filter(
    ({ name, routeReflectorClusterId: id }) => id && name !== self,
  )
  const clusters = Map.groupBy(reflectors, ({ routeReflectorClusterId }) => routeReflectorClusterId!)
  const isPeer = (reflector: Node) =>
    bgpAddresses(reflector).some((address) => peers.has(scoped(address, undefined)))
  return [...clusters].flatMap(([id, members]) => {
    const [known = [], missed = []] = [members.filter(isPeer), members.filter((member) => !isPeer(member))]
    if (id === node?.routeReflectorClusterId || known.length === 0 || missed.length === 0) return []
    return `route reflectors ${names(members)} share the cluster ID ${id}, and this node peers with ${names(known)} only: it does not hear of nodes that peer with ${names(missed)} only`
  })
}

function names(nodes: readonly Node[]): string {
  return nodes
    .map(({ name }) => name)
    .sort()
    .join(', ')
}

/** That something is as an operator wants it has to be said too: he may have forgotten. */
function maintenanceOf(of: Pick<Node, 'maintenance'> | undefined): string[] {
  const { shutdown, gracefulShutdown } = of?.maintenance ?? {}
  return [
    shutdown === undefined ? '' : `are shut down (caracal.io/shutdown): ${shutdown}`,
    gracefulShutdown === undefined
      ? ''
      : `are to be used last (caracal.io/graceful-shutdown): ${gracefulShutdown}`,
  ].filter((sentence) => sentence !== '')
}

function passwordTroubles(ref: SecretRef | undefined, facts: Facts): string[] {
  const { held } = passwordOf(ref, facts)
  const troubles = [held && `${held}; the session stays down rather than open`, passwordWarning(ref, facts)]
  return troubles.filter((trouble) => trouble !== undefined)
}
