// What every cluster has beside nodes and pools (Calico libcalico-go/lib/clientv3/client.go, ensureClusterInformation;
// node/pkg/lifecycle/startup/startup.go, ensureDefaultConfig).

import { type Document, newDocument } from '../cluster/feed.ts'
import { same } from '../cluster/same.ts'
import type { Settings } from '../config/settings.ts'
import type { RandomBytes } from './pools.ts'

type DatastoreType = Settings['datastoreType']

/** The release whose behaviour this agent has; calicoctl compares it with its own. */
const CALICO_VERSION = 'v3.33.0'

interface Information {
  readonly clusterGUID?: string
  readonly clusterType?: string
  readonly calicoVersion?: string
  readonly datastoreReady?: boolean
}

/**
 * Fills in what is missing, and changes nothing that is there: above all not a `datastoreReady: false`. The document that
 * was given, when nothing is missing.
 */
export function clusterInformation(
  stored: Document | undefined,
  clusterTypes: readonly (string | undefined)[],
  random: RandomBytes,
): Document {
  const before = (stored?.spec ?? {}) as Information
  const types = mergedTypes(before.clusterType, ...clusterTypes)
  const spec: Information = {
    ...before,
    clusterGUID: before.clusterGUID || hex(random(16)),
    ...(types && { clusterType: types }),
    calicoVersion: before.calicoVersion || CALICO_VERSION,
    datastoreReady: before.datastoreReady ?? true,
  }
  if (stored && same(before, spec)) return stored
  return { ...newDocument('ClusterInformation', 'default', spec), ...stored, spec }
}

function hex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** Each is a list of words with commas; no word comes twice. */
function mergedTypes(...lists: readonly (string | undefined)[]): string {
  const words = lists.flatMap((list = '') => list.split(',')).map((word) => word.trim())
  return [...new Set(words.filter((word) => word !== ''))].join(',')
}

/** Defaults that Calico's client puts into every FelixConfiguration it makes. */
const felixDefaults = {
  nftablesMode: 'Auto',
  nftablesFlowTableOffload: 'Disabled',
  bpfLogLevel: '',
  bpfConnectTimeLoadBalancing: 'TCP',
  bpfHostNetworkedNATWithoutCTLB: 'Enabled',
  floatingIPs: 'Disabled',
}

/**
 * Made where they are absent, for Calico's own components beside us; in Kubernetes only the first of them.
 * IPAMConfiguration is not among them: with etcd nobody reads it. Nor is the directory of the `file` datastore given any:
 * there people write their own, and the one whose file comes first would count.
 */
export function configurations(type: DatastoreType, nodename: string): readonly Document[] {
  return { file: [], kubernetes: [felixConfiguration], etcdv3: [felixConfiguration, ...ofEtcd(nodename)] }[
    type
  ]
}

const felixConfiguration = newDocument('FelixConfiguration', 'default', {
  logSeverityScreen: 'Info',
  reportingInterval: '0s',
  ...felixDefaults,
})

function ofEtcd(nodename: string): readonly Document[] {
  return [
    newDocument('FelixConfiguration', `node.${nodename}`, {
      defaultEndpointToHostAction: 'Return',
      ...felixDefaults,
    }),
    newDocument('BGPConfiguration', 'default', {
      logSeverityScreen: 'Info',
      serviceLoadBalancerAggregation: 'Enabled',
    }),
  ]
}
