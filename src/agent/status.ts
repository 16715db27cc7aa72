// What `agent status` answers: what each part of the agent has to say of itself.

import type { ClusterView } from '../cluster/view.ts'
import { version } from '../config/version.ts'
import type { AgentStatus } from '../edge/control/api.ts'
import { kernelStatus } from '../edge/control/status.ts'
import type { Plan } from '../plan/plan.ts'
import type { Dataplane } from './dataplane.ts'
import type { Feeds } from './feeds.ts'
import type { LiveSettings } from './live-settings.ts'
import type { OwnResources } from './own-resources.ts'
import type { Peering } from './peering.ts'

export interface StatusParts {
  readonly live: Pick<LiveSettings, 'values' | 'warnings'>
  readonly view: Pick<ClusterView, 'problems'>
  readonly feeds: Pick<Feeds, 'intake' | 'services'>
  readonly own: Pick<OwnResources, 'startup' | 'tunnelAddresses'>
  readonly plan: Pick<Plan, 'warnings'>
  readonly peering: Pick<Peering, 'status'>
  readonly dataplane: Pick<Dataplane, 'kernel'>
}

/** `startedAt`: milliseconds since 1970. */
export function agentStatus(parts: StatusParts, startedAt: number): AgentStatus {
  const { live, view, feeds, own, plan, peering } = parts
  const { nodename, networkingBackend, datastoreType } = live.values
  const { intake, services } = feeds
  const { kernel } = parts.dataplane
  const startup = own.startup.view()
  return {
    node: nodename,
    version,
    pid: process.pid,
    startedAt,
    backend: networkingBackend,
    datastore: { type: datastoreType, ...intake.state, problems: view.problems.list() },
    startup: startup.status,
    bgp: peering.status(networkingBackend),
    kernel: kernel.views().map(kernelStatus),
    frozenPolicy: kernel.nat.frozenPolicy,
    warnings: [intake, startup, services, own.tunnelAddresses, plan, live].flatMap(
      ({ warnings }) => warnings,
    ),
  }
}
