// Every setting of the agent, one row each: names, form, default, meaning.
//
// From this table come validation, precedence (resolve.ts), `agent config` and docs/settings.md.
// Names and defaults are Calico's (felix/config/config_params.go, libcalico-go/lib/apiconfig,
// node/pkg/lifecycle); our own begin with CARACAL_. BGPConfiguration has no rows: its values are
// cluster data, which the plan reads.

import { observeSettings } from './observe-settings.ts'
import { type Environment, row, type Setting, type Surroundings } from './setting.ts'
import { startupSettings } from './startup-settings.ts'
import { tunnelSettings } from './tunnel-settings.ts'
import {
  absolutePath,
  addressOf,
  bool,
  choice,
  duration,
  endpoints,
  features,
  integer,
  interfaceFilter,
  interfacePrefixes,
  nodeName,
  optionalPath,
  portRange,
  prefixes,
  routerId,
  socketPath,
  text,
  words,
} from './types.ts'

export type { Environment, Setting, Surroundings } from './setting.ts'

export const settings = {
  nodename: row({
    environment: ['NODENAME'],
    type: nodeName,
    default: '',
    derived: nodenameOf,
    defaultText: 'what CALICO_NODENAME_FILE holds, else `HOSTNAME` or the name of the host, in lower case',
    live: false,
    meaning: "Name of this node; must equal the CNI plugin's `nodename`.",
  }),
  networkingBackend: row({
    environment: ['CALICO_NETWORKING_BACKEND', 'CALICO_NETWORKING'],
    // CALICO_NETWORKING=false is the old spelling of `none`.
    type: choice<'bird' | 'vxlan' | 'none'>(words('bird', 'vxlan', 'none'), {
      aliases: { true: 'bird', false: 'none' },
    }),
    default: 'bird',
    live: false,
    meaning: '`bird`: routes from BGP and the datastore; `vxlan`: no BGP; `none`: no routing at all.',
  }),
  routerId: row({
    environment: ['CALICO_ROUTER_ID'],
    type: routerId,
    default: undefined,
    defaultText: "the node's IPv4 address",
    live: false,
    meaning: 'BGP identifier; `hash` derives it from the node name, which IPv6-only nodes need.',
  }),

  advertiseClusterIps: row({
    environment: ['CALICO_ADVERTISE_CLUSTER_IPS'],
    type: prefixes,
    default: [],
    defaultText: '`serviceClusterIPs` of BGPConfiguration `default`',
    live: false,
    meaning: 'Range of the cluster IPs of services, to be announced by BGP.',
  }),

  datastoreType: row({
    environment: ['CALICO_DATASTORE_TYPE', 'DATASTORE_TYPE', 'FELIX_DATASTORETYPE'],
    type: choice(words('kubernetes', 'etcdv3', 'file')),
    default: 'kubernetes',
    derived: ({ environment }) =>
      impliedBy(environment, 'CALICO_DATASTORE_PATH', 'file') ??
      impliedBy(environment, 'CALICO_ETCD_ENDPOINTS', 'etcdv3') ??
      impliedBy(environment, 'ETCD_ENDPOINTS', 'etcdv3') ??
      impliedBy(environment, 'FELIX_ETCDENDPOINTS', 'etcdv3'),
    defaultText: '`file` with CALICO_DATASTORE_PATH, `etcdv3` with ETCD_ENDPOINTS, else `kubernetes`',
    live: false,
    meaning: 'Where cluster data is kept.',
  }),
  datastorePath: row({
    environment: ['CALICO_DATASTORE_PATH'],
    type: absolutePath,
    default: '/var/lib/calico/datastore',
    live: false,
    meaning: 'Directory of YAML manifests, for the `file` datastore.',
  }),
  etcdEndpoints: row({
    environment: ['CALICO_ETCD_ENDPOINTS', 'ETCD_ENDPOINTS', 'FELIX_ETCDENDPOINTS'],
    type: endpoints,
    default: [],
    live: false,
    meaning: 'etcd servers.',
  }),
  etcdCaFile: row({
    environment: ['CALICO_ETCD_CA_CERT_FILE', 'ETCD_CA_CERT_FILE', 'FELIX_ETCDCAFILE'],
    type: optionalPath,
    default: undefined,
    live: false,
    meaning: 'PEM file of the authority that signed the certificates of etcd.',
  }),
  etcdCertFile: row({
    environment: ['CALICO_ETCD_CERT_FILE', 'ETCD_CERT_FILE', 'FELIX_ETCDCERTFILE'],
    type: optionalPath,
    default: undefined,
    live: false,
    meaning: 'PEM file of our client certificate for etcd.',
  }),
  etcdKeyFile: row({
    environment: ['CALICO_ETCD_KEY_FILE', 'ETCD_KEY_FILE', 'FELIX_ETCDKEYFILE'],
    type: optionalPath,
    default: undefined,
    live: false,
    meaning: 'PEM file of the key of that certificate.',
  }),
  etcdUsername: row({
    environment: ['CALICO_ETCD_USERNAME', 'ETCD_USERNAME'],
    type: text,
    default: undefined,
    live: false,
    meaning: 'etcd user.',
  }),
  etcdPassword: row({
    environment: ['CALICO_ETCD_PASSWORD', 'ETCD_PASSWORD'],
    type: text,
    default: undefined,
    live: false,
    secret: true,
    meaning: 'Password of the etcd user. Never printed.',
  }),

  kubeconfig: row({
    environment: ['CALICO_KUBECONFIG', 'KUBECONFIG'],
    type: optionalPath,
    default: undefined,
    defaultText: 'the service account of our pod',
    live: false,
    meaning: 'File that says where the Kubernetes API is, and as whom we use it.',
  }),
  kubernetesHost: row({
    environment: ['KUBERNETES_SERVICE_HOST'],
    type: text,
    default: undefined,
    live: false,
    meaning: 'Address of the Kubernetes API for the service account; Kubernetes sets it.',
  }),
  kubernetesPort: row({
    environment: ['KUBERNETES_SERVICE_PORT'],
    type: integer(1, 65535),
    default: 443,
    live: false,
    meaning: 'Port of the Kubernetes API for the service account; Kubernetes sets it.',
  }),
  apiGroup: row({
    environment: ['CALICO_API_GROUP'],
    type: text,
    default: undefined,
    defaultText: '`projectcalico.org/v3` where `crd.projectcalico.org` is not served',
    live: false,
    meaning: "API group of Calico's CRDs: `crd.projectcalico.org/v1` or `projectcalico.org/v3`.",
  }),

  interfacePrefix: row({
    environment: ['FELIX_INTERFACEPREFIX'],
    felix: 'interfacePrefix',
    type: interfacePrefixes,
    default: ['cali'],
    live: true,
    meaning: 'How names of workload interfaces begin.',
  }),
  ipv6Support: row({
    environment: ['FELIX_IPV6SUPPORT'],
    felix: 'ipv6Support',
    type: bool,
    default: true,
    live: true,
    meaning: 'Whether IPv6 routes, neighbours and sysctls are written.',
  }),
  ipForwarding: row({
    environment: ['FELIX_IPFORWARDING'],
    felix: 'ipForwarding',
    type: choice(words('Enabled', 'Disabled'), { none: 'Disabled' }),
    default: 'Enabled',
    live: true,
    meaning: 'Whether the global forwarding sysctls are set.',
  }),
  deviceRouteProtocol: row({
    environment: ['FELIX_DEVICEROUTEPROTOCOL'],
    felix: 'deviceRouteProtocol',
    type: integer(0, 255),
    default: 3,
    live: true,
    meaning: 'Protocol number of routes to local workloads.',
  }),
  deviceRouteSourceAddress: row({
    environment: ['FELIX_DEVICEROUTESOURCEADDRESS'],
    felix: 'deviceRouteSourceAddress',
    type: addressOf('ipv4'),
    default: undefined,
    live: true,
    meaning: 'Source address (`src`) of our IPv4 routes.',
  }),
  deviceRouteSourceAddressIpv6: row({
    environment: ['FELIX_DEVICEROUTESOURCEADDRESSIPV6'],
    felix: 'deviceRouteSourceAddressIPv6',
    type: addressOf('ipv6'),
    default: undefined,
    live: true,
    meaning: 'Source address (`src`) of our IPv6 routes.',
  }),
  removeExternalRoutes: row({
    environment: ['FELIX_REMOVEEXTERNALROUTES'],
    felix: 'removeExternalRoutes',
    type: bool,
    default: true,
    live: true,
    meaning: 'Whether routes of others through workload interfaces are removed.',
  }),
  routeSyncDisabled: row({
    environment: ['FELIX_ROUTESYNCDISABLED'],
    felix: 'routeSyncDisabled',
    type: bool,
    default: false,
    live: true,
    meaning: 'No routes are written to the main table at all.',
  }),
  routeRefreshIntervalMs: row({
    environment: ['FELIX_ROUTEREFRESHINTERVAL'],
    felix: 'routeRefreshInterval',
    type: duration,
    default: 90_000,
    live: true,
    meaning: 'How often routes and what goes with them are compared with what is wanted; 0 is never.',
  }),

  natOutgoingAddress: row({
    environment: ['FELIX_NATOUTGOINGADDRESS'],
    felix: 'natOutgoingAddress',
    type: addressOf('ipv4'),
    default: undefined,
    defaultText: 'address of the interface the packet leaves by',
    live: true,
    meaning: 'Source address of IPv4 packets from pools with natOutgoing that leave the cluster.',
  }),
  natPortRange: row({
    environment: ['FELIX_NATPORTRANGE'],
    felix: 'natPortRange',
    type: portRange,
    default: undefined,
    live: true,
    meaning: 'Source ports of TCP and UDP that leave the cluster from pools with natOutgoing.',
  }),
  natOutgoingExclusions: row({
    environment: ['FELIX_NATOUTGOINGEXCLUSIONS'],
    felix: 'natOutgoingExclusions',
    type: choice(words('IPPoolsOnly', 'IPPoolsAndHostIPs'), { none: 'IPPoolsOnly' }),
    default: 'IPPoolsOnly',
    live: true,
    meaning: 'Where packets from pools with natOutgoing keep their source address.',
  }),
  natOutgoingInterfaceFilter: row({
    environment: ['FELIX_IPTABLESNATOUTGOINGINTERFACEFILTER'],
    felix: 'iptablesNATOutgoingInterfaceFilter',
    type: interfaceFilter,
    default: undefined,
    defaultText: 'all',
    live: true,
    meaning:
      'natOutgoing concerns only packets that leave by this interface; `eth+` is all whose name begins so.',
  }),
  externalNodesList: row({
    environment: ['FELIX_EXTERNALNODESCIDRLIST'],
    felix: 'externalNodesList',
    type: prefixes,
    default: [],
    live: true,
    meaning: 'Hosts that are no nodes and belong to the cluster; IPv4 only.',
  }),
  maxIpsetSize: row({
    environment: ['FELIX_MAXIPSETSIZE'],
    felix: 'maxIpsetSize',
    type: integer(1, 2 ** 31 - 1),
    default: 1_048_576,
    live: true,
    meaning: 'Most members that one of our ipsets can have.',
  }),
  iptablesBackend: row({
    environment: ['FELIX_IPTABLESBACKEND'],
    felix: 'iptablesBackend',
    type: choice<'auto' | 'legacy' | 'nft'>(words('auto', 'legacy', 'nft'), { none: 'auto' }),
    default: 'auto',
    live: true,
    meaning: 'Which iptables; `auto` is the one that kubelet uses, or that has more rules, or else legacy.',
  }),
  iptablesRefreshIntervalMs: row({
    environment: ['FELIX_IPTABLESREFRESHINTERVAL'],
    felix: 'iptablesRefreshInterval',
    type: duration,
    default: 180_000,
    live: true,
    meaning:
      'How often the nat tables are compared with what is wanted, besides when they change; 0 is never.',
  }),
  iptablesPostWriteCheckIntervalMs: row({
    environment: ['FELIX_IPTABLESPOSTWRITECHECKINTERVALSECS'],
    felix: 'iptablesPostWriteCheckInterval',
    type: duration,
    default: 5_000,
    live: true,
    meaning:
      'When they are compared after we have written, and again after twice as long, until the refresh.',
  }),
  ipsetsRefreshIntervalMs: row({
    environment: ['FELIX_IPSETSREFRESHINTERVAL'],
    felix: 'ipsetsRefreshInterval',
    type: duration,
    default: 90_000,
    live: true,
    meaning: 'How often our ipsets are compared member by member with what is wanted; 0 is never.',
  }),
  importProtection: row({
    environment: ['CARACAL_IMPORT_PROTECTION'],
    type: bool,
    default: true,
    live: false,
    meaning:
      'Whether BGP is kept from writing routes that would take the node off the network: to loopback, link-local and multicast, to addresses of nodes, and into the subnet of this node. `agent status` says what was refused.',
  }),
  removePolicyChains: row({
    environment: ['CARACAL_REMOVE_POLICY_CHAINS'],
    type: bool,
    default: false,
    live: false,
    meaning:
      "Whether calico-node's policy, found on a node it no longer runs on, is removed. While it is left the node is not ready.",
  }),
  featureDetectOverride: row({
    environment: ['FELIX_FEATUREDETECTOVERRIDE'],
    felix: 'featureDetectOverride',
    type: features,
    default: new Map(),
    live: true,
    meaning:
      'What kernel and tools can do, when it is not what they say: `MASQFullyRandom`, `SNATFullyRandom`, `ChecksumOffloadBroken`.',
  }),

  ...tunnelSettings,
  ...observeSettings,

  logLevel: row({
    environment: ['CARACAL_LOG_LEVEL', 'FELIX_LOGSEVERITYSCREEN'],
    felix: 'logSeverityScreen',
    type: choice(
      { Trace: 'trace', Debug: 'debug', Info: 'info', Warning: 'warn', Error: 'error', Fatal: 'fatal' },
      { aliases: { warn: 'warn' }, none: 'silent' },
    ),
    default: 'info',
    live: true,
    meaning: 'Least severity that is logged; `none` is silence.',
  }),
  routeWriter: row({
    environment: ['CARACAL_ROUTE_WRITER'],
    type: choice(words('auto', 'rtnetlink', 'iproute2')),
    default: 'auto',
    live: false,
    meaning:
      'How routes get to the kernel and back: `rtnetlink`, or `iproute2`, by ip(8), several times as slow; `auto`: rtnetlink where it can be had, else ip(8). Connections of former pods are forgotten the same way, by ctnetlink or by conntrack(8).',
  }),
  bgpSecrets: row({
    environment: ['CARACAL_BGP_SECRETS'],
    type: absolutePath,
    default: '/etc/calico/bgp-secrets',
    live: false,
    meaning:
      'Directory of the passwords of BGP sessions, a file `<name>/<key>` for each `secretKeyRef`, as Kubernetes mounts Secrets. The octets of the file are the password, at most 80 of them, a last newline included. Files may change at any time.',
  }),
  socket: row({
    environment: ['CARACAL_SOCKET'],
    type: socketPath,
    default: '/var/run/calico/caracal.sock',
    live: false,
    meaning: 'Unix socket on which the commands ask the running agent.',
  }),
  procSys: row({
    environment: ['CARACAL_PROC_SYS'],
    type: absolutePath,
    default: '/proc/sys',
    live: false,
    meaning:
      "Where sysctls are written. In a container without `privileged` /proc/sys is read-only: mount the host's elsewhere.",
  }),
  stateDir: row({
    environment: ['CARACAL_STATE_DIR'],
    type: absolutePath,
    default: '/var/lib/calico',
    live: false,
    meaning: 'Directory for what must outlive the process.',
  }),

  ...startupSettings,
}

export type SettingKey = keyof typeof settings

/** The value of every setting. Fields that end in `Ms` are milliseconds. */
export type Settings = {
  readonly [K in SettingKey]: (typeof settings)[K] extends Setting<infer T> ? T : never
}

/** What people call a setting: its field in the resource, or else its variable, as manifests spell it. */
export function settingName({ felix, environment }: Setting<unknown>): string {
  const withoutPrefix = environment[0].replace(/^CALICO_/, '')
  return felix ?? environment.find((name) => name === withoutPrefix) ?? environment[0]
}

/** Calico node/pkg/lifecycle/utils DetermineNodeName. */
function nodenameOf({ environment, recordedNodename, hostname }: Surroundings) {
  if (recordedNodename) return { value: recordedNodename, source: 'CALICO_NODENAME_FILE' }
  if (environment.HOSTNAME) return { value: environment.HOSTNAME.toLowerCase(), source: 'HOSTNAME' }
  return { value: hostname.trim().toLowerCase(), source: 'name of the host' }
}

function impliedBy<const T>(environment: Environment, name: string, value: T) {
  return environment[name] ? { value, source: `implied by ${name}` } : undefined
}
