// What the datastore says, parsed, defaulted and checked. Frozen values; one interface a kind.

import type { Address, Family } from '../inet/address.ts'
import type { Cidr, Prefix } from '../inet/prefix.ts'
import type { Selector } from './selector/selector.ts'

export type EncapsulationMode = 'Never' | 'Always' | 'CrossSubnet'
export type PoolUse = 'Workload' | 'Tunnel' | 'LoadBalancer'

export interface IpPool {
  readonly kind: 'IPPool'
  readonly name: string
  /** Masked, canonical. */
  readonly cidr: Prefix
  readonly family: Family
  readonly blockSize: number
  readonly ipipMode: EncapsulationMode
  readonly vxlanMode: EncapsulationMode
  readonly natOutgoing: boolean
  readonly disabled: boolean
  readonly disableBgpExport: boolean
  readonly nodeSelector: Selector
  readonly namespaceSelector: Selector | undefined
  readonly allowedUses: readonly PoolUse[]
  readonly assignmentMode: 'Automatic' | 'Manual'
  readonly deleting: boolean
  /** False when kube-controllers found it overlapping another pool, or on its way out. */
  readonly allocatable: boolean
}

export interface Node {
  readonly kind: 'Node'
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  /** BGP addresses with their subnets, as written by start-up. */
  readonly ipv4: Cidr | undefined
  readonly ipv6: Cidr | undefined
  readonly asn: number | undefined
  readonly routeReflectorClusterId: Address | undefined
  readonly ipipTunnelAddress: Address | undefined
  readonly vxlanTunnelAddress: Address | undefined
  readonly vxlanTunnelAddressV6: Address | undefined
  readonly vxlanTunnelMac: string | undefined
  readonly vxlanTunnelMacV6: string | undefined
  /** Fallback addresses of `spec.addresses`, InternalIP first, then ExternalIP. */
  readonly addresses: readonly Address[]
  readonly podCidrs: readonly Prefix[]
  /** Of all of its sessions. */
  readonly maintenance: Maintenance
}

/** What an operator wants of sessions for a while, each in his own words about why; undefined: nothing. */
export interface Maintenance {
  /** What goes over them is to be used last (RFC 8326). */
  readonly gracefulShutdown: string | undefined
  /** There is to be none. The words are told to the other end (RFC 9003). */
  readonly shutdown: string | undefined
}

export interface BgpConfiguration {
  readonly kind: 'BGPConfiguration'
  /** `default` or `node.<name>`. */
  readonly name: string
  readonly asn: number | undefined
  readonly meshEnabled: boolean | undefined
  readonly listenPort: number | undefined
  readonly bindMode: 'None' | 'NodeIP' | undefined
  /** Seconds. */
  readonly meshMaxRestartTime: number | undefined
  readonly meshPassword: SecretRef | undefined
  readonly meshPrefixLimit: PrefixLimit | undefined
  readonly ignoredInterfaces: readonly string[]
  readonly logSeverity: string | undefined
  readonly programClusterRoutes: ProgramClusterRoutes | undefined
  readonly communities: readonly { readonly name: string; readonly value: string }[]
  readonly prefixAdvertisements: readonly { readonly cidr: Prefix; readonly communities: readonly string[] }[]
  readonly serviceClusterIps: readonly Prefix[]
  readonly serviceExternalIps: readonly Prefix[]
  readonly serviceLoadBalancerIps: readonly Prefix[]
  readonly serviceLoadBalancerAggregation: boolean
  readonly localWorkloadPeeringIpv4: Address | undefined
  readonly localWorkloadPeeringIpv6: Address | undefined
}

export type ProgramClusterRoutes = 'Enabled' | 'Disabled' | 'EnabledIPIPOnly' | 'EnabledNoEncapOnly'

export interface SecretRef {
  readonly name: string
  readonly key: string
}

export interface BgpPeer {
  readonly kind: 'BGPPeer'
  readonly name: string
  readonly node: string | undefined
  readonly nodeSelector: Selector | undefined
  readonly peerSelector: Selector | undefined
  readonly localWorkloadSelector: Selector | undefined
  readonly peerIp:
    | { readonly address: Address; readonly zone?: string; readonly port: number | undefined }
    | undefined
  readonly asn: number | undefined
  readonly localAsn: number | undefined
  readonly allowedLocalAsns: number
  readonly keepOriginalNextHop: boolean
  readonly nextHopMode: 'Auto' | 'Self' | 'Keep' | undefined
  readonly password: SecretRef | undefined
  readonly sourceAddress: 'UseNodeIP' | 'None'
  /** Seconds. */
  readonly maxRestartTime: number | undefined
  readonly keepaliveTime: number | undefined
  /** Hops; 0 is off. */
  readonly ttlSecurity: number
  readonly reachableBy: Address | undefined
  readonly filters: readonly string[]
  readonly reversePeering: 'Auto' | 'Manual'
  readonly pathWatch: PathWatch | undefined
  readonly addPath: 'receive' | 'send' | 'both' | undefined
  /** Families carried; undefined: that of the addresses. */
  readonly families: readonly Family[] | undefined
  readonly prefixLimit: PrefixLimit | undefined
  readonly role: Role | undefined
  /** Seconds for which a peer may keep our routes as a last resort when we stay away (RFC 9494); undefined: not at all. */
  readonly longLivedTime: number | undefined
  readonly maintenance: Maintenance
}

/** How many prefixes of each family a peer may announce. */
export interface PrefixLimit {
  readonly prefixes: number
  /** Share of it at which there is a warning. */
  readonly warnPercent: number
  /** Seconds after which a session that ended for this may begin anew; undefined: when an operator resets it. */
  readonly restartAfter: number | undefined
}

/** What we are to the peer, for RFC 9234. */
export interface Role {
  readonly name: 'provider' | 'rs' | 'rs-client' | 'customer' | 'peer'
  /** The peer has to say its own. */
  readonly strict: boolean
}

/** BFD on the path to a peer. */
export interface PathWatch {
  readonly intervalMs: number
  /** Packets that may go missing in a row. */
  readonly multiplier: number
  /** Whether the peer may be behind routers. */
  readonly multihop: boolean
}

export interface BgpFilterRule {
  readonly action: 'Accept' | 'Reject'
  readonly cidr: Prefix | undefined
  readonly matchOperator: 'Equal' | 'NotEqual' | 'In' | 'NotIn' | undefined
  readonly prefixLength: { readonly min: number | undefined; readonly max: number | undefined } | undefined
  readonly source: 'RemotePeers' | undefined
  readonly interface: string | undefined
  readonly peerType: 'eBGP' | 'iBGP' | undefined
  readonly community: string | undefined
  readonly asPathPrefix: readonly number[] | undefined
  readonly priority: number | undefined
  readonly operations: readonly BgpFilterOperation[]
}

export type BgpFilterOperation =
  | { readonly kind: 'addCommunity'; readonly value: string }
  | { readonly kind: 'prependAsPath'; readonly prefix: readonly number[] }
  | { readonly kind: 'setPriority'; readonly value: number }

export interface BgpFilter {
  readonly kind: 'BGPFilter'
  readonly name: string
  readonly importV4: readonly BgpFilterRule[]
  readonly exportV4: readonly BgpFilterRule[]
  readonly importV6: readonly BgpFilterRule[]
  readonly exportV6: readonly BgpFilterRule[]
}

/** `default`, `node.<name>`, or any name with a node selector. Values stay raw: `config/settings.ts` types them. */
export interface FelixConfiguration {
  readonly kind: 'FelixConfiguration'
  readonly name: string
  readonly nodeSelector: Selector | undefined
  readonly values: Readonly<Record<string, unknown>>
}

export interface ClusterInformation {
  readonly kind: 'ClusterInformation'
  readonly name: string
  readonly clusterGuid: string | undefined
  readonly calicoVersion: string | undefined
  /** Undefined counts as true for reading; false means stand still. */
  readonly datastoreReady: boolean | undefined
}

export interface Workload {
  readonly kind: 'WorkloadEndpoint'
  readonly name: string
  readonly namespace: string
  readonly labels: Readonly<Record<string, string>>
  readonly node: string
  readonly pod: string | undefined
  readonly interfaceName: string
  readonly mac: string | undefined
  /** /32 and /128 as a rule; wider ones are routed as given. */
  readonly networks: readonly Prefix[]
  readonly allowSpoofedSources: boolean
}

/** An address of a block that a node has, and that is not just one of the owner's pods'. */
export interface Allocation {
  readonly address: Address
  readonly node: string
  /** What a node has it for, such as `vxlanTunnelAddress`; undefined for pods. */
  readonly type: string | undefined
}

export interface Block {
  readonly kind: 'IPAMBlock'
  /** The canonical CIDR. */
  readonly name: string
  readonly cidr: Prefix
  /** Owning node, or undefined for none and for virtual owners. */
  readonly node: string | undefined
  /** Owner of another type, such as `load-balancer`. */
  readonly virtualOwner: string | undefined
  /**
   * What the owner does not tell already: addresses of pods on other nodes, and of tunnels. A cluster has far too many pods for
   * each node to hold all of them.
   */
  readonly allocations: readonly Allocation[]
  readonly deleted: boolean
}

export interface Affinity {
  readonly kind: 'BlockAffinity'
  readonly name: string
  readonly node: string
  readonly type: 'host' | 'virtual'
  readonly cidr: Prefix
  readonly state: 'pending' | 'confirmed' | 'pendingDeletion'
  readonly deleted: boolean
}

export interface Handle {
  readonly kind: 'IPAMHandle'
  readonly name: string
  readonly handleId: string
  readonly blocks: readonly { readonly cidr: Prefix; readonly count: number }[]
  readonly deleted: boolean
}

/** How IPAM is to behave in the whole cluster; what counts when there is none is `defaultIpam`. */
export interface IpamConfiguration {
  readonly kind: 'IPAMConfiguration'
  readonly name: string
  /** A node takes addresses from its own blocks only. */
  readonly strictAffinity: boolean
  /** A node that needs a block claims one by itself. */
  readonly autoAllocateBlocks: boolean
  /** By family; 0 stands for IPAM's own limit. */
  readonly maxBlocksPerHost: number
  /** How long a released address rests before it is handed out again. */
  readonly ipCooldownSeconds: number
}

/** Addresses that IPAM must not hand out by itself. */
export interface IpReservation {
  readonly kind: 'IPReservation'
  readonly name: string
  readonly cidrs: readonly Prefix[]
}

/** What somebody wants to be told of a node. */
export interface CalicoNodeStatus {
  readonly kind: 'CalicoNodeStatus'
  readonly name: string
  readonly node: string
  readonly classes: readonly NodeStatusClass[]
  /** 0: once, and whenever this is changed. */
  readonly updatePeriodSeconds: number
}

export type NodeStatusClass = 'Agent' | 'BGP' | 'Routes'

/** A Service of Kubernetes, as far as its addresses are announced. */
export interface Service {
  readonly kind: 'Service'
  readonly name: string
  readonly namespace: string
  readonly type: 'ClusterIP' | 'NodePort' | 'LoadBalancer' | 'ExternalName'
  /** Empty for a headless service, and for one that is only a name. */
  readonly clusterIps: readonly Address[]
  readonly externalIps: readonly Address[]
  /** What its load balancer gave it. */
  readonly loadBalancerIps: readonly Address[]
  /** What was asked of its load balancer. */
  readonly requestedLoadBalancerIp: Address | undefined
  /** Those it has addresses and endpoints of. */
  readonly families: readonly Family[]
  readonly externalTrafficPolicy: 'Cluster' | 'Local'
}

/** Some of the endpoints of a service. */
export interface EndpointSlice {
  readonly kind: 'EndpointSlice'
  readonly name: string
  readonly namespace: string
  /** The name of the service, which is in the same namespace; undefined when it belongs to none. */
  readonly service: string | undefined
  /** Undefined: its endpoints are names, not addresses. */
  readonly family: Family | undefined
  readonly endpoints: readonly Endpoint[]
}

export interface Endpoint {
  readonly addresses: readonly Address[]
  /** Name of the node it runs on, as Kubernetes has it. */
  readonly node: string | undefined
  /** May be sent new connections. One that is about to go may not, though it still serves those it has. */
  readonly ready: boolean
}

/** Every kind by its name. */
export interface Resources {
  IPPool: IpPool
  Node: Node
  BGPConfiguration: BgpConfiguration
  BGPPeer: BgpPeer
  BGPFilter: BgpFilter
  FelixConfiguration: FelixConfiguration
  ClusterInformation: ClusterInformation
  WorkloadEndpoint: Workload
  IPAMBlock: Block
  BlockAffinity: Affinity
  IPAMHandle: Handle
  IPAMConfiguration: IpamConfiguration
  IPReservation: IpReservation
  CalicoNodeStatus: CalicoNodeStatus
  Service: Service
  EndpointSlice: EndpointSlice
}

export type Resource = Resources[keyof Resources]
