// What BGP must not teach this node, whoever says it: routes that would take it off the network. calico-node's BIRD writes
// all of them; `CARACAL_IMPORT_PROTECTION` has it so again.
//
// Blocks of this node need no rule. Its own routes to them come first (plan-kernel.ts), and those to pods are longer.

import type { Path } from '../bgp/types.ts'
import { address, familyOf } from '../inet/address.ts'
import { contains, hostPrefix, isHost, type Prefix, prefix, prefixAddress } from '../inet/prefix.ts'
import { PrefixMap } from '../inet/prefix-map.ts'
import type { Facts } from './facts.ts'
import type { KernelSettings } from './plan-kernel.ts'

interface Given {
  readonly facts: Facts
  readonly settings: Pick<KernelSettings, 'importProtection'>
}

const never = new PrefixMap<string>()
  .set(prefix('127.0.0.0/8'), 'loopback')
  .set(prefix('169.254.0.0/16'), 'link-local, the gateway of every pod')
  .set(prefix('224.0.0.0/4'), 'multicast')
  .set(hostPrefix(address('::1')), 'loopback')
  .set(prefix('fe80::/10'), 'link-local')
  .set(prefix('ff00::/8'), 'multicast')

/** Asked in this order: what a destination is that nobody may teach, or undefined. */
const rules: readonly ((to: Prefix, facts: Facts) => string | undefined)[] = [
  (to) => never.longest(to)?.value,
  nodeAt,
  partOfSubnet,
]

/** Why no path to a destination is to be used, or undefined. */
function hazardOf(to: Prefix, { facts, settings }: Given): string | undefined {
  if (!settings.importProtection) return undefined
  for (const rule of rules) {
    const what = rule(to, facts)
    if (what !== undefined) return `${to} is ${what}`
  }
  return undefined
}

/** What was refused, by destination, for people: kept as routes are derived, since nobody could look at all paths. */
export class Hazards {
  readonly #found = new Map<Prefix, { readonly why: string; readonly from: Path['peer'] }>()

  /** The paths in use to a destination are these now. */
  look(destination: Prefix, paths: readonly Path[], given: Given): void {
    const [best] = paths
    const why = best && hazardOf(destination, given)
    if (why) this.#found.set(destination, { why, from: best.peer })
    else if (this.#found.size > 0) this.#found.delete(destination)
  }

  /** As of the last look. */
  of(destination: Prefix): string | undefined {
    return this.#found.get(destination)?.why
  }

  /** A sentence, when there is one. */
  get warnings(): string[] {
    const [first] = this.#found.values()
    if (first === undefined) return []
    const others = this.#found.size === 1 ? '' : `, and ${this.#found.size - 1} more`
    return [`BGP routes are refused (CARACAL_IMPORT_PROTECTION): ${first.why}, from ${first.from}${others}`]
  }
}

function nodeAt(to: Prefix, facts: Facts): string | undefined {
  const nodes = isHost(to) ? facts.hostsByAddress.get(prefixAddress(to)) : new Set()
  return nodes.size > 0 ? `the address of node ${[...nodes].join(', ')}` : undefined
}

/** On the link there is nothing to be routed. A pool may lie inside a subnet that was given a short mask. */
function partOfSubnet(to: Prefix, facts: Facts): string | undefined {
  const subnet = facts.node?.[familyOf(to)]?.prefix
  if (!subnet || !contains(subnet, to) || facts.poolOf(to)) return undefined
  return to === subnet ? 'the subnet of this node' : `part of ${subnet}, the subnet of this node`
}
