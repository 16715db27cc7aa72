// Metrics for Prometheus: what `agent status` counts, as time series.
//
// All labels come from lists that are fixed in the program, so the number of series does not grow with the cluster: a peer,
// a route or a pod never has one of its own. What a series means is its help text.

import type { PeerKind, SessionState } from '../bgp/types.ts'
import type { AgentStatus } from '../edge/control/api.ts'
import type { Page } from '../edge/observe/pages.ts'
import type { Cause, ReconcilerView } from '../reconcile/reconciler.ts'

/** What is counted, at one moment. */
export interface Measured {
  readonly status: Pick<AgentStatus, 'version' | 'datastore' | 'bgp' | 'warnings'>
  readonly kernel: readonly ReconcilerView[]
  /** BGP connections since the start, by what became of them. */
  readonly connections: Readonly<Record<string, number>>
  /** Times that contact with the datastore was lost. */
  readonly contactsLost: number
  /** Events of Kubernetes since the start, by what became of them. */
  readonly events: Readonly<Record<string, number>>
  readonly isReady: boolean
  /** Milliseconds since 1970. */
  readonly now: number
}

type Labels = Readonly<Record<string, string>>
type Sample = readonly [labels: Labels, value: number]

interface Metric {
  readonly name: `caracal_${string}`
  readonly help: string
  readonly labels?: readonly string[]
  readonly samples: (measured: Measured) => readonly Sample[]
}

const STATES: readonly SessionState[] = [
  'Idle',
  'Connect',
  'Active',
  'OpenSent',
  'OpenConfirm',
  'Established',
  'Passive',
]
const KINDS: readonly PeerKind[] = ['mesh', 'global', 'node', 'workload']
const DATASTORE_STATES: readonly AgentStatus['datastore']['state'][] = ['waiting', 'synchronising', 'in-sync']

/** A name that ends in `_total` only grows; the others go up and down. */
export const metrics: readonly Metric[] = [
  {
    name: 'caracal_info',
    help: 'Always 1, for its label.',
    labels: ['version'],
    samples: ({ status }) => [[{ version: status.version }, 1]],
  },
  {
    name: 'caracal_ready',
    help: 'Whether what this node is to have is in force, as in /readiness.',
    samples: ({ isReady }) => one(Number(isReady)),
  },
  {
    name: 'caracal_warnings',
    help: 'Sentences under "Warnings" in `agent status`.',
    samples: ({ status }) => one(status.warnings.length),
  },
  {
    name: 'caracal_bgp_sessions',
    help: 'BGP sessions by type of peer and state (RFC 4271 §8.2.2; Passive: the peer is to dial).',
    labels: ['type', 'state'],
    samples: ({ status }) =>
      KINDS.flatMap((type) =>
        STATES.map((state) => [
          { type, state },
          status.bgp.peers.filter((peer) => peer.kind === type && peer.state === state).length,
        ]),
      ),
  },
  {
    name: 'caracal_bgp_routes_received',
    help: 'Routes that peers announce to us, by type of peer.',
    labels: ['type'],
    samples: ({ status }) => KINDS.map((type) => [{ type }, sumOf(status, type, 'received')]),
  },
  {
    name: 'caracal_bgp_routes_advertised',
    help: 'Routes that we announce to peers, by type of peer.',
    labels: ['type'],
    samples: ({ status }) => KINDS.map((type) => [{ type }, sumOf(status, type, 'advertised')]),
  },
  {
    name: 'caracal_bgp_connections_total',
    help: 'TCP connections of BGP: accepted, dialled, or dialled in vain (failed).',
    labels: ['outcome'],
    samples: ({ connections }) => labelled('outcome', connections),
  },
  {
    name: 'caracal_bgp_connections_refused_total',
    help: 'Connections that were made to port 179 and not taken.',
    labels: ['reason'],
    samples: ({ status }) => labelled('reason', status.bgp.refused),
  },
  {
    name: 'caracal_bgp_segments_dropped_total',
    help: 'TCP segments that the kernel dropped for their signature or TTL.',
    labels: ['reason'],
    samples: ({ status }) => labelled('reason', status.bgp.dropped),
  },
  kernelMetric(
    'caracal_kernel_wanted',
    'Objects of the kernel that the plan wants, by kind.',
    (v) => v.wanted,
  ),
  kernelMetric(
    'caracal_kernel_in_force',
    'Of these, those that the kernel holds as wanted.',
    (v) => v.inForce,
  ),
  kernelMetric('caracal_kernel_refused', 'Of these, those that the kernel refuses.', (v) => v.refused.length),
  {
    name: 'caracal_kernel_repairs_total',
    help: 'Objects put right after somebody else, or a change of their interface (device), had changed them.',
    labels: ['kind', 'cause'],
    samples: ({ kernel }) =>
      kernel.flatMap(({ name, repairs }) =>
        (Object.entries(repairs) as [Cause, number][]).map(
          ([cause, times]): Sample => [{ kind: name, cause }, times],
        ),
      ),
  },
  {
    name: 'caracal_datastore_state',
    help: '1 for the state in which the datastore is.',
    labels: ['state'],
    samples: ({ status }) =>
      DATASTORE_STATES.map((state) => [{ state }, Number(state === status.datastore.state)]),
  },
  {
    name: 'caracal_datastore_lag_seconds',
    help: 'For how long we may have missed what the datastore says; 0 while in sync.',
    samples: ({ status: { datastore }, now }) =>
      one(datastore.state === 'in-sync' ? 0 : (now - datastore.since) / 1_000),
  },
  {
    name: 'caracal_datastore_contacts_lost_total',
    help: 'Times that contact with the datastore was lost.',
    samples: ({ contactsLost }) => one(contactsLost),
  },
  {
    name: 'caracal_datastore_problems',
    help: 'Objects of the datastore that cannot be used, and other trouble with it.',
    samples: ({ status }) => one(status.datastore.problems.length),
  },
  {
    name: 'caracal_events_total',
    help: 'Events of Kubernetes about this node, by whether they could be written.',
    labels: ['outcome'],
    samples: ({ events }) => labelled('outcome', events),
  },
]

function kernelMetric(name: Metric['name'], help: string, value: (view: ReconcilerView) => number): Metric {
  const samples = ({ kernel }: Measured) => kernel.map((view): Sample => [{ kind: view.name }, value(view)])
  return { name, help, labels: ['kind'], samples }
}

function one(value: number): readonly Sample[] {
  return [[{}, value]]
}

function labelled(label: string, values: Readonly<Record<string, number>>): readonly Sample[] {
  return Object.entries(values).map(([of, value]) => [{ [label]: of }, value])
}

function sumOf({ bgp }: Measured['status'], type: PeerKind, field: 'received' | 'advertised'): number {
  return bgp.peers.reduce((sum, peer) => sum + (peer.kind === type ? peer[field] : 0), 0)
}

/**
 * The page Prometheus reads: the table above, and what prom-client says of any Node process (`process_…`, `nodejs_…`, the
 * lag of the event loop among them). Both are loaded when it is first asked for.
 */
export function metricsPage(measure: () => Measured): () => Promise<Page> {
  let registry: Promise<Registry> | undefined
  return async () => {
    registry ??= open(measure)
    const { contentType, metrics } = await registry
    return { status: 200, type: contentType, body: await metrics() }
  }
}

interface Registry {
  readonly contentType: string
  metrics(): Promise<string>
}

/** As much of a gauge or counter as is filled in. */
interface Series {
  reset(): void
  inc(labels: Labels, value: number): void
}

async function open(measure: () => Measured): Promise<Registry> {
  const { collectDefaultMetrics, Counter, Gauge, Registry } = await import('prom-client')
  const register = new Registry()
  let measured: Measured
  collectDefaultMetrics({ register })
  for (const { name, help, labels = [], samples } of metrics) {
    const Type = name.endsWith('_total') ? Counter : Gauge
    new Type({
      name,
      help,
      labelNames: [...labels],
      registers: [register],
      collect(this: Series) {
        this.reset()
        for (const [given, value] of samples(measured)) this.inc(given, value)
      },
    })
  }
  return {
    contentType: register.contentType,
    metrics() {
      measured = measure() // once, so that all series are of the same moment
      return register.metrics()
    },
  }
}
