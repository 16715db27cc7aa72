// What this node writes to the datastore about itself: its Node and what an empty cluster lacks, the addresses of its
// tunnels, and the statuses that are asked for.

import type { Datastore } from '../cluster/feed.ts'
import type { Change, ClusterView } from '../cluster/view.ts'
import { systemHost } from '../edge/host/index.ts'
import type { Log } from '../edge/observe/log.ts'
import type { TimerClock } from '../reconcile/clock.ts'
import type { LiveSettings } from './live-settings.ts'
import { NodeStatuses, type NodeStatusesOptions } from './node-statuses.ts'
import { Startup, type StartupOptions } from './startup.ts'
import { TunnelAddresses, type TunnelAddressesOptions } from './tunnel-addresses.ts'

export interface OwnResourcesOptions {
  readonly datastore: Datastore
  readonly view: ClusterView
  readonly live: Pick<LiveSettings, 'values' | 'resolved'>
  readonly kubernetes: StartupOptions['kubernetes']
  readonly formerPools: TunnelAddressesOptions['formerPools']
  readonly isPrepared: TunnelAddressesOptions['isPrepared']
  readonly report: NodeStatusesOptions['report']
  /** The Node is as it should be, anew. */
  onRegistered(): void
  readonly clock: TimerClock
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly log: Log
}

export interface OwnResources {
  readonly startup: Startup
  readonly tunnelAddresses: TunnelAddresses
  /** Whether the datastore is in sync and ready. Otherwise nothing is written. */
  allow(isAllowed: boolean): void
  /** Something in the cluster is different, and the plan has been told. */
  changed(change: Change): void
  stop(): void
}

export function ownResources(options: OwnResourcesOptions): OwnResources {
  const { live, now, onRegistered, ...given } = options
  const { nodename, usePodCidr } = live.values
  const startup = new Startup({
    ...given,
    settings: () => live.resolved,
    host: systemHost,
    onDone: onRegistered,
  })
  const tunnelAddresses = new TunnelAddresses({
    ...given,
    nodename,
    usePodCidr,
    now: () => BigInt(now()) * 1_000_000n,
  })
  const statuses = new NodeStatuses({ ...given, nodename, now })
  return {
    startup,
    tunnelAddresses,
    allow(isAllowed) {
      startup.allow(isAllowed)
      tunnelAddresses.allow(isAllowed)
    },
    changed(change) {
      for (const part of [startup, tunnelAddresses, statuses]) part.changed(change)
    },
    stop() {
      for (const part of [startup, tunnelAddresses, statuses]) part.stop()
    },
  }
}
