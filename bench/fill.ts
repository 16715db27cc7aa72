// Routes of a peer, for a measure to be taken beside them.

import type { Client } from './client.ts'
import { clientAddress } from './ground.ts'
import { routeCount, routesReach } from './kernel.ts'
import { announce } from './updates.ts'

/** Resolves when the kernel in which process `pid` runs holds `size` routes more, which the first client has announced. */
export async function fill(client: Client, pid: number, size: number): Promise<void> {
  const before = routeCount(pid)
  await client.say(announce(0, size, clientAddress(0)))
  await routesReach(pid, (count) => count === before + size)
}
