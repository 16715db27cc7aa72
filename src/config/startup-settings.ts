// The settings of node start-up: what this node writes about itself, and the pools it makes in an empty cluster.
// Names and defaults are those of calico-node (Calico node/pkg/lifecycle/startup/startup.go).

import { row, type Setting } from './setting.ts'
import {
  asn,
  detectionMethod,
  firstFound,
  goDuration,
  nodeAddress,
  poolCidr,
  unlessFalse,
} from './startup-types.ts'
import { absolutePath, bool, choice, integer, nodeName, text, words } from './types.ts'

const mode = choice<'Never' | 'Always' | 'CrossSubnet'>(words('Never', 'Always', 'CrossSubnet'), {
  aliases: { off: 'Never', 'cross-subnet': 'CrossSubnet' },
})

export const startupSettings = {
  ip: row({
    environment: ['IP'],
    type: nodeAddress('ipv4'),
    default: undefined,
    defaultText: 'what the Node resource says, else `autodetect`',
    live: false,
    meaning:
      'IPv4 address of this node. Without a length it gets that of the interface which holds it. `none`: nothing is looked for.',
  }),
  ip6: row({
    environment: ['IP6'],
    type: nodeAddress('ipv6'),
    default: undefined,
    defaultText: 'what the Node resource says',
    live: false,
    meaning: 'IPv6 address of this node. Without a length it is a /128. `none`: nothing is looked for.',
  }),
  ipMethod: row({
    environment: ['IP_AUTODETECTION_METHOD'],
    type: detectionMethod,
    default: firstFound,
    live: false,
    meaning:
      'How the IPv4 address is found. Regexes match parts of names: `interface=^eth1$` means eth1 alone.',
  }),
  ip6Method: row({
    environment: ['IP6_AUTODETECTION_METHOD'],
    type: detectionMethod,
    default: firstFound,
    live: false,
    meaning: 'How the IPv6 address is found.',
  }),
  autodetectPollMs: row({
    environment: ['AUTODETECT_POLL_INTERVAL'],
    type: goDuration,
    default: 60_000,
    live: false,
    meaning: 'How often the addresses are looked at again, besides whenever interfaces change.',
  }),
  disableNodeIpCheck: row({
    environment: ['DISABLE_NODE_IP_CHECK'],
    type: bool,
    default: false,
    live: false,
    meaning: 'Whether an address that another node has may be taken.',
  }),
  asn: row({
    environment: ['AS'],
    type: asn,
    default: undefined,
    defaultText: 'what the Node resource says, else that of the cluster',
    live: false,
    meaning: 'AS number of this node.',
  }),
  k8sNodeRef: row<string | undefined>({
    environment: ['CALICO_K8S_NODE_REF'],
    type: nodeName,
    default: undefined,
    live: false,
    meaning: 'Name of the Kubernetes node, noted in the Node resource.',
  }),
  clusterType: row({
    environment: ['CLUSTER_TYPE'],
    type: text,
    default: undefined,
    live: false,
    meaning: 'Words that ClusterInformation says of the cluster, separated by commas.',
  }),
  nodenameFile: row({
    environment: ['CALICO_NODENAME_FILE'],
    type: absolutePath,
    default: '/var/lib/calico/nodename',
    derived: ({ environment: { CARACAL_STATE_DIR: directory } }) =>
      directory ? { value: `${directory}/nodename`, source: 'implied by CARACAL_STATE_DIR' } : undefined,
    defaultText: '`nodename` in CARACAL_STATE_DIR',
    live: false,
    meaning: 'File for the name of this node, for which the CNI plugin waits.',
  }),
  shutdownFile: row({
    environment: ['CALICO_SHUTDOWN_TIMESTAMP_FILE'],
    type: absolutePath,
    default: '/var/lib/calico/shutdownTS',
    derived: ({ environment: { CARACAL_STATE_DIR: directory } }) =>
      directory ? { value: `${directory}/shutdownTS`, source: 'implied by CARACAL_STATE_DIR' } : undefined,
    defaultText: '`shutdownTS` in CARACAL_STATE_DIR',
    live: false,
    meaning: 'File for the time at which this agent stopped; it is there while none runs.',
  }),

  manageCni: row({
    environment: ['CALICO_MANAGE_CNI'],
    type: bool,
    default: true,
    live: false,
    meaning: "Whether the CNI plugin's credentials for the Kubernetes API are made and renewed.",
  }),
  cniServiceAccount: row({
    environment: ['CALICO_CNI_SERVICE_ACCOUNT'],
    type: nodeName,
    default: 'calico-cni-plugin',
    live: false,
    meaning: 'Service account, in the namespace of ours, as which the CNI plugin uses the Kubernetes API.',
  }),
  cniTokenRefreshMs: row({
    environment: ['CNI_TOKEN_REFRESH_INTERVAL'],
    type: goDuration,
    default: 0,
    defaultText: 'a quarter of the time that the token is valid',
    live: false,
    meaning: 'How often it gets a new token; up to as long again passes by chance.',
  }),
  cniKubeconfig: row({
    environment: ['CARACAL_CNI_KUBECONFIG'],
    type: absolutePath,
    default: '/host/etc/cni/net.d/calico-kubeconfig',
    live: false,
    meaning: 'Where these credentials are written, if the directory is there.',
  }),

  noDefaultPools: row({
    environment: ['NO_DEFAULT_POOLS'],
    type: bool,
    default: false,
    live: false,
    meaning: 'Whether a cluster without pools is left without.',
  }),
  ipv4PoolCidr: row({
    environment: ['CALICO_IPV4POOL_CIDR'],
    type: poolCidr('ipv4'),
    default: undefined,
    defaultText:
      '`192.168.0.0/16`, or the first of `172.16.0.0/16` to `172.31.0.0/16` that holds no address of the host',
    live: false,
    meaning: 'CIDR of the IPv4 pool that is made when there is none.',
  }),
  ipv4PoolBlockSize: row({
    environment: ['CALICO_IPV4POOL_BLOCK_SIZE'],
    type: integer(20, 32),
    default: 26,
    live: false,
    meaning: 'Prefix length of its blocks.',
  }),
  ipv4PoolIpip: poolMode('CALICO_IPV4POOL_IPIP', 'When its packets travel in IPIP.'),
  ipv4PoolVxlan: poolMode('CALICO_IPV4POOL_VXLAN', 'When its packets travel in VXLAN.'),
  ipv4PoolNatOutgoing: poolFlag(
    'CALICO_IPV4POOL_NAT_OUTGOING',
    true,
    'Whether its pods reach the world under the address of their node.',
  ),
  ipv4PoolNodeSelector: poolSelector('CALICO_IPV4POOL_NODE_SELECTOR'),
  ipv4PoolDisableBgpExport: poolFlag(
    'CALICO_IPV4POOL_DISABLE_BGP_EXPORT',
    false,
    'Whether its routes stay inside the cluster.',
  ),
  ipv6PoolCidr: row({
    environment: ['CALICO_IPV6POOL_CIDR'],
    type: poolCidr('ipv6'),
    default: undefined,
    defaultText: 'a random /48 of `fd00::/8`',
    live: false,
    meaning: 'CIDR of the IPv6 pool that is made when there is none and IPv6 is in use.',
  }),
  ipv6PoolBlockSize: row({
    environment: ['CALICO_IPV6POOL_BLOCK_SIZE'],
    type: integer(116, 128),
    default: 122,
    live: false,
    meaning: 'Prefix length of its blocks.',
  }),
  ipv6PoolVxlan: poolMode('CALICO_IPV6POOL_VXLAN', 'When its packets travel in VXLAN.'),
  ipv6PoolNatOutgoing: poolFlag(
    'CALICO_IPV6POOL_NAT_OUTGOING',
    false,
    'Whether its pods reach the world under the address of their node.',
  ),
  ipv6PoolNodeSelector: poolSelector('CALICO_IPV6POOL_NODE_SELECTOR'),
  ipv6PoolDisableBgpExport: poolFlag(
    'CALICO_IPV6POOL_DISABLE_BGP_EXPORT',
    false,
    'Whether its routes stay inside the cluster.',
  ),
}

/** What is said with these lasts no longer than the process. */
const ofLesserConcern: ReadonlySet<string> = new Set([
  'AUTODETECT_POLL_INTERVAL',
  'CALICO_SHUTDOWN_TIMESTAMP_FILE',
  'CALICO_MANAGE_CNI',
  'CALICO_CNI_SERVICE_ACCOUNT',
  'CNI_TOKEN_REFRESH_INTERVAL',
  'CARACAL_CNI_KUBECONFIG',
])

/** Variables with a wrong value in which start-up cannot go on: what it would write lasts. */
export const startupVariables: ReadonlySet<string> = new Set(
  Object.values<Setting<unknown>>(startupSettings)
    .filter((setting) => !ofLesserConcern.has(setting.environment[0]))
    .flatMap(({ environment }) => environment),
)

function poolMode(variable: string, meaning: string) {
  return row({ environment: [variable], type: mode, default: 'Never', live: false, meaning })
}

function poolFlag(variable: string, otherwise: boolean, meaning: string) {
  return row({ environment: [variable], type: unlessFalse, default: otherwise, live: false, meaning })
}

function poolSelector(variable: string) {
  const meaning = 'Selector of the nodes that may take addresses from it.'
  return row<string | undefined>({
    environment: [variable],
    type: text,
    default: 'all()',
    live: false,
    meaning,
  })
}
