// The routing tables of the speaker: what came in, what is in use, what goes out. RFC 4271 §3.2.
//
//   receive ──▶ Adj-RIB-In per peer ──▶ Loc-RIB ──▶ Adj-RIB-Out per update group ──▶ takeOutbound
//   originate ─▶ the same, of our own ──┘      └──▶ takeBestChanges
//
// Nothing is sent and nothing is handed out by itself: changes gather until
// they are taken, and a prefix that changed often by then is told of once.

import { type Address, address, type Family, familyOf } from '../../inet/address.ts'
import type { Prefix } from '../../inet/prefix.ts'
import type { BestPathChange, Origination, Path } from '../types.ts'
import type { PathAttributes, Update } from '../wire/message.ts'
import { AdjRibIn, type Holding } from './adj-rib-in.ts'
import type { RankedPath } from './decision.ts'
import { type ExportCircumstances, Exporter } from './export.ts'
import { Importer } from './import.ts'
import { attributeTable } from './intern.ts'
import { LocRib, type LocRibOptions } from './loc-rib.ts'
import type { End, Outbound } from './outbox.ts'
import { groupKey, type RibPeer } from './peer.ts'
import { importAttributes, ownAttributes } from './policy.ts'
import { announcements, withdrawals } from './update.ts'
import { UpdateGroup } from './update-group.ts'
import { longLivedStale } from './well-known.ts'

export type { RankedPath } from './decision.ts'
export type { End, Outbound } from './outbox.ts'
export type { GroupTraits, RibPeer } from './peer.ts'

export interface RibOptions {
  /** Asked of best paths only. When its answers change, call `refilter`. */
  readonly advertise: ExportCircumstances['advertise']
  /** The interface packets for a path leave by, for filters that look at it; empty when there is none. */
  readonly interfaceOf?: ExportCircumstances['interfaceOf']
  /** Whether and how a next hop is reached; all are, and are equally near, when absent. When its answers change, call `reviewNextHops`. */
  readonly reach?: LocRibOptions['reach']
}

/** The next hop of our own paths, as looking glasses show it. */
const UNSPECIFIED: Record<Family, Address> = { ipv4: address('0.0.0.0'), ipv6: address('::') }

interface Session {
  readonly peer: RibPeer
  readonly adjRibIn: AdjRibIn
  /** Undefined while the peer is away. */
  readonly adjRibOut: UpdateGroup | undefined
}

export class Rib {
  readonly #intern = attributeTable()
  readonly #importer: Importer
  readonly #exports: ExportCircumstances
  readonly #sessions = new Map<string, Session>()
  readonly #groups = new Map<string, UpdateGroup>()
  readonly #locRib: LocRib
  readonly #own: AdjRibIn

  constructor(options: RibOptions) {
    const { advertise, interfaceOf = () => '', reach = () => ({ metric: 0 }) } = options
    const peer = (name: string): RibPeer => this.#session(name).peer
    this.#importer = new Importer(this.#intern, interfaceOf)
    this.#exports = { peer, interfaceOf, advertise, intern: this.#intern }
    this.#locRib = new LocRib({ peer, reach }, (prefix, best, isBest) => {
      for (const group of this.#groups.values()) group.touch(prefix, best, isBest)
    })
    this.#own = new AdjRibIn(this.#locRib, null, (path) => path)
  }

  /**
   * A session is Established: the peer will get its initial feed, then End-of-RIB for each family (RFC 4724 §2). What
   * was kept of a suspended peer stays, stale, also under another BGP Identifier: whether the peer still has those
   * routes is what its Forwarding bit says (RFC 4724 §3).
   */
  addPeer(peer: RibPeer): void {
    const before = this.#sessions.get(peer.name)
    if (before && (before.adjRibOut || !sameSource(before.peer, peer))) this.removePeer(peer.name)
    const kept = this.#sessions.get(peer.name)
    const adjRibIn = kept?.adjRibIn ?? new AdjRibIn(this.#locRib, peer.name, (path) => this.#judge(path))
    const adjRibOut = this.#group(peer)
    adjRibOut.join(peer)
    this.#sessions.set(peer.name, { peer, adjRibIn, adjRibOut })
    if (kept && !sameJudgement(kept.peer, peer)) adjRibIn.judgeAgain()
  }

  /** Other filters or another way to announce, for a session that stays: what was heard and told is set right. */
  changePeer(peer: RibPeer): void {
    const { peer: before, adjRibIn, adjRibOut } = this.#session(peer.name)
    const group = adjRibOut && this.#group(peer)
    this.#sessions.set(peer.name, { peer, adjRibIn, adjRibOut: group })
    if (!sameJudgement(before, peer)) adjRibIn.judgeAgain()
    if (!adjRibOut || group === adjRibOut) return
    group!.join(peer, adjRibOut.standing(peer.name))
    this.#leave({ peer: before, adjRibIn, adjRibOut })
  }

  /** A session ended: all that came from the peer is gone, and nothing more is sent to it. Unknown names are fine. */
  removePeer(name: string): void {
    const session = this.#sessions.get(name)
    if (!session) return
    session.adjRibIn.clear()
    this.#leave(session)
    this.#sessions.delete(name)
  }

  /** A session ended, but the peer keeps forwarding: nothing more is sent to it, and what came from it is stale. */
  suspendPeer(name: string): void {
    const session = this.#session(name)
    this.#leave(session)
    this.#sessions.set(name, { ...session, adjRibOut: undefined })
    for (const family of session.peer.families) this.markStale(name, family)
  }

  /** Marks what a peer has announced of a family; it stays in use until `sweep`. */
  markStale(name: string, family: Family): void {
    this.#session(name).adjRibIn.markStale(family)
  }

  /** What a peer has left, and is stale, is used when there is nothing else: RFC 9494 §4.2. Unknown names are fine. */
  ageStale(name: string, family: Family): void {
    this.#sessions.get(name)?.adjRibIn.ageStale(family, (attributes) => {
      const aged = longLivedStale(attributes)
      return aged && this.#intern(aged)
    })
  }

  /** Withdraws what was marked stale and has not been announced again. */
  sweep(name: string, family: Family): void {
    this.#session(name).adjRibIn.sweep(family)
  }

  /** Takes in one UPDATE of an Established session, RFC 7606 faults included. */
  receive(name: string, update: Update): void {
    const { peer, adjRibIn } = this.#session(name)
    for (const nlri of withdrawals(update)) adjRibIn.withdraw(nlri)
    for (const { family, nextHop, nlri } of announcements(update)) {
      if (!peer.families.includes(family)) continue
      const attributes = this.#intern(importAttributes(update.attributes, nextHop, peer))
      for (const { prefix, pathId } of nlri) {
        adjRibIn.announce({ prefix, peer: name, pathId, attributes, nextHop })
      }
    }
  }

  /** Changes what we announce of our own accord. What is in both lists is announced. */
  originate(set: readonly Origination[], withdraw: readonly Prefix[]): void {
    for (const prefix of withdraw) this.#own.withdraw({ prefix, pathId: 0 })
    for (const { prefix, localPref } of set) {
      const attributes = this.#intern(ownAttributes(localPref))
      const nextHop = UNSPECIFIED[familyOf(prefix)]
      this.#own.announce({ prefix, peer: null, pathId: 0, attributes, nextHop })
    }
  }

  /** Announces all of one family to a peer again, for ROUTE-REFRESH, and these ends after it. */
  resend(name: string, family: Family, ends: readonly End[] = []): void {
    this.#session(name).adjRibOut?.resend(name, family, ends)
  }

  /** Tells a peer of an end, after all that is due to it by now. */
  end(name: string, end: End): void {
    this.#session(name).adjRibOut?.end(name, end)
  }

  /** Asks `advertise` again for every destination, since its answers may have changed. */
  refilter(): void {
    for (const group of this.#groups.values()) this.#touchAll(group)
  }

  /** Asks `reach` again for every next hop. */
  reviewNextHops(): void {
    this.#locRib.reviewNextHops()
  }

  /** Destinations whose paths in use are others than when last taken, each once. Our own paths are among them. */
  takeBestChanges(): BestPathChange[] {
    return this.#locRib.takeChanges()
  }

  get pendingOutbound(): boolean {
    return [...this.#groups.values()].some((group) => group.pending)
  }

  /**
   * What is to be sent next, for about `limit` prefixes. Groups have their turn one after the other, as what is much fits
   * into few messages where it is taken at once; the one at which the limit is reached comes last the next time.
   */
  takeOutbound(limit: number): Outbound[] {
    const outbound: Outbound[] = []
    let left = limit
    for (const [key, group] of [...this.#groups]) {
      if (!group.pending) continue
      const { due } = group
      outbound.push(...group.take(left))
      left -= due - group.due
      if (left > 0) continue
      this.#groups.delete(key)
      this.#groups.set(key, group)
      break
    }
    return outbound
  }

  /** Paths held from a peer, those that may not be used included. 0 when it has no session. */
  received(name: string): number {
    return this.#sessions.get(name)?.adjRibIn.size ?? 0
  }

  /** How much of one family it has with us. */
  holding(name: string, family: Family): Holding {
    return this.#sessions.get(name)?.adjRibIn.holding(family) ?? { held: 0, fresh: 0 }
  }

  /** About how many octets the attributes of its paths take. */
  weight(name: string): number {
    return this.#sessions.get(name)?.adjRibIn.weight ?? 0
  }

  /** Paths announced to a peer, as far as they have been taken. 0 when it has no session. */
  advertised(name: string): number {
    return this.#sessions.get(name)?.adjRibOut?.advertised(name) ?? 0
  }

  /** What a peer has announced, as it came, and what became of each path. For people: the cost is that of the table. */
  *receivedFrom(name: string): Generator<RankedPath> {
    const session = this.#sessions.get(name)
    for (const path of session?.adjRibIn.received() ?? []) {
      const verdict = this.#importer.judge(path, session!.peer)
      if ('refused' in verdict) yield { path, eligible: false, lostBy: verdict.refused }
      else yield { ...this.#standing(path), path }
    }
  }

  /** What a peer has been announced. For people: the cost is that of the table. */
  *advertisedTo(name: string): Generator<{ prefix: Prefix; attributes: PathAttributes }> {
    yield* this.#sessions.get(name)?.adjRibOut?.announced(name) ?? []
  }

  /** The best path of every destination that has one. */
  *bests(): Generator<Path> {
    for (const prefix of this.#locRib.prefixes()) {
      const best = this.#locRib.best(prefix)
      if (best) yield best
    }
  }

  best(prefix: Prefix): Path | undefined {
    return this.#locRib.best(prefix)
  }

  /** Every path to a destination, best first, each with the reason why it is not in use; those not eligible come last. */
  paths(prefix: Prefix): readonly RankedPath[] {
    const ineligible = [...this.#sessions.values()].flatMap(({ peer, adjRibIn }) =>
      adjRibIn.ineligible(prefix).map((path) => {
        const verdict = this.#importer.judge(path, peer)
        return { path, eligible: false, lostBy: 'refused' in verdict ? verdict.refused : undefined }
      }),
    )
    return [...this.#locRib.ranked(prefix), ...ineligible]
  }

  /** Every path to every destination that has one in use, as `paths` gives them. */
  *allPaths(): Generator<RankedPath> {
    for (const { prefix } of this.bests()) yield* this.paths(prefix)
  }

  /** Of a path that policy lets in. */
  #standing({ prefix, peer, pathId }: Path): RankedPath {
    const ranked = this.#locRib.ranked(prefix)
    return ranked.find(({ path }) => path.peer === peer && path.pathId === pathId)!
  }

  #session(name: string): Session {
    const session = this.#sessions.get(name)
    if (!session) throw new Error(`no session with ${name} is established`)
    return session
  }

  #judge(path: Path): Path | undefined {
    const verdict = this.#importer.judge(path, this.#session(path.peer!).peer)
    return 'refused' in verdict ? undefined : verdict
  }

  #leave({ peer, adjRibOut }: Session): void {
    adjRibOut?.leave(peer.name)
    if (adjRibOut?.size === 0) this.#groups.delete(groupKey(peer))
  }

  #group(peer: RibPeer): UpdateGroup {
    const key = groupKey(peer)
    const known = this.#groups.get(key)
    if (known) return known
    const group = new UpdateGroup({
      traits: peer,
      exporter: new Exporter(peer, this.#exports),
      usable: (prefix) => this.#locRib.usable(prefix),
      count: (prefix) => this.#locRib.count(prefix),
    })
    this.#groups.set(key, group)
    this.#touchAll(group)
    return group
  }

  #touchAll(group: UpdateGroup): void {
    for (const prefix of this.#locRib.prefixes()) group.touch(prefix, this.#locRib.best(prefix), true)
  }
}

/** True when what one said can stand for what the other would say. */
function sameSource(a: RibPeer, b: RibPeer): boolean {
  return a.asn === b.asn && a.localAsn === b.localAsn && a.address === b.address
}

/** True when import policy and decision treat paths of both alike. */
function sameJudgement(a: RibPeer, b: RibPeer): boolean {
  const judged = (peer: RibPeer) =>
    JSON.stringify([
      [peer.routerId, peer.filters?.import, peer.allowedLocalAsns],
      [peer.reflector, peer.gracefulShutdown, peer.role],
    ])
  return judged(a) === judged(b)
}
