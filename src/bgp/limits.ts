// How much one peer may have us hold. RFC 4271 §6.7, RFC 4486 §4.
//
// Memory is bounded for each peer: by the number of its paths, which an operator may set, and by what their attributes take.
// What a restarted peer has not told again counts apart, so that a peer may come back with other path identifiers; when there
// is more of it than a whole table, its time is over.

import { FAMILIES, FAMILY_NAMES, type Family } from '../inet/address.ts'
import type { Holding } from './rib/adj-rib-in.ts'
import type { Rib } from './rib/rib.ts'
import { type Failure, OUT_OF_RESOURCES, overLimit } from './session/failure.ts'
import type { PrefixLimit } from './types.ts'

/**
 * For a peer of which nothing is said: what the largest clusters need, more than twice over, and some hundred megabytes. Who
 * peers with a full Internet table has to say so.
 */
export const DEFAULT_LIMIT: PrefixLimit = { prefixes: 1_000_000, warnPercent: 75 }

/** Octets for the attributes of one peer's paths; a full Internet table needs a tenth of it. */
const MAX_ATTRIBUTE_OCTETS = 256 * 1024 * 1024

export interface LimitsHost {
  readonly rib: Pick<Rib, 'holding' | 'weight' | 'sweep'>
  /** A peer comes near its limit: told once in a session. */
  near(name: string, holding: string): void
}

export class Limits {
  readonly #host: LimitsHost
  /** `name family` of those that have been told of. */
  readonly #near = new Set<string>()

  constructor(host: LimitsHost) {
    this.#host = host
  }

  /** Why the session with a peer has to end, if it has to. */
  check(name: string, families: readonly Family[], limit: PrefixLimit): Failure | undefined {
    const { rib } = this.#host
    for (const family of families) {
      const holding = rib.holding(name, family)
      if (holding.fresh > limit.prefixes) return overLimit(family, limit.prefixes)
      if (holding.held > 2 * limit.prefixes) rib.sweep(name, family)
      if (isNear(holding, limit)) this.#tell(`${name} ${family}`, name, holdingText(family, holding, limit))
    }
    return rib.weight(name) > MAX_ATTRIBUTE_OCTETS ? OUT_OF_RESOURCES : undefined
  }

  /** The session with a peer is over. */
  forget(name: string): void {
    for (const family of FAMILIES) this.#near.delete(`${name} ${family}`)
  }

  #tell(key: string, name: string, holding: string): void {
    if (this.#near.has(key)) return
    this.#near.add(key)
    this.#host.near(name, holding)
  }
}

/** True at the share of its limit at which people are to know. */
export function isNear({ fresh }: Holding, { prefixes, warnPercent }: PrefixLimit): boolean {
  return fresh * 100 >= prefixes * warnPercent
}

/** `800 of at most 1000 IPv4 prefixes`. */
export function holdingText(family: Family, { fresh }: Holding, { prefixes }: PrefixLimit): string {
  return `${fresh} of at most ${prefixes} ${FAMILY_NAMES[family]} prefixes`
}
