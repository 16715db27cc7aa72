// Another node with our address: which one, and what to do about our own (Calico
// node/pkg/lifecycle/startup/startup.go, checkConflictingNodes and clearNodeIPs).

import type { Document } from '../cluster/feed.ts'
import { FAMILIES, FAMILY_NAMES, type Family } from '../inet/address.ts'
import { parseCidr } from '../inet/prefix.ts'
import { StartupError } from './error.ts'
import { type Host, held } from './host.ts'
import type { NodeSpec, NodeWish } from './node-document.ts'

export interface Conflict {
  readonly family: Family
  /** Name of the other node. */
  readonly node: string
  readonly address: string
}

/** Other nodes that have an address of `own`; lengths do not matter. */
export function conflictsOf(own: Document, nodes: readonly Document[]): readonly Conflict[] {
  const others = nodes.filter(({ metadata }) => metadata.name !== own.metadata.name)
  return FAMILIES.flatMap((family) => {
    const address = bareAddress(own, family)
    if (address === undefined) return []
    return others
      .filter((other) => bareAddress(other, family) === address)
      .map(({ metadata }) => ({ family, node: metadata.name, address }))
  })
}

export function conflictError(conflicts: readonly Conflict[]): StartupError {
  const whose = conflicts.map(
    ({ family, node, address }) => `Node ${node} has ${address} (${FAMILY_NAMES[family]})`,
  )
  return new StartupError(
    conflicts[0]!.family === 'ipv4' ? 'IP' : 'IP6',
    `${whose.join(', ')} already; give one of them another address, or delete its Node if that machine is gone`,
  )
}

/**
 * The stored resource without addresses that the host has lost, so that they are free for others: those of families
 * which are autodetected and in conflict. Undefined when there are none. Calico gives up an address also while an
 * interface still has it, since it ends here; we go on, and so does the traffic to us.
 */
export function released(
  stored: Document,
  conflicts: readonly Conflict[],
  { addresses }: NodeWish,
  { interfaces }: Host,
): Document | undefined {
  const lost = FAMILIES.filter((family) => {
    const address = bareAddress(stored, family)
    const isAutodetected = addresses?.[family].given === 'autodetect'
    const isConcerned = isAutodetected && conflicts.some((conflict) => conflict.family === family)
    return isConcerned && address !== undefined && !held(interfaces, address)
  })
  if (lost.length === 0) return undefined
  const { bgp, ...spec } = stored.spec as NodeSpec
  const gone = lost.map((family) => `${family}Address`)
  const kept = Object.fromEntries(Object.entries(bgp ?? {}).filter(([field]) => !gone.includes(field)))
  // An empty `bgp` does not pass Calico's validation.
  return { ...stored, spec: { ...spec, ...(Object.keys(kept).length > 0 && { bgp: kept }) } }
}

function bareAddress({ spec }: Document, family: Family) {
  const text = (spec as NodeSpec | undefined)?.bgp?.[`${family}Address`]
  return typeof text === 'string' ? parseCidr(text)?.address : undefined
}
