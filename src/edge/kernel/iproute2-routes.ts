// The routing table by way of ip(8): lines of the one long-lived batch, and the text of `ip route show`.

import type { Batch } from './batch.ts'
import type { PrintedRoute } from './kernel-route.ts'
import type { RouteTable } from './route-table.ts'
import { deleteLine, parseRoute, replaceLine } from './route-text.ts'
import type { Program } from './run.ts'

/** `batch` is shared with others, and theirs to close. */
export function iproute2Routes(ip: Program, batch: Pick<Batch, 'run'>): RouteTable {
  return {
    read: () => readMain(ip),
    replace: (routes) => batch.run(routes.map(replaceLine)),
    remove: (routes) => batch.run(routes.map(deleteLine)),
    close: () => Promise.resolve(),
  }
}

async function* readMain(ip: Program): AsyncGenerator<readonly PrintedRoute[]> {
  for (const family of ['-4', '-6']) {
    for await (const lines of ip.lines('-N', '-o', '-d', family, 'route', 'show', 'table', 'main'))
      yield lines.map(parseRoute).filter((printed) => printed !== undefined)
  }
}
