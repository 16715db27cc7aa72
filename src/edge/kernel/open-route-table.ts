// Which way routes go: rtnetlink where it can be had, else ip(8).

import type { Batch } from './batch.ts'
import { iproute2Routes } from './iproute2-routes.ts'
import type { RouteTable } from './route-table.ts'
import { rtnetlinkRoutes } from './rtnetlink/routes.ts'
import type { Program } from './run.ts'

export type RouteWriter = 'auto' | 'rtnetlink' | 'iproute2'

export interface RouteTableOptions {
  readonly writer: RouteWriter
  readonly ip: Program
  readonly batch: Pick<Batch, 'run'>
  /** As in `ip netns`; for tests. */
  readonly namespace: string | undefined
  /** `auto` goes the other way, and why. */
  onFallback(reason: string): void
}

/** @throws when `writer` insists on rtnetlink, and it cannot be had */
export function openRouteTable({ writer, ip, batch, namespace, onFallback }: RouteTableOptions): RouteTable {
  if (writer === 'iproute2') return iproute2Routes(ip, batch)
  try {
    return rtnetlinkRoutes(namespace)
  } catch (error) {
    if (writer === 'rtnetlink') throw error
    onFallback((error as Error).message.split('\n')[0]!)
    return iproute2Routes(ip, batch)
  }
}
