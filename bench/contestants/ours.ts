// Our agent, with a directory of manifests as datastore, or etcd.

import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { stringify } from 'yaml'
import type { Document, ResourceKind } from '../../src/cluster/feed.ts'
import { ASN, type Contestant, type Setup } from '../contestant.ts'
import { POOL } from '../updates.ts'

const build = join(import.meta.dirname, '../../scripts/build.ts')
const bundle = join(import.meta.dirname, '../../.cache/bundle')

/** Name of the node that is measured. */
const NODE = 'node'

export const ours: Contestant = {
  name: 'Caracal',
  routes: true,
  reflects: true,
  prepare: () => execFileSync(process.execPath, [build, bundle]), // as in the image
  files: (setup) => ({
    'store/cluster.yaml': clusterDocuments(setup)
      .map((one) => stringify(one))
      .join('---\n'),
  }),
  programs: () => [[process.execPath, join(bundle, 'main.js'), 'run']],
  environment: ({ directory, role }) => ({
    NODE_OPTIONS: '--max-semi-space-size=8 --v8-pool-size=1 --expose-gc',
    NODENAME: NODE,
    CALICO_DATASTORE_PATH: join(directory, 'store'),
    DATASTORE_TYPE: 'file',
    CARACAL_ROUTE_WRITER: 'auto',
    CARACAL_SOCKET: join(directory, 'caracal.sock'),
    CARACAL_STATE_DIR: directory,
    NO_DEFAULT_POOLS: 'true',
    FELIX_ROUTESYNCDISABLED: `${role === 'reflector'}`,
  }),
  withEtcd: (url) => nodeOf(url),
}

/** The same with routes by ip(8). */
export const byIproute2: Contestant = {
  ...ours,
  name: 'Caracal (iproute2)',
  reflects: false,
  environment: (setup) => ({ ...ours.environment!(setup), CARACAL_ROUTE_WRITER: 'iproute2' }),
}

/** A node of the cluster whose documents are in etcd. */
export function nodeOf(url: string, name = NODE): Contestant {
  return {
    ...ours,
    name: `${ours.name} on ${name}`,
    files: () => ({}),
    environment: (setup) => ({
      ...ours.environment!(setup),
      NODENAME: name,
      DATASTORE_TYPE: 'etcdv3',
      ETCD_ENDPOINTS: url,
    }),
  }
}

/** The same with more options for Node. */
export function withOptions(contestant: Contestant, options: string): Contestant {
  return {
    ...contestant,
    environment(setup) {
      const environment = contestant.environment!(setup)
      return { ...environment, NODE_OPTIONS: `${environment.NODE_OPTIONS} ${options}` }
    },
  }
}

/** The same, and what takes its processor time goes to a directory: https://nodejs.org/api/cli.html#--cpu-prof */
export function profiled(contestant: Contestant, directory: string): Contestant {
  return {
    ...withOptions(contestant, `--cpu-prof --cpu-prof-dir=${directory}`),
    endsByItself: true,
    withEtcd: (url) => profiled(contestant.withEtcd!(url), directory),
  }
}

/** A mesh, or a reflector and its clients. The others announce blocks of a pool, as nodes do. */
export function clusterDocuments({
  address,
  clients,
  role,
}: Pick<Setup, 'address' | 'clients' | 'role'>): Document[] {
  const isReflector = role === 'reflector'
  const node = (name: string, at: string, bgp: object = {}, labels: Document['metadata']['labels'] = {}) =>
    document('Node', name, { bgp: { ipv4Address: `${at}/16`, ...bgp } }, labels)
  const reflects = { routeReflectorClusterID: '244.0.0.1' }
  return [
    document('ClusterInformation', 'default', { datastoreReady: true }),
    document('BGPConfiguration', 'default', { asNumber: ASN, nodeToNodeMeshEnabled: !isReflector }),
    document('IPPool', 'default', { cidr: POOL, blockSize: 26, ipipMode: 'Never', vxlanMode: 'Never' }),
    isReflector ? node(NODE, address, reflects, { reflects: 'yes' }) : node(NODE, address),
    ...clients.map((client, i) => node(`peer-${i}`, client)),
    ...(isReflector
      ? [document('BGPPeer', 'reflectors', { nodeSelector: 'all()', peerSelector: "reflects == 'yes'" })]
      : []),
  ]
}

function document(
  kind: ResourceKind,
  name: string,
  spec: object,
  labels: Document['metadata']['labels'] = {},
): Document {
  return { apiVersion: 'projectcalico.org/v3', kind, metadata: { name, labels }, spec }
}
