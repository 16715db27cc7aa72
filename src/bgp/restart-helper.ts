// What a peer told us while its speaker is away, or tells us all again: kept, and swept when it should be back.
// RFC 4724 §4.2 (the Receiving Speaker), RFC 7313 §4.

import type { Family } from '../inet/address.ts'
import type { Rib } from './rib/rib.ts'
import type { Host } from './session/connection.ts'
import { type Failure, isGraceful } from './session/failure.ts'
import type { Negotiated } from './session/open-check.ts'
import type { Update } from './wire/message.ts'

/** Seconds a peer has to announce all again; RFC 4724 §4.2 leaves the bound to us, and this is the default of others. */
const STALE_TIME = 360

export class RestartHelper {
  readonly #rib: Rib
  readonly #host: Pick<Host, 'arm' | 'disarm'>

  constructor(rib: Rib, host: Pick<Host, 'arm' | 'disarm'>) {
    this.#rib = rib
    this.#host = host
  }

  /** A session is over, and the peer's paths go, unless it said that it keeps forwarding. */
  down(name: string, { gracefulRestart, families }: Negotiated, failure: Failure): void {
    this.#host.disarm(`${name} stale`)
    if (!gracefulRestart || !isGraceful(failure)) {
      this.#rib.removePeer(name)
      return
    }
    this.#rib.suspendPeer(name)
    for (const family of families) if (!saidOf(family, gracefulRestart)) this.#rib.sweep(name, family)
    this.#host.arm(`${name} restart`, gracefulRestart.restartTime * 1000, () => this.#rib.removePeer(name))
  }

  /** It is back: what it did not preserve goes at once, the rest when it had time to announce it again. */
  up(name: string, { gracefulRestart, families }: Negotiated): void {
    this.#host.disarm(`${name} restart`)
    for (const family of families)
      if (!saidOf(family, gracefulRestart)?.forwarding) this.#rib.sweep(name, family)
    this.#host.arm(`${name} stale`, STALE_TIME * 1000, () => this.#sweep(name, families))
  }

  /** The peer is no longer wanted. */
  remove(name: string): void {
    for (const timer of ['restart', 'stale']) this.#host.disarm(`${name} ${timer}`)
    this.#rib.removePeer(name)
  }

  #sweep(name: string, families: readonly Family[]): void {
    for (const family of families) this.#rib.sweep(name, family)
  }
}

/** The family whose announcements an UPDATE ends: one that says nothing else. RFC 4724 §2. */
export function endOfRibFamily({ withdrawn, nlri, attributes }: Update): Family | undefined {
  if (withdrawn.length > 0 || nlri.length > 0) return undefined
  const { mpUnreach, ...others } = attributes
  if (Object.keys(others).length > 0) return undefined
  if (!mpUnreach) return 'ipv4'
  return mpUnreach.withdrawn.length === 0 ? mpUnreach.family : undefined
}

function saidOf(family: Family, said: Negotiated['gracefulRestart']): { forwarding: boolean } | undefined {
  return said?.families.find((of) => of.family === family)
}
