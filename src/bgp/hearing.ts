// What peers say on sessions that are up: UPDATEs into the tables, the ends of what they had to say, and requests to hear
// ours again. RFC 4724 §4, RFC 2918 §4, RFC 7313 §4.2.

import type { Family } from '../inet/address.ts'
import { type Announcer, REFRESH } from './announcer.ts'
import type { Action, Note } from './events.ts'
import { DEFAULT_LIMIT, type Limits } from './limits.ts'
import { endOfRibFamily, type RestartHelper } from './restart-helper.ts'
import type { Rib } from './rib/rib.ts'
import type { Peer } from './session/peer.ts'
import type { PeerConfig } from './types.ts'
import type { RouteRefresh, Update } from './wire/message.ts'

export interface HearingHost {
  readonly rib: Rib
  readonly announcer: Announcer
  readonly helper: RestartHelper
  readonly limits: Limits
  act(action: Action): void
  note(level: Note['level'], message: string, peer: PeerConfig, fields: Note['fields']): void
}

export class Hearing {
  readonly #host: HearingHost
  /** Families of which a peer has sent all it had when its session came up. */
  readonly #heard = new Map<string, Set<Family>>()

  constructor(host: HearingHost) {
    this.#host = host
  }

  /** A session is up. */
  begin(name: string): void {
    this.#heard.set(name, new Set())
    this.#host.act({ kind: 'heard' })
  }

  /** It is over. */
  end(name: string): void {
    this.#heard.delete(name)
    this.#host.limits.forget(name)
  }

  /** Whether a peer has said all that it had when its session came up. */
  isDone({ config, negotiated }: Peer): boolean {
    return negotiated?.families.every((family) => this.#heard.get(config.name)?.has(family)) ?? false
  }

  hear(peer: Peer, message: Update | RouteRefresh): void {
    if (message.kind === 'update') this.#update(peer, message)
    else this.#refresh(peer, message)
  }

  /** Ends the session if the peer has more with us than it may. */
  limit(peer: Peer): void {
    const { name, prefixLimit = DEFAULT_LIMIT } = peer.config
    const excess = this.#host.limits.check(name, peer.negotiated!.families, prefixLimit)
    if (excess) peer.overLimit(excess)
  }

  #update(peer: Peer, update: Update): void {
    this.#host.rib.receive(peer.config.name, update)
    const ended = endOfRibFamily(update)
    if (ended) this.#endOfRib(peer, ended)
    if (update.faults.length > 0) this.#noteFaults(peer, update)
    this.limit(peer)
  }

  #endOfRib(peer: Peer, family: Family): void {
    const { rib, helper } = this.#host
    const { name } = peer.config
    rib.sweep(name, family)
    this.#heard.get(name)!.add(family)
    if (this.isDone(peer)) helper.recovered(name)
    this.#host.act({ kind: 'heard' })
  }

  #refresh(peer: Peer, { family, subtype }: RouteRefresh): void {
    const { rib, announcer } = this.#host
    const { families, enhancedRefresh } = peer.negotiated!
    if (family === 'other' || !families.includes(family)) return
    const { name } = peer.config
    if (subtype === REFRESH.request) announcer.refresh(peer, family)
    if (subtype === REFRESH.begin && enhancedRefresh) rib.markStale(name, family)
    if (subtype === REFRESH.end && enhancedRefresh) rib.sweep(name, family)
  }

  /** Told of the 1st, 2nd, 4th, 8th …: a peer that sends nothing else must not fill the log. */
  #noteFaults({ config, faults }: Peer, { faults: excused }: Update): void {
    const reason = excused.map(({ reason }) => reason).join('; ')
    if ((faults & (faults - 1)) === 0) this.#host.note('warn', 'faulty update', config, { reason, faults })
  }
}
