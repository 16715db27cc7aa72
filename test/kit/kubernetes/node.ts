// A node without a kernel: all parts of the agent that write to the Kubernetes API, wired as the agent wires them, on a
// host that is told. And what it wrote.

import type { Test } from 'tap'
import { Intake } from '../../../src/agent/intake.ts'
import { kubernetesAccess } from '../../../src/agent/kubernetes-access.ts'
import { NetworkCondition } from '../../../src/agent/network-condition.ts'
import { Startup } from '../../../src/agent/startup.ts'
import { TunnelAddresses } from '../../../src/agent/tunnel-addresses.ts'
import { ClusterView } from '../../../src/cluster/view.ts'
import { apiClient } from '../../../src/edge/datastore/kubernetes/client.ts'
import { feedTiming } from '../../../src/edge/datastore/kubernetes/feed.ts'
import { kubernetesDatastore } from '../../../src/edge/datastore/kubernetes/index.ts'
import type { Interface } from '../../../src/startup/host.ts'
import { FakeClock } from '../reconciler.ts'
import { sameBytes, settingsOf } from '../startup.ts'
import { type Call, type KubernetesServer, TOKEN } from './server.ts'

export interface TestNode {
  readonly clock: FakeClock
  readonly startup: Startup
  /** What it has been told. */
  readonly view: ClusterView
  interfaces(interfaces: readonly Interface[]): void
  /** Ends it as SIGTERM does. */
  stop(): Promise<void>
}

const quiet = { info: () => {}, warn: () => {} }

/** Starts a node whose routes are always in place. */
export async function startNode(
  t: Test,
  server: KubernetesServer,
  environment: Readonly<Record<string, string>>,
  interfaces: readonly Interface[],
): Promise<TestNode> {
  const given = {
    DATASTORE_TYPE: 'kubernetes',
    ETCD_ENDPOINTS: '',
    FELIX_IPV6SUPPORT: 'false',
    ...environment,
  }
  const { values: settings, problems } = settingsOf(given)
  const { nodename } = settings
  const client = apiClient({ kubeconfig: await server.kubeconfig(TOKEN) })
  const datastore = kubernetesDatastore({ nodename }, { ...feedTiming, relist: 10 }, client)
  const access = kubernetesAccess(client, settings)
  const clock = new FakeClock()
  const view = new ClusterView()
  const startup = new Startup({
    datastore,
    settings: () => ({ values: settings, problems }),
    host: {
      addressTowards: async () => undefined,
      hasIpv6: () => true,
      recordNodename: async () => {},
      randomBytes: sameBytes,
    },
    kubernetes: access,
    onDone: () => condition.settle(),
    clock,
    log: quiet,
  })
  const addresses = new TunnelAddresses({
    datastore,
    view,
    nodename,
    usePodCidr: false,
    formerPools: () => [],
    clock,
    isPrepared: () => startup.view().status.state === 'done',
    now: () => BigInt(Date.now()) * 1_000_000n,
    log: quiet,
  })
  const condition = new NetworkCondition({
    set: (one) => access.setCondition(nodename, one),
    isBegun: () => startup.view().status.state === 'done',
    isWhole: () => true,
    recordShutdown: async () => {},
    clock,
    now: Date.now,
    log: quiet,
  })
  const intake = new Intake({
    view,
    clock,
    now: Date.now,
    log: quiet,
    onChange(change) {
      startup.changed(change)
      addresses.changed(change)
    },
    onInput: () => addresses.prepared(),
    onState() {
      startup.allow(intake.isReady)
      addresses.allow(intake.isReady)
    },
    onPartial: () => {},
  })
  startup.interfaces(interfaces)
  datastore.watch(intake)
  let isOver = false

  async function stop(): Promise<void> {
    if (isOver) return
    isOver = true
    for (const part of [intake, startup, addresses]) part.stop()
    await condition.stop()
    await datastore.close()
    client.close()
  }
  t.teardown(stop)
  return { clock, startup, view, interfaces: (list) => startup.interfaces(list), stop }
}

const writing: ReadonlySet<string> = new Set(['create', 'update', 'patch', 'delete'])

/** `create ippools`, `patch nodes/node-a/status`, and what was sent. */
export interface Write {
  readonly what: string
  readonly body: unknown
}

/** The writes among calls, without what differs from run to run. */
export function writesOf(calls: readonly Call[]): Write[] {
  return calls
    .filter(({ verb }) => writing.has(verb))
    .map(({ verb, path, body }) => ({
      what: `${verb} ${path.replace(/^\/api(s\/[^/]+)?\/v\d\//, '')}`,
      body: equalised(body),
    }))
}

/** Times and numbers; and the copy of its metadata that Calico keeps in each object of the classical group. */
const changing: ReadonlySet<string> = new Set([
  'projectcalico.org/metadata',
  'uid',
  'resourceVersion',
  'creationTimestamp',
  'generation',
  'sequenceNumber',
  'affinityClaimTime',
  'lastHeartbeatTime',
  'lastTransitionTime',
])

const metadata: ReadonlySet<string> = new Set(['labels', 'annotations', 'metadata'])

function equalised(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(equalised)
  if (typeof value !== 'object' || value === null) return value
  const kept = Object.entries(value)
    .filter(([name]) => !changing.has(name))
    .map(([name, part]) => [name, typeof part === 'bigint' ? 'a number' : equalised(part)] as const)
    .filter(([name, part]) => !(metadata.has(name) && Object.keys(part as object).length === 0))
  return Object.fromEntries(kept)
}
