// The destinations that routes lead to: one record for each, found once, with what BGP says of it and the route that
// follows. A table of 100,000 of them passes through here in one go.

import type { Path } from '../bgp/types.ts'
import type { Address } from '../inet/address.ts'
import type { Prefix } from '../inet/prefix.ts'
import { sameRecord } from './derived.ts'
import type { Route } from './wanted.ts'

/** A route that came out different: wanted no more when it is undefined. */
export interface RouteChange {
  readonly prefix: Prefix
  readonly route: Route | undefined
}

interface Destination extends RouteChange {
  readonly prefix: Prefix
  /** BGP paths in use, the best first. */
  paths: readonly Path[]
  route: Route | undefined
  /** What the route follows from may have changed. */
  isDirty: boolean
}

const NONE: readonly Path[] = []

export class Destinations {
  readonly #derive: (prefix: Prefix, paths: readonly Path[]) => Route | undefined
  /** Those with paths or a route, or that are dirty. */
  readonly #byPrefix = new Map<Prefix, Destination>()
  #dirty: Destination[] = []

  /** The route of a destination to which these paths are in use, at the time of `settle`. */
  constructor(derive: (prefix: Prefix, paths: readonly Path[]) => Route | undefined) {
    this.#derive = derive
  }

  /** The paths in use are others now. Answers with those that were. */
  use(prefix: Prefix, paths: readonly Path[]): readonly Path[] {
    const destination = this.#of(prefix)
    const before = destination.paths
    destination.paths = paths
    this.#mark(destination)
    return before
  }

  /** What else the route follows from may have changed. */
  touch(prefix: Prefix): void {
    this.#mark(this.#of(prefix))
  }

  /** Every destination that has a route. */
  touchRoutes(): void {
    for (const destination of this.#byPrefix.values()) if (destination.route) this.#mark(destination)
  }

  /** Every destination that BGP knows, as far as `concerns` says so. */
  touchLearned(concerns: (prefix: Prefix) => boolean = () => true): void {
    for (const destination of this.#byPrefix.values())
      if (destination.paths.length > 0 && concerns(destination.prefix)) this.#mark(destination)
  }

  /** Every destination with a path in use to one of these next hops. */
  touchBehind(nextHops: ReadonlySet<Address>): void {
    for (const destination of this.#byPrefix.values())
      if (destination.paths.some(({ nextHop }) => nextHops.has(nextHop))) this.#mark(destination)
  }

  get dirty(): boolean {
    return this.#dirty.length > 0
  }

  /** Derives the routes of so many dirty destinations, of those touched last. What came out different. */
  settle(most = Number.POSITIVE_INFINITY): readonly RouteChange[] {
    const changes: RouteChange[] = []
    for (const destination of this.#dirty.splice(-most)) {
      const { prefix, paths, route: before } = destination
      const after = this.#derive(prefix, paths)
      destination.isDirty = false
      if (!isSame(before, after)) {
        destination.route = after
        changes.push({ prefix, route: after })
      }
      if (!destination.route && paths.length === 0) this.#byPrefix.delete(prefix)
    }
    return changes
  }

  paths(prefix: Prefix): readonly Path[] {
    return this.#byPrefix.get(prefix)?.paths ?? NONE
  }

  /** As of the last `settle`. */
  route(prefix: Prefix): Route | undefined {
    return this.#byPrefix.get(prefix)?.route
  }

  *routes(): Generator<Route> {
    for (const { route } of this.#byPrefix.values()) if (route) yield route
  }

  #of(prefix: Prefix): Destination {
    const known = this.#byPrefix.get(prefix)
    if (known) return known
    const destination = { prefix, paths: NONE, route: undefined, isDirty: false }
    this.#byPrefix.set(prefix, destination)
    return destination
  }

  #mark(destination: Destination): void {
    if (destination.isDirty) return
    destination.isDirty = true
    this.#dirty.push(destination)
  }
}

function isSame(a: Route | undefined, b: Route | undefined): boolean {
  return a && b ? sameRecord(a, b) : a === b
}
