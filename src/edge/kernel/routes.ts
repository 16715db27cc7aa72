// Routes of the main table, both families: ours, which are brought to the plan, and those of others, which the plan
// needs to know. Both come from the same reading and the same events.

import { familyOf } from '../../inet/address.ts'
import type { Prefix } from '../../inet/prefix.ts'
import type { ForeignRoute } from '../../plan/underlay.ts'
import { isTunnelName } from '../../plan/wanted.ts'
import type { Kind, Refused } from '../../reconcile/kind.ts'
import {
  type KernelNextHop,
  type KernelRoute,
  metricOf,
  type PrintedRoute,
  RTN_BLACKHOLE,
  RTN_UNICAST,
} from './kernel-route.ts'
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

/** What an event says of one of our keys. */
export interface Seen<T> {
  readonly key: string
  readonly item: T | undefined
}

/** The key of a route, which for all that we write is its prefix. */
export function routeKey({ prefix, metric }: KernelRoute): string {
  return metric === undefined ? prefix : `${prefix} metric ${metric}`
}

/** So often at most a table is read in a row that others change meanwhile; then it waits for the next time. */
const READINGS = 5

const COMPARED = [
  'prefix',
  'metric',
  'type',
  'protocol',
  'device',
  'gateway',
  'scope',
  'onlink',
  'mtu',
  'source',
] as const

/** Equal in everything the kernel holds. */
export function sameRoute(a: KernelRoute, b: KernelRoute): boolean {
  return COMPARED.every((field) => a[field] === b[field]) && sameNextHops(a, b)
}

/** In whatever order: IPv6 ones are routes of their own to the kernel. */
function sameNextHops({ nexthops: a }: KernelRoute, { nexthops: b }: KernelRoute): boolean {
  if (!a || !b) return a === b
  return a.map(nextHopText).sort().join() === b.map(nextHopText).sort().join()
}

function nextHopText({ device, gateway, onlink, weight, dead }: KernelNextHop): string {
  return [device, gateway, onlink, weight, dead].join(' ')
}

/** The devices it leads to. */
function devicesOf({ device, nexthops }: KernelRoute): (string | undefined)[] {
  return nexthops ? nexthops.map((hop) => hop.device) : [device]
}

export class Routes implements Kind<KernelRoute> {
  readonly name = 'routes'
  readonly key = routeKey
  readonly same = sameRoute
  readonly #options: RoutesOptions
  #foreign = new ForeignTable()

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
    const foreign = new ForeignTable()
    for await (const some of this.#options.table.read()) {
      for (const printed of some) {
        if (isOurs(printed, this.#options.ownership)) ours.push(printed.route)
        else if (isWayOut(printed)) foreign.set(foreignRoute(printed))
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
    if (ours || deleted || !isWayOut(printed)) this.#noForeign(printed.prefix, printed.metric)
    else this.#noteForeign(foreignRoute(printed))
    if (ours) return { key, item: deleted ? undefined : printed.route }
    // A route of others in the place of ours has replaced it; one that goes leaves ours alone.
    return deleted ? undefined : { key, item: undefined }
  }

  /** The kernel drops the IPv4 routes of an interface that goes down, and does not say so. */
  deviceDown(device: string): void {
    for (const route of this.foreign())
      if (route.device === device) this.#foreign.delete(route.prefix, route.metric)
  }

  /** Routes of others, the kernel's own among them. */
  foreign(): readonly ForeignRoute[] {
    return this.#foreign.all()
  }

  /** What others had in the place of ours is gone, of which no event need tell. */
  #displace(written: readonly KernelRoute[]): void {
    for (const route of written) this.#noForeign(route.prefix, metricOf(route))
  }

  #noteForeign(route: ForeignRoute): void {
    this.#foreign.set(route)
    this.#options.onForeign()
  }

  #noForeign(prefix: Prefix, metric: number): void {
    if (this.#foreign.delete(prefix, metric)) this.#options.onForeign()
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

/** As the kernel keeps them: two routes of one prefix and metric replace each other. */
class ForeignTable {
  readonly #byPrefix = new Map<Prefix, Map<number, ForeignRoute>>()

  set(route: ForeignRoute): void {
    const beside = this.#byPrefix.get(route.prefix)
    if (beside) beside.set(route.metric, route)
    else this.#byPrefix.set(route.prefix, new Map([[route.metric, route]]))
  }

  /** True when there was one. */
  delete(prefix: Prefix, metric: number): boolean {
    const beside = this.#byPrefix.get(prefix)
    if (!beside?.delete(metric)) return false
    if (beside.size === 0) this.#byPrefix.delete(prefix)
    return true
  }

  all(): ForeignRoute[] {
    return [...this.#byPrefix.values()].flatMap((beside) => [...beside.values()])
  }
}

/** Unreachable, prohibit and blackhole routes count too: packets do not get past them. */
function isWayOut({ main, tos, dead, type, prefix }: PrintedRoute): boolean {
  const isLinkLocal = familyOf(prefix) === 'ipv6' && /^(fe80|ff)/.test(prefix)
  return main && !tos && !dead && !isLinkLocal && (type === RTN_UNICAST || type >= RTN_BLACKHOLE)
}

function foreignRoute({ prefix, route, metric }: PrintedRoute): ForeignRoute {
  const { device, gateway } = route.nexthops?.find(({ dead }) => !dead) ?? route
  return { prefix, device, gateway, metric }
}
