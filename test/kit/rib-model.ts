// The tables as one would write them with time to waste: no groups, no
// increments, everything computed from what was received whenever asked.

import { isDeepStrictEqual } from 'node:util'
import { decide, rank } from '../../src/bgp/rib/decision.ts'
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
    return decide(this.eligible(prefix), this.#given)
  }

  /** All that may be used, the best first. */
  ranked(prefix: Prefix): readonly Path[] {
    return rank(this.eligible(prefix), this.#given).map(({ path }) => path)
  }

  eligible(prefix: Prefix): readonly Path[] {
    return this.paths(prefix)
      .map((path) => this.imported(path))
      .filter((path) => path !== undefined)
  }

  readonly #given = { peer: (name: string) => this.peers.get(name)!, igpMetric: () => 0 }

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

  /** What a peer should have been told of one destination, by path identifier: RFC 4271 §9.2, RFC 7911, for this peer alone. */
  told(name: string, prefix: Prefix): Map<number, PathAttributes> {
    const to = this.peers.get(name)!
    const many = to.addPathSend[familyOf(prefix)]
    const paths = many ? this.ranked(prefix) : this.used(prefix).slice(0, 1)
    const all = paths.flatMap((path) => {
      const sent = this.sent(path, to)
      return sent ? [{ source: path.peer, sent }] : []
    })
    const isNew = ({ sent }: (typeof all)[number], at: number) =>
      all.findIndex((other) => isDeepStrictEqual(other.sent, sent)) === at
    const told = new Map<number, PathAttributes>()
    for (const [at, { source, sent }] of all.filter(isNew).entries())
      if (source !== name && sent.nextHop !== to.address) told.set(many ? at + 1 : 0, sent)
    return told
  }

  /** A path as peers like this one are told of it, if they are. */
  sent(path: Path, to: RibPeer): PathAttributes | undefined {
    const from = path.peer === null ? undefined : this.peers.get(path.peer)!
    if (!mayExport(path, from, to)) return undefined
    const sent = this.filtered(
      path,
      exportAttributes(path.attributes, from, to, familyOf(path.prefix)),
      to,
      'export',
    )
    if (!sent) return undefined
    const { localPref: _, ...outside } = sent
    return to.type === 'external' ? outside : sent
  }
}

function sameNlri(a: Nlri, b: Nlri): boolean {
  return a.prefix === b.prefix && a.pathId === b.pathId
}

/** What a neighbour believes, from what it was sent; it complains of anything that need not have been sent. */
export class Neighbor {
  /** By prefix and path identifier. */
  readonly held = new Map<string, PathAttributes>()
  readonly ended: Family[] = []
  /** What it asked to be sent again. */
  readonly asked = new Set<string>()
  /** What it may be sent again without having asked, once. */
  readonly excused = new Set<string>()

  announce(nlri: Nlri, attributes: PathAttributes): void {
    const key = keyOf(nlri)
    const news = JSON.stringify(this.held.get(key)) !== JSON.stringify(attributes)
    const again = this.asked.delete(key) || this.excused.delete(key)
    if (!news && !again) throw new Error(`${key} was announced twice`)
    this.held.set(key, attributes)
  }

  withdraw(nlri: Nlri): void {
    const key = keyOf(nlri)
    if (!this.held.delete(key)) throw new Error(`${key} was withdrawn and never announced`)
    this.asked.delete(key)
  }
}

/** `10.1.0.0/26 2`. */
export function keyOf({ prefix, pathId }: Nlri): string {
  return `${prefix} ${pathId}`
}
