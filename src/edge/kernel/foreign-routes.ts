// Routes of others in the main table, the kernel's own among them: where packets go without us. The plan resolves next
// hops against them.

import { familyOf } from '../../inet/address.ts'
import type { Prefix } from '../../inet/prefix.ts'
import type { ForeignRoute } from '../../plan/underlay.ts'
import { type PrintedRoute, RTN_BLACKHOLE, RTN_UNICAST } from './kernel-route.ts'

/** As the kernel keeps them: two routes of one prefix and metric replace each other. */
export class ForeignRoutes {
  readonly #byPrefix = new Map<Prefix, Map<number, ForeignRoute>>()

  /** Takes one that the kernel holds, if it leads packets out. False when it does not. */
  add(printed: PrintedRoute): boolean {
    if (!isWayOut(printed)) return false
    const route = foreignRoute(printed)
    const beside = this.#byPrefix.get(route.prefix)
    if (beside) beside.set(route.metric, route)
    else this.#byPrefix.set(route.prefix, new Map([[route.metric, route]]))
    return true
  }

  /** True when there was one. */
  delete(prefix: Prefix, metric: number): boolean {
    const beside = this.#byPrefix.get(prefix)
    if (!beside?.delete(metric)) return false
    if (beside.size === 0) this.#byPrefix.delete(prefix)
    return true
  }

  /** Forgets those over one interface. */
  deviceDown(device: string): void {
    for (const route of this.all()) if (route.device === device) this.delete(route.prefix, route.metric)
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
