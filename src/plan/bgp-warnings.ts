// What people should know of the sessions of this node: what is asked for and not in force, and what they asked for a while
// ago and may have forgotten.

import type { Node, SecretRef } from '../cluster/model.ts'
import { appliesTo } from './applies.ts'
import type { Facts } from './facts.ts'
import { passwordOf, passwordWarning } from './passwords.ts'
import { lacksFilter, unsupported } from './sessions.ts'
import { peeringTrouble } from './workload-peers.ts'

/** Sentences, for `agent status`. */
export function bgpWarnings(facts: Facts): string[] {
  const warnings: string[] = maintenanceOf(facts.node).map((why) => `all sessions of this node ${why}`)
  for (const peer of facts.bgpPeers.values()) {
    if (!appliesTo(peer, facts.node)) continue
    for (const why of [
      ...maintenanceOf(peer).map((why) => `its sessions ${why}`),
      unsupported(peer),
      peeringTrouble(peer, facts),
      lacksFilter(peer, facts),
      ...passwordTroubles(peer.password, facts),
    ])
      if (why) warnings.push(`BGPPeer ${peer.name}: ${why}`)
  }
  for (const why of passwordTroubles(facts.bgpConfigurations.get('default')?.meshPassword, facts))
    warnings.push(`BGPConfiguration default: node mesh ${why}`)
  return warnings
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
