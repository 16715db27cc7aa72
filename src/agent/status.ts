// What `agent status` answers: what each part of the agent has to say of itself.

import type { ClusterView } from '../cluster/view.ts'
import { version } from '../config/version.ts'
import type { AgentStatus } from '../edge/control/api.ts'
import { kernelStatus } from '../edge/control/status.ts'
import type { Kernel } from '../edge/kernel/kernel.ts'
import type { Plan } from '../plan/plan.ts'
import type { Intake } from './intake.ts'
import type { LiveSettings } from './live-settings.ts'
import type { Peering } from './peering.ts'
import type { Services } from './services.ts'
import type { Startup } from './startup.ts'
import type { TunnelAddresses } from './tunnel-addresses.ts'

export interface StatusParts {
  /** Milliseconds since 1970. */
  readonly startedAt: number
  readonly live: Pick<LiveSettings, 'values' | 'warnings'>
  readonly view: Pick<ClusterView, 'problems'>
  readonly intake: Pick<Intake, 'state' | 'warnings'>
  readonly startup: Pick<Startup, 'view'>
  readonly services: Pick<Services, 'warnings'>
  readonly tunnelAddresses: Pick<TunnelAddresses, 'warnings'>
  readonly plan: Pick<Plan, 'warnings'>
  readonly peering: Pick<Peering, 'status'>
  readonly kernel: Pick<Kernel, 'views' | 'nat'>
}

export function agentStatus(parts: StatusParts): AgentStatus {
  const { startedAt, live, view, intake, services, tunnelAddresses, plan, peering, kernel } = parts
  const { nodename, networkingBackend, datastoreType } = live.values
  const startup = parts.startup.view()
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
    warnings: [intake, startup, services, tunnelAddresses, plan, live].flatMap(({ warnings }) => warnings),
  }
}
