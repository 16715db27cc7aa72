// What a change of services, or of what is said of all of them, bears on.

import { contains, type Prefix } from '../inet/prefix.ts'
import { sameJson } from './derived.ts'
import type { Known } from './known.ts'
import { noServices, rangesOf, type ServiceScope, serviceScope } from './services.ts'
import type { Values } from './values.ts'

export class ServiceBearing {
  readonly #known: Known
  readonly #values: Values
  /** As of the last change of what it is made of. */
  #scope: ServiceScope = noServices
  #leanings = new Set<Prefix>()

  constructor(known: Known, values: Values) {
    this.#known = known
    this.#values = values
  }

  get scope(): ServiceScope {
    return this.#scope
  }

  /** Addresses of services that may be announced on the strength of other routes since this was last asked. */
  takeLeanings(): ReadonlySet<Prefix> {
    const leanings = this.#leanings
    this.#leanings = new Set()
    return leanings
  }

  /** These addresses of services may be announced now, no more, or because of another endpoint. */
  addresses(addresses: Iterable<Prefix>): void {
    for (const address of addresses) {
      this.#values.originations.touch(address)
      this.#leanings.add(address)
    }
  }

  /** What is said of all services may be another. Returns the ranges within which announcements may be others, too. */
  everything(): readonly Prefix[] {
    const before = this.#scope
    this.#scope = serviceScope(this.#known.facts)
    if (sameJson(before, this.#scope)) return []
    const ranges = [...rangesOf(before), ...rangesOf(this.#scope)]
    for (const range of ranges) this.#range(range)
    this.addresses(this.#known.facts.services.addresses())
    return ranges
  }

  /** Marks everything that may have a value. */
  all(): void {
    for (const range of rangesOf(this.#scope)) this.#range(range)
    this.addresses(this.#known.facts.services.addresses())
  }

  #range(range: Prefix): void {
    const { originations, routes } = this.#values
    originations.touch(range)
    routes.touchLearned((prefix) => contains(range, prefix))
  }
}
