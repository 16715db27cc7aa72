// What a peer told us while its speaker is away, or tells us all again: kept, and swept when it should be back.
// RFC 4724 §4.2 (the Receiving Speaker), RFC 8538 §4, RFC 9494 §4.2, RFC 7313 §4.
//
// The RFC has what is still stale deleted when a peer is lost again. A speaker that crashes twice would so cost the
// traffic that restarts are not to cost: we keep it, and what bounds the wait is counted from the first loss.
//
// RFC 8538 has the routes of a peer kept when its hold timer expires too. A speaker that hangs still forwards, but a node
// that is dead does not: so they are the last resort, as those of RFC 9494 are, and whoever knows another way takes that.

import { FAMILIES, type Family } from '../inet/address.ts'
import type { Rib } from './rib/rib.ts'
import type { Host } from './session/connection.ts'
import { type Failure, isGraceful, isSilence } from './session/failure.ts'
import type { Negotiated } from './session/open-check.ts'
import type { Update } from './wire/message.ts'

/** Timers that run while a peer is away. */
const AWAY = ['restart', 'long-lived ipv4', 'long-lived ipv6'] as const

type HelperTimer = (typeof AWAY)[number] | 'stale'

/**
 * Seconds a peer has, beyond its restart time, to have announced all again; RFC 4724 §4.2 leaves the bound to us, and
 * this is the default of others.
 */
const STALE_TIME = 360

/** Seconds that the routes of a peer that is no longer wanted wait for others to teach them, as long as for one that restarts. */
const PARTING_TIME = 120

export class RestartHelper {
  readonly #rib: Rib
  readonly #host: Pick<Host, 'arm' | 'disarm'>
  /** Those that were lost, and have not announced all again. */
  readonly #recovering = new Set<string>()

  constructor(rib: Rib, host: Pick<Host, 'arm' | 'disarm'>) {
    this.#rib = rib
    this.#host = host
  }

  /** A session is over, and the peer's paths go, unless it said that it keeps forwarding. */
  down(name: string, { gracefulRestart, longLived, families }: Negotiated, failure: Failure): void {
    if (!gracefulRestart || !isGraceful(failure, gracefulRestart.notification)) {
      this.remove(name)
      return
    }
    const { restartTime } = gracefulRestart
    this.#rib.suspendPeer(name)
    for (const family of families) {
      if (!saidOf(family, gracefulRestart)) this.#rib.sweep(name, family)
      else if (isSilence(failure)) this.#rib.ageStale(name, family)
    }
    this.#after(name, 'restart', restartTime, () => this.#stayAway(name, longLived))
    if (this.#recovering.has(name)) return
    this.#recovering.add(name)
    this.#after(name, 'stale', restartTime + STALE_TIME, () => this.recovered(name))
  }

  /** It is back: what it did not preserve goes at once, the rest when it has announced all again, or had time to. */
  up(name: string, { gracefulRestart, families }: Negotiated): void {
    for (const timer of AWAY) this.#host.disarm(`${name} ${timer}`)
    for (const family of families)
      if (!saidOf(family, gracefulRestart)?.forwarding) this.#rib.sweep(name, family)
  }

  /** It has announced all of its families again. */
  recovered(name: string): void {
    this.#forget(name)
    for (const family of FAMILIES) this.#rib.sweep(name, family)
  }

  /** The peer is no longer wanted. */
  remove(name: string): void {
    this.#forget(name)
    this.#rib.removePeer(name)
  }

  /**
   * The peer is no longer wanted, but forwards as before: what it taught us is the last resort for a while, since those
   * who are to teach it from now on may not have come yet.
   */
  part(name: string): void {
    this.#forget(name)
    for (const family of FAMILIES) this.#rib.ageStale(name, family)
    this.#after(name, 'restart', PARTING_TIME, () => this.#rib.removePeer(name))
  }

  /** It did not come back in time: the end, but for families of which it asked for more patience (RFC 9494 §4.2). */
  #stayAway(name: string, longLived: Negotiated['longLived']): void {
    const patient = (longLived?.families ?? []).filter(({ staleTime }) => staleTime > 0)
    if (patient.length === 0) {
      this.remove(name)
      return
    }
    const longest = Math.max(...patient.map(({ staleTime }) => staleTime))
    this.#after(name, 'stale', longest + STALE_TIME, () => this.recovered(name))
    for (const family of FAMILIES) {
      const said = patient.find((of) => of.family === family)
      if (!said) this.#rib.sweep(name, family)
      else this.#age(name, family, said.staleTime)
    }
  }

  #age(name: string, family: Family, staleTime: number): void {
    this.#rib.ageStale(name, family)
    this.#after(name, `long-lived ${family}`, staleTime, () => this.#rib.sweep(name, family))
  }

  #after(name: string, timer: HelperTimer, seconds: number, expired: () => void): void {
    this.#host.arm(`${name} ${timer}`, seconds * 1000, expired)
  }

  #forget(name: string): void {
    this.#recovering.delete(name)
    for (const timer of [...AWAY, 'stale']) this.#host.disarm(`${name} ${timer}`)
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
