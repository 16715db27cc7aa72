// The tables as one would write them with time to waste: no groups, no
// increments, everything computed from what was received whenever asked.

import { decide } from '../../src/bgp/rib/decision.ts'
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
    const eligible = this.paths(prefix).filter(
      (path) => path.peer === null || !whyIneligible(path, this.peers.get(path.peer)!, familyOf(prefix)),
    )
    return decide(eligible, { peer: (name) => this.peers.get(name)!, igpMetric: () => 0 })
  }

  /** What a peer should have been told of one destination: RFC 4271 §9.2, for this peer alone. */
  told(name: string, prefix: Prefix): PathAttributes | undefined {
    const to = this.peers.get(name)!
    const best = this.best(prefix)
    if (!best || best.peer === name) return undefined
    const from = best.peer === null ? undefined : this.peers.get(best.peer)!
    if (!mayExport(best, from, to) || (from && !this.exportable(best))) return undefined
    const sent = exportAttributes(best, to)
    return sent.nextHop === to.address ? undefined : sent
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

  announce(prefix: Prefix, attributes: PathAttributes): void {
    const news = JSON.stringify(this.held.get(prefix)) !== JSON.stringify(attributes)
    if (!news && !this.asked.has(prefix)) throw new Error(`${prefix} was announced twice`)
    this.asked.delete(prefix)
    this.held.set(prefix, attributes)
  }

  withdraw(prefix: Prefix): void {
    if (!this.held.delete(prefix)) throw new Error(`${prefix} was withdrawn and never announced`)
    this.asked.delete(prefix)
  }
}
