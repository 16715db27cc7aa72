// What the tables have to say, as messages to those who are to hear it. RFC 4271 §9.2.
//
// Each message is written once, however many peers it goes to. What marks an end
// comes after all that was due before it: End-of-RIB (RFC 4724 §2), and the end of
// an answer to ROUTE-REFRESH (RFC 7313 §4). End-of-RIB may have to wait beyond that
// (deferral.ts), and then comes after all that has become due meanwhile.

import { FAMILIES, type Family } from '../inet/address.ts'
import type { Outbound, Rib } from './rib/rib.ts'
import type { Peer } from './session/peer.ts'
import { encode, endOfRib, packAnnouncements, packWithdrawals, type SessionCodec } from './wire/codec.ts'

/** Prefixes handled in one flush: some milliseconds of work, so that nothing else is late. */
const PREFIXES_PER_FLUSH = 4096

/** What a ROUTE-REFRESH message is: RFC 7313 §3.2. */
export const REFRESH = { request: 0, begin: 1, end: 2 } as const

/** An End-of-RIB that has to wait. */
interface Held {
  readonly to: string
  readonly family: Family
}

export class Announcer {
  readonly #rib: Rib
  readonly #peer: (name: string) => Peer | undefined
  #held: Held[] = []
  /** `name family` of those whose first feed is over. */
  readonly #fed = new Set<string>()
  readonly #holdsBack: (to: Peer) => boolean

  /** End-of-RIB to a peer stays here for as long as `holdsBack` says so. */
  constructor(rib: Rib, peer: (name: string) => Peer | undefined, holdsBack: (to: Peer) => boolean) {
    this.#rib = rib
    this.#peer = peer
    this.#holdsBack = holdsBack
  }

  /** True when there is something to flush. */
  get pending(): boolean {
    return this.#rib.pendingOutbound || this.#held.some((held) => this.#isDue(held))
  }

  /** Sends some of what is pending. */
  flush(): void {
    this.#release()
    for (const outbound of this.#rib.takeOutbound(PREFIXES_PER_FLUSH)) this.#outbound(outbound)
  }

  /**
   * Answers a ROUTE-REFRESH. Before the first feed is over the answer is without borders: peers pass over those that
   * come before End-of-RIB.
   */
  refresh(peer: Peer, family: Family): void {
    const { name } = peer.config
    const { enhancedRefresh, codec } = peer.negotiated!
    const isBordered = enhancedRefresh && this.#fed.has(`${name} ${family}`)
    if (isBordered) peer.send(border(family, REFRESH.begin, codec))
    this.#rib.resend(name, family, isBordered ? [{ family, endOf: 'refresh' }] : [])
  }

  /** The session with a peer is over. */
  forget(name: string): void {
    this.#held = this.#held.filter(({ to }) => to !== name)
    for (const family of FAMILIES) this.#fed.delete(`${name} ${family}`)
  }

  #outbound(outbound: Outbound): void {
    const peers = outbound.to.map((name) => this.#peer(name)!)
    const { family } = outbound
    for (const peer of peers) {
      if (outbound.endOf === 'rib') this.#endOfRib(peer, family)
      if (outbound.endOf === 'refresh') peer.send(border(family, REFRESH.end, peer.negotiated!.codec))
    }
    for (const bytes of messages(outbound, peers[0]!.negotiated!.codec))
      for (const peer of peers) peer.send(bytes)
  }

  #endOfRib(peer: Peer, family: Family): void {
    const { name } = peer.config
    if (this.#holdsBack(peer)) {
      this.#held.push({ to: name, family })
      return
    }
    peer.send(endOfRib(family))
    this.#fed.add(`${name} ${family}`)
  }

  #release(): void {
    const { due = [], held = [] } = Object.groupBy(this.#held, (one) => (this.#isDue(one) ? 'due' : 'held'))
    for (const { to, family } of due) this.#rib.end(to, { family, endOf: 'rib' })
    this.#held = held
  }

  #isDue({ to }: Held): boolean {
    return !this.#holdsBack(this.#peer(to)!)
  }
}

/** Where an answer to ROUTE-REFRESH begins, or ends. */
function border(family: Family, subtype: 1 | 2, codec: SessionCodec): Uint8Array {
  return encode({ kind: 'route-refresh', family, subtype }, codec)
}

function messages({ family, announce, withdraw }: Outbound, codec: SessionCodec): Uint8Array[] {
  return [
    ...(withdraw ? packWithdrawals(family, withdraw, codec) : []),
    ...(announce ? packAnnouncements(family, announce.attributes, announce.nlri, codec) : []),
  ]
}
