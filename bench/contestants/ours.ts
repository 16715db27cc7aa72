// Our agent, with a directory of manifests as datastore.

import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { ASN, type Contestant, type Running, type Setup } from '../contestant.ts'
import { POOL } from '../updates.ts'

const build = join(import.meta.dirname, '../../scripts/build.ts')
const bundle = join(import.meta.dirname, '../../.cache/bundle')

export const ours: Contestant = {
  name: 'Caracal',
  routes: true,
  prepare: () => execFileSync(process.execPath, [build, bundle]), // as in the image
  files: (setup) => ({ 'store/cluster.yaml': documents(setup) }),
  programs: () => [[process.execPath, join(bundle, 'main.js'), 'run']],
  environment: ({ directory, role }) => ({
    NODE_OPTIONS: '--max-semi-space-size=4',
    NODENAME: 'node',
    CALICO_DATASTORE_PATH: join(directory, 'store'),
    DATASTORE_TYPE: 'file',
    CARACAL_ROUTE_WRITER: 'auto',
    CARACAL_SOCKET: join(directory, 'caracal.sock'),
    CARACAL_STATE_DIR: directory,
    NO_DEFAULT_POOLS: 'true',
    FELIX_ROUTESYNCDISABLED: `${role === 'reflector'}`,
  }),
}

/** The same with routes by ip(8). */
export const byIproute2: Contestant = {
  ...ours,
  name: 'Caracal (iproute2)',
  environment: (setup) => ({ ...ours.environment!(setup), CARACAL_ROUTE_WRITER: 'iproute2' }),
}

/** Another node of the same cluster: it reads the same directory. */
export function nodeBeside({ directory }: Running, name: string): Contestant {
  return {
    ...ours,
    name: `${ours.name} on ${name}`,
    files: () => ({}),
    environment: (setup) => ({
      ...ours.environment!(setup),
      NODENAME: name,
      CALICO_DATASTORE_PATH: join(directory, 'store'),
    }),
  }
}

/** A mesh, or a reflector and its clients. The others announce blocks of a pool, as nodes do. */
function documents({ address, clients, role }: Setup): string {
  const isReflector = role === 'reflector'
  const node = (name: string, at: string, bgp: object = {}, labels: object = {}) =>
    document('Node', name, { bgp: { ipv4Address: `${at}/16`, ...bgp } }, labels)
  const reflects = { routeReflectorClusterID: '244.0.0.1' }
  return [
    document('ClusterInformation', 'default', { datastoreReady: true }),
    document('BGPConfiguration', 'default', { asNumber: ASN, nodeToNodeMeshEnabled: !isReflector }),
    document('IPPool', 'default', { cidr: POOL, blockSize: 26, ipipMode: 'Never', vxlanMode: 'Never' }),
    isReflector ? node('node', address, reflects, { reflects: 'yes' }) : node('node', address),
    ...clients.map((client, i) => node(`peer-${i}`, client)),
    ...(isReflector
      ? [document('BGPPeer', 'reflectors', { nodeSelector: 'all()', peerSelector: "reflects == 'yes'" })]
      : []),
  ].join('---\n')
}

function document(kind: string, name: string, spec: object, labels: object = {}): string {
  return stringify({ apiVersion: 'projectcalico.org/v3', kind, metadata: { name, labels }, spec })
}
