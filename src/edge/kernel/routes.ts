// Routes of the main table, both families: ours are brought to the plan, those of others are passed on to be known to it.
// Both come from the same reading and the same events.

import type { ForeignRoute } from '../../plan/underlay.ts'
import { isTunnelName } from '../../plan/wanted.ts'
import type { Kind, Refused, Seen } from '../../reconcile/kind.ts'
import { ForeignRoutes } from './foreign-routes.ts'
import { type KernelRoute, metricOf, type PrintedRoute, routeKey, sameRoute } from './kernel-route.ts'
import { isOurs, isWorkloadDevice, type Ownership } from './ownership.ts'
import { absentIsDone, refusals } from './refusals.ts'
import { InterruptedReading, type RouteTable } from './route-table.ts'
import type { SavedState } from './saved-state.ts'

export interface RoutesOptions {
  readonly table: RouteTable
  readonly ownership: Ownership
  /** Notes destinations that nothing else marks as ours, before the kernel is touched. */
  readonly saved: Pick<SavedState, 'claim' | 'release'>
  /** Until when the routes of this interface, unasked for, are left to the CNI plugin; milliseconds of the clock. */
  graceOf(device: string): number
  /** `foreign` has another answer now. */
  onForeign(): void
}

/** So often at most a table is read in a row that others change meanwhile; then it waits for the next time. */
const READINGS = 5

export class Routes implements Kind<KernelRoute> {
  readonly name = 'routes'
  readonly key = routeKey
  readonly same = sameRoute
  readonly pipelined = true
  readonly #options: RoutesOptions
  #foreign = new ForeignRoutes()

  constructor(options: RoutesOptions) {
    this.#options = options
  }

  get silent(): boolean {
    return this.#options.table.watch !== undefined
  }

  /** Of a multipath route, if all next hops are on one: while another is left it stays, and the plan takes the rest out. */
  device(route: KernelRoute): string | undefined {
    if (!route.nexthops) return route.device
    const [device, ...others] = new Set(devicesOf(route))
    return others.length === 0 ? device : undefined
  }

  /** The CNI plugin adds a pod's route before the datastore tells us of the pod (Calico felix/routetable, grace). */
  keepUntil({ device }: KernelRoute): number {
    return device !== undefined && isWorkloadDevice(device, this.#options.ownership)
      ? this.#options.graceOf(device)
      : 0
  }

  async read(): Promise<readonly KernelRoute[]> {
    for (let left = READINGS; ; ) {
      try {
        return await this.#readAll()
      } catch (error) {
        if (!(error instanceof InterruptedReading) || --left === 0) throw error
      }
    }
  }

  async #readAll(): Promise<readonly KernelRoute[]> {
    const ours: KernelRoute[] = []
    const foreign = new ForeignRoutes()
    for await (const some of this.#options.table.read()) {
      for (const printed of some) {
        if (isOurs(printed, this.#options.ownership)) ours.push(printed.route)
        else foreign.add(printed)
      }
    }
    this.#foreign = foreign
    this.#options.onForeign()
    return ours
  }

  async put(routes: readonly KernelRoute[]): Promise<readonly Refused[]> {
    const unmarked = routes.filter((route) => !this.#recognised(route))
    const reason = this.#claim(unmarked)
    const unclaimed = reason === undefined ? [] : unmarked
    const allowed = reason === undefined ? routes : routes.filter((route) => this.#recognised(route))
    const outcomes = await this.#options.table.replace(allowed)
    this.#displace(allowed.filter((_, i) => outcomes[i] === undefined))
    return [
      ...refusals(allowed, outcomes, routeKey),
      ...refusals(
        unclaimed,
        unclaimed.map(() => reason),
        routeKey,
      ),
    ]
  }

  async remove(routes: readonly KernelRoute[]): Promise<readonly Refused[]> {
    const outcomes = await this.#options.table.remove(routes)
    const gone = absentIsDone(outcomes)
    this.#release(routes.filter(({ metric }, i) => gone[i] === undefined && metric === undefined))
    return refusals(routes, gone, routeKey)
  }

  /** Takes an event of any route. Answers what it means for one of our keys, if anything. */
  event(printed: PrintedRoute, deleted: boolean): Seen<KernelRoute> | undefined {
    if (!printed.main || printed.tos) return undefined
    const key = routeKey(printed.route)
    const ours = isOurs(printed, this.#options.ownership)
    const isAnother = !ours && !deleted && this.#foreign.add(printed)
    if (isAnother || this.#foreign.delete(printed.prefix, printed.metric)) this.#options.onForeign()
    if (ours) return { key, item: deleted ? undefined : printed.route }
    // A route of others in the place of ours has replaced it; one that goes leaves ours alone.
    return deleted ? undefined : { key, item: undefined }
  }

  /** The kernel drops the IPv4 routes of an interface that goes down, and does not say so. */
  deviceDown(device: string): void {
    this.#foreign.deviceDown(device)
  }

  /** Routes of others, the kernel's own among them. */
  foreign(): readonly ForeignRoute[] {
    return this.#foreign.all()
  }

  /** What others had in the place of ours is gone, of which no event need tell. */
  #displace(written: readonly KernelRoute[]): void {
    for (const route of written)
      if (this.#foreign.delete(route.prefix, metricOf(route))) this.#options.onForeign()
  }

  /** Why those routes that nothing else marks as ours cannot be noted down, if so. */
  #claim(unmarked: readonly KernelRoute[]): string | undefined {
    try {
      if (unmarked.length > 0)
        this.#options.saved.claim(
          'route',
          unmarked.map(({ prefix }) => prefix),
        )
      return undefined
    } catch (error) {
      return `cannot note that it is ours: ${(error as Error).message}`
    }
  }

  #release(routes: readonly KernelRoute[]): void {
    try {
      this.#options.saved.release(
        'route',
        routes.map(({ prefix }) => prefix),
      )
    } catch {
      // A claim too many says only that a route of protocol 12 or 80 to there would be ours.
    }
  }

  /** A later process will know it for ours without being told. */
  #recognised(route: KernelRoute): boolean {
    const { ownership } = this.#options
    return (
      ownership.owns(route.prefix) ||
      isWorkloadDevice(route.device, ownership) ||
      devicesOf(route).every(isTunnelName)
    )
  }
}

/** The devices it leads to. */
function devicesOf({ device, nexthops }: KernelRoute): (string | undefined)[] {
  return nexthops ? nexthops.map((hop) => hop.device) : [device]
}
