// What the tables have to say, as messages to those who are to hear it. RFC 4271 §9.2.
//
// Each message is written once, however many peers it goes to. What marks an end
// comes after all that is due before it: End-of-RIB (RFC 4724 §2), and the end of
// an answer to ROUTE-REFRESH (RFC 7313 §4).

import { FAMILIES, type Family } from '../inet/address.ts'
import type { Outbound, Rib } from './rib/rib.ts'
import type { Peer } from './session/peer.ts'
import { encode, endOfRib, packAnnouncements, packWithdrawals, type SessionCodec } from './wire/codec.ts'

/** Prefixes handled in one flush: some milliseconds of work, so that nothing else is late. */
const PREFIXES_PER_FLUSH = 2048

/** What a ROUTE-REFRESH message is: RFC 7313 §3.2. */
export const REFRESH = { request: 0, begin: 1, end: 2 } as const

/** A message that marks an end. */
interface End {
  readonly to: string
  readonly family: Family
  readonly bytes: Uint8Array
  readonly of: 'rib' | 'refresh'
}

export class Announcer {
  readonly #rib: Rib
  readonly #peer: (name: string) => Peer | undefined
  #ends: End[] = []
  /** `name family` of those whose first feed is over. */
  readonly #fed = new Set<string>()
  readonly #holdsBack: (to: Peer) => boolean

  /** Ends to a peer stay here for as long as `holdsBack` says so. */
  constructor(rib: Rib, peer: (name: string) => Peer | undefined, holdsBack: (to: Peer) => boolean) {
    this.#rib = rib
    this.#peer = peer
    this.#holdsBack = holdsBack
  }

  /** True when there is something to flush. */
  get pending(): boolean {
    return this.#rib.pendingOutbound || this.#ends.some((end) => this.#isDue(end))
  }

  /** Sends some of what is pending. */
  flush(): void {
    for (const outbound of this.#rib.takeOutbound(PREFIXES_PER_FLUSH)) this.#outbound(outbound)
    if (!this.#rib.pendingOutbound) this.#sendEnds()
  }

  /**
   * Answers a ROUTE-REFRESH. Before the first feed is over the answer is without borders: peers pass over those that
   * come before End-of-RIB.
   */
  refresh(peer: Peer, family: Family): void {
    const { name } = peer.config
    const { enhancedRefresh, codec } = peer.negotiated!
    this.#rib.resend(name, family)
    if (!enhancedRefresh || !this.#fed.has(`${name} ${family}`)) return
    const border = (subtype: 1 | 2) => encode({ kind: 'route-refresh', family, subtype }, codec)
    peer.send(border(REFRESH.begin))
    this.#ends.push({ to: name, family, bytes: border(REFRESH.end), of: 'refresh' })
  }

  /** The session with a peer is over. */
  forget(name: string): void {
    this.#ends = this.#ends.filter(({ to }) => to !== name)
    for (const family of FAMILIES) this.#fed.delete(`${name} ${family}`)
  }

  #outbound(outbound: Outbound): void {
    const peers = outbound.to.map((name) => this.#peer(name)!)
    const { family } = outbound
    if (outbound.endOfRib) {
      for (const to of outbound.to) this.#ends.push({ to, family, bytes: endOfRib(family), of: 'rib' })
      return
    }
    for (const bytes of messages(outbound, peers[0]!.negotiated!.codec))
      for (const peer of peers) peer.send(bytes)
  }

  #sendEnds(): void {
    const { due = [], held = [] } = Object.groupBy(this.#ends, (end) => (this.#isDue(end) ? 'due' : 'held'))
    for (const { to, family, bytes, of } of due) {
      this.#peer(to)!.send(bytes)
      if (of === 'rib') this.#fed.add(`${to} ${family}`)
    }
    this.#ends = held
  }

  #isDue({ to }: End): boolean {
    return !this.#holdsBack(this.#peer(to)!)
  }
}

function messages({ family, announce, withdraw }: Outbound, codec: SessionCodec): Uint8Array[] {
  return [
    ...(withdraw ? packWithdrawals(family, withdraw, codec) : []),
    ...(announce ? packAnnouncements(family, announce.attributes, announce.nlri, codec) : []),
  ]
}
