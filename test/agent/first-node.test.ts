// The first node of a Kubernetes cluster, with Calico's defaults, against what calico-node left in a recording: the same
// objects with the same fields, in either layout of the CRDs. What differs between etcd and Kubernetes is listed here.

import t, { type Test } from 'tap'
import { documentFromEtcd } from '../../src/cluster/etcd-keys.ts'
import type { Datastore, Document, ResourceKind } from '../../src/cluster/feed.ts'
import { parseJson, printJson } from '../../src/cluster/json.ts'
import { kubernetesDatastore } from '../../src/edge/datastore/kubernetes/index.ts'
import { nodeObject } from '../kit/datastore/kubernetes.ts'
import { startNode } from '../kit/kubernetes/node.ts'
import type { Layout } from '../kit/kubernetes/resources.ts'
import { startKubernetes, TOKEN } from '../kit/kubernetes/server.ts'
import { recordings } from '../kit/recordings.ts'
import { interfaces } from '../kit/startup.ts'
import { until } from '../kit/until.ts'

const environment = {
  IP: 'autodetect',
  CLUSTER_TYPE: 'bgp',
  FELIX_IPV6SUPPORT: 'true',
  CALICO_IPV4POOL_CIDR: '10.244.0.0/16',
  CALICO_IPV4POOL_IPIP: 'Always',
  CALICO_IPV6POOL_CIDR: 'fdf8:85a0:9044::/48', // a random one there
}

/** What calico-node writes in each datastore. In etcd also IPAMConfiguration, which IPAM does not read there. */
const kinds: readonly ResourceKind[] = [
  'Node',
  'IPPool',
  'ClusterInformation',
  'FelixConfiguration',
  'BGPConfiguration',
  'IPAMBlock',
  'BlockAffinity',
  'IPAMHandle',
]

/** Written in etcd only (Calico node/pkg/lifecycle/startup, ensureDefaultConfig). */
const etcdOnly: ReadonlySet<string> = new Set(['FelixConfiguration/node.node-a', 'BGPConfiguration/default'])

type Fields = Readonly<Record<string, unknown>>

/** Fields that differ from run to run, of which it counts that they are there, and those that one datastore has alone. */
const alike: Partial<Record<ResourceKind, (spec: Fields) => Fields>> = {
  Node: ({ bgp, interfaces }) => ({ bgp, interfaces }),
  ClusterInformation: ({ clusterGUID, calicoVersion, clusterType, ...rest }) => ({
    ...rest,
    clusterType: String(clusterType).replace(/,kdd$/, ''),
    isThere: [clusterGUID !== undefined, calicoVersion !== undefined],
  }),
  IPAMBlock: ({ affinityClaimTime, sequenceNumber, sequenceNumberForAllocation, ...rest }) => ({
    strictAffinity: false, // the schema of the CRD asks for it
    ...rest,
    isThere: [affinityClaimTime !== undefined, typeof sequenceNumber],
    numbered: Object.keys(sequenceNumberForAllocation as object),
  }),
}

/** Specs by identity. */
function essence(documents: readonly Document[]): Record<string, unknown> {
  return Object.fromEntries(
    documents
      .filter(({ kind }) => kinds.includes(kind))
      .map(({ kind, metadata, spec }): [string, unknown] => [
        `${kind}/${metadata.name}`,
        (alike[kind] ?? ((fields) => fields))(spec as Fields),
      ])
      .filter(([id]) => !etcdOnly.has(id)),
  )
}

/** After start-up and tunnel address of node-a, with the first block of the pool in place of the one chance has chosen. */
function recorded(): Record<string, unknown> {
  const { kvs } = recordings.find(({ name }) => name.startsWith('02'))!
  const documents = kvs.flatMap(({ key, value }) => documentFromEtcd(key, value, '1') ?? [])
  const first = printJson(documents)
    .replaceAll('10.244.174.128', '10.244.0.0')
    .replaceAll('10-244-174-128', '10-244-0-0')
  return essence(parseJson(first) as Document[])
}

async function stored(t: Test, layout: Layout): Promise<Record<string, unknown>> {
  const server = await startKubernetes(t, { layouts: [layout] })
  server.put('nodes', nodeObject('node-a'))
  await startNode(t, server, environment, interfaces('1 lo 127.0.0.1/8', '2 eth0 172.20.0.11/24'))
  const address = 'projectcalico.org/IPv4IPIPTunnelAddr'
  const node = () => server.store.get(server.resource('nodes'), 'node-a')!
  await until('the tunnel has its address', () => address in (node().metadata.annotations ?? {}))
  const store: Datastore = kubernetesDatastore({ kubeconfig: await server.kubeconfig(TOKEN) })
  t.teardown(() => store.close())
  return essence((await Promise.all(kinds.map((kind) => store.list(kind)))).flat())
}

for (const layout of ['crd', 'native'] as const)
  t.test(`the first node leaves what calico-node left: ${layout} layout`, async (t) => {
    t.equal(Object.keys(recorded()).length, 8)
    t.strictSame(await stored(t, layout), recorded())
  })
