// Which way tracked connections are forgotten: ctnetlink where it can be had, else conntrack(8).

import { familyOf } from '../../inet/address.ts'
import type { ConnectionTable } from './conntrack.ts'
import { ctnetlink } from './ctnetlink.ts'
import { cureFor } from './cures.ts'
import type { RouteWriter } from './open-route-table.ts'
import type { CommandError, Program } from './run.ts'

/** As routes go: by netlink, or by programs. `namespace` as in `ip netns`; for tests. */
export function openConnections(
  writer: RouteWriter,
  conntrack: Program,
  namespace?: string,
): ConnectionTable {
  if (writer === 'iproute2') return byProgram(conntrack)
  try {
    return ctnetlink(namespace)
  } catch {
    return byProgram(conntrack) // which says what is missing, when it comes to that
  }
}

/** A process for each question; to start one holds up everything else for some milliseconds. */
export function byProgram(conntrack: Program): ConnectionTable {
  return {
    forget: (address, direction) =>
      conntrack.text('--family', familyOf(address), '--delete', `--${direction}-src`, address).then(
        () => undefined,
        ({ stderr }: CommandError) =>
          stderr.includes(' 0 flow entries') ? undefined : cureFor(conntrack.name, stderr),
      ),
    close: () => {},
  }
}
