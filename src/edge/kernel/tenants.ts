// Routes of workloads, with this in addition: the connections of one tenant of an address are forgotten before the next
// moves in. Calico felix/routetable/conntrack_owner_tracker.go.
//
// The old route goes, then the connections, then the new route comes: packets in between
// would make them anew. Connections are kept when the interface stays the same, when
// nobody lived there before, and for everything but single addresses: a block that goes
// must not reset the connections of a whole node.

import { setTimeout as pause } from 'node:timers/promises'
import { isHost, type Prefix, prefixAddress } from '../../inet/prefix.ts'
import type { Kind, Refused } from '../../reconcile/kind.ts'
import type { Conntrack } from './conntrack.ts'
import { type KernelRoute, routeKey, sameRoute } from './kernel-route.ts'

export interface TenantsOptions {
  readonly routes: Omit<Kind<KernelRoute>, 'key' | 'same' | 'name'>
  readonly conntrack: Pick<Conntrack, 'flush' | 'pending'>
  isWorkloadDevice(device: string | undefined): boolean
}

/** All other routes wait so long at most, then the address is left for later. */
const PATIENCE_MS = 100

export class Tenants implements Kind<KernelRoute> {
  readonly name = 'routes'
  readonly key = routeKey
  readonly same = sameRoute
  readonly #options: TenantsOptions
  /** The last route of each address through a workload's interface. */
  readonly #tenants = new Map<Prefix, KernelRoute>()

  constructor(options: TenantsOptions) {
    this.#options = options
  }

  get silent(): boolean {
    return this.#options.routes.silent ?? false
  }

  get pipelined(): boolean {
    return this.#options.routes.pipelined ?? false
  }

  device(route: KernelRoute): string | undefined {
    return this.#options.routes.device?.(route)
  }

  keepUntil(route: KernelRoute): number {
    return this.#options.routes.keepUntil?.(route) ?? 0
  }

  async read(): Promise<readonly KernelRoute[]> {
    const found = await this.#options.routes.read()
    for (const route of found) this.saw(route)
    return found
  }

  async put(routes: readonly KernelRoute[]): Promise<readonly Refused[]> {
    const isFree = (route: KernelRoute) => !this.#formerTenant(route) && this.#isVacant(route)
    const contested = routes.filter((route) => !isFree(route))
    if (contested.length === 0) return this.#write(routes)
    const refused = await this.#write(routes.filter(isFree))
    return [...refused, ...(await this.#handOver(contested))]
  }

  async remove(routes: readonly KernelRoute[]): Promise<readonly Refused[]> {
    const refused = await this.#options.routes.remove(routes)
    const kept = new Set(refused.map(({ key }) => key))
    for (const route of routes) {
      // One of two routes of a tenant, say with the metric of the CNI plugin, is no farewell.
      const isTenant = this.#keyOf(this.#tenants.get(route.prefix)) === this.key(route)
      if (isTenant && !kept.has(this.key(route))) this.#left(route)
    }
    return refused
  }

  /** The kernel holds this route, whoever wrote it. */
  saw(route: KernelRoute): void {
    if (!this.#isTenancy(route)) return
    const former = this.#formerTenant(route)
    if (former) this.#left(former)
    const isKnown = this.#tenants.get(route.prefix)?.metric === undefined && this.#tenants.has(route.prefix)
    if (!isKnown) this.#tenants.set(route.prefix, route)
  }

  /** An interface has gone, and its routes with it. */
  deviceGone(device: string): void {
    for (const route of this.#tenants.values()) if (route.device === device) this.#left(route)
  }

  async #handOver(routes: readonly KernelRoute[]): Promise<readonly Refused[]> {
    const former = routes.map((route) => this.#formerTenant(route)).filter((route) => route !== undefined)
    await this.#options.routes.remove(former)
    for (const route of former) this.#left(route)
    const flushes = routes.map(({ prefix }) => this.#options.conntrack.pending(prefixAddress(prefix)))
    await Promise.race([Promise.all(flushes), pause(PATIENCE_MS)])
    const waiting = routes.filter((route) => !this.#isVacant(route))
    return [
      ...(await this.#write(routes.filter((route) => this.#isVacant(route)))),
      ...waiting.map((route) => ({
        key: this.key(route),
        reason: 'connections of the former tenant of the address are being forgotten',
        transient: true,
      })),
    ]
  }

  async #write(routes: readonly KernelRoute[]): Promise<readonly Refused[]> {
    const refused = await this.#options.routes.put(routes)
    const failed = new Set(refused.map(({ key }) => key))
    for (const route of routes) if (!failed.has(this.key(route))) this.saw(route)
    return refused
  }

  /** Who must be moved out before this route is written. */
  #formerTenant({ prefix, device }: KernelRoute): KernelRoute | undefined {
    const tenant = this.#tenants.get(prefix)
    return tenant && tenant.device !== device ? tenant : undefined
  }

  #isVacant({ prefix }: KernelRoute): boolean {
    return !isHost(prefix) || !this.#options.conntrack.pending(prefixAddress(prefix))
  }

  #left({ prefix }: KernelRoute): void {
    this.#tenants.delete(prefix)
    void this.#options.conntrack.flush(prefixAddress(prefix))
  }

  #keyOf(route: KernelRoute | undefined): string | undefined {
    return route && this.key(route)
  }

  #isTenancy({ prefix, device }: KernelRoute): boolean {
    return isHost(prefix) && this.#options.isWorkloadDevice(device)
  }
}
