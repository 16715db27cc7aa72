// The tables as one would write them with time to waste: no groups, no
// increments, everything computed from what was received whenever asked.

import { decide } from '../../src/bgp/rib/decision.ts'
import { deciding, operate } from '../../src/bgp/rib/filter.ts'
import type { RibPeer } from '../../src/bgp/rib/peer.ts'
import {
  exportAttributes,
  importAttributes,
  mayExport,
  ownAttributes,
  whyIneligible,
} from '../../src/bgp/rib/policy.ts'
import type { Origination, Path } from '../../src/bgp/types.ts'
import type { Nlri, PathAttributes, Update } from '../../src/bgp/wire/message.ts'
import type { Family } from '../../src/inet/address.ts'
import { type Address, address, familyOf } from '../../src/inet/address.ts'
import type { Prefix } from '../../src/inet/prefix.ts'

export class Model {
  readonly peers = new Map<string, RibPeer>()
  readonly received = new Map<string, Path[]>()
  own: Path[] = []
  exportable: (path: Path) => boolean

  constructor(exportable: (path: Path) => boolean) {
    this.exportable = exportable
  }

  addPeer(peer: RibPeer): void {
    this.peers.set(peer.name, peer)
    this.received.set(peer.name, [])
  }

  removePeer(name: string): void {
    this.peers.delete(name)
    this.received.delete(name)
  }

  receive(name: string, { withdrawn, nlri, attributes, faults }: Update): void {
    const peer = this.peers.get(name)!
    const { mpReach, mpUnreach, nextHop } = attributes
    const all = [...withdrawn, ...nlri, ...(mpReach?.nlri ?? []), ...(mpUnreach?.withdrawn ?? [])]
    const held = this.received.get(name)!.filter((path) => !all.some((nlri) => sameNlri(nlri, path)))
    const add = (nlri: Nlri, nextHop: Address): void => {
      if (!peer.families.includes(familyOf(nlri.prefix))) return
      held.push({ ...nlri, peer: name, attributes: importAttributes(attributes, nextHop, peer), nextHop })
    }
    if (faults.length === 0) {
      for (const one of nlri) add(one, nextHop!)
      for (const one of mpReach?.nlri ?? []) add(one, mpReach!.nextHop)
    }
    this.received.set(name, held)
  }

  originate(set: readonly Origination[], withdraw: readonly Prefix[]): void {
    const gone = [...withdraw, ...set.map(({ prefix }) => prefix)]
    this.own = this.own.filter(({ prefix }) => !gone.includes(prefix))
    for (const { prefix, localPref } of set) {
      const nextHop = address(familyOf(prefix) === 'ipv4' ? '0.0.0.0' : '::')
      this.own.push({ prefix, peer: null, pathId: 0, attributes: ownAttributes(localPref), nextHop })
    }
  }

  /** All paths to a destination, usable or not. */
  paths(prefix: Prefix): Path[] {
    return [...this.own, ...[...this.received.values()].flat()].filter((path) => path.prefix === prefix)
  }

  best(prefix: Prefix): Path | undefined {
    return this.used(prefix)[0]
  }

  used(prefix: Prefix): readonly Path[] {
    const eligible = this.paths(prefix).map((path) => this.imported(path))
    return decide(
      eligible.filter((path) => path !== undefined),
      { peer: (name) => this.peers.get(name)!, igpMetric: () => 0 },
    )
  }

  /** A path as policy leaves it, if it does. */
  imported(path: Path): Path | undefined {
    if (path.peer === null) return path
    const from = this.peers.get(path.peer)!
    if (whyIneligible(path, from, familyOf(path.prefix))) return undefined
    const attributes = this.filtered(path, path.attributes, from, 'import')
    return attributes && { ...path, attributes }
  }

  /** Attributes after the filters of one direction. */
  filtered(
    path: Path,
    attributes: PathAttributes,
    { filters, type }: RibPeer,
    direction: 'import' | 'export',
  ): PathAttributes | undefined {
    const rules = filters?.[direction][familyOf(path.prefix)] ?? []
    const asPath = attributes.asPath ?? []
    const rule = deciding(rules, { path, asPath, peer: type, interface: () => '' })
    if (!rule)
      return direction === 'import' || path.peer === null || this.exportable(path) ? attributes : undefined
    return rule.accept ? operate(rule.operations, attributes) : undefined
  }

  /** What a peer should have been told of one destination: RFC 4271 §9.2, for this peer alone. */
  told(name: string, prefix: Prefix): PathAttributes | undefined {
    const to = this.peers.get(name)!
    const best = this.best(prefix)
    if (!best || best.peer === name) return undefined
    const from = best.peer === null ? undefined : this.peers.get(best.peer)!
    if (!mayExport(best, from, to)) return undefined
    const sent = this.filtered(best, exportAttributes(best.attributes, from, to), to, 'export')
    if (!sent || sent.nextHop === to.address) return undefined
    const { localPref: _, ...outside } = sent
    return to.type === 'external' ? outside : sent
  }
}

function sameNlri(a: Nlri, b: Nlri): boolean {
  return a.prefix === b.prefix && a.pathId === b.pathId
}

/** What a neighbour believes, from what it was sent; it complains of anything that need not have been sent. */
export class Neighbor {
  readonly held = new Map<Prefix, PathAttributes>()
  readonly ended: Family[] = []
  /** What it asked to be sent again. */
  readonly asked = new Set<Prefix>()
  /** What it may be sent again without having asked, once. */
  readonly excused = new Set<Prefix>()

  announce(prefix: Prefix, attributes: PathAttributes): void {
    const news = JSON.stringify(this.held.get(prefix)) !== JSON.stringify(attributes)
    const again = this.asked.delete(prefix) || this.excused.delete(prefix)
    if (!news && !again) throw new Error(`${prefix} was announced twice`)
    this.held.set(prefix, attributes)
  }

  withdraw(prefix: Prefix): void {
    if (!this.held.delete(prefix)) throw new Error(`${prefix} was withdrawn and never announced`)
    this.asked.delete(prefix)
  }
}
