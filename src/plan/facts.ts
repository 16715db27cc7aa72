// What the cluster data says, indexed by the questions the plan asks of it.
//
// Facts are kept, not judged: which route follows is `plan-kernel.ts`, which session
// `plan-bgp.ts`. `#index` says for each kind where it is kept and by what it is found.

import type {
  Affinity,
  BgpConfiguration,
  BgpFilter,
  BgpPeer,
  Block,
  IpPool,
  Node,
  Resource,
  Workload,
} from '../cluster/model.ts'
import { type Address, type Family, familyOf, type ScopedAddress, scoped, unscoped } from '../inet/address.ts'
import { contains, hostPrefix, isHost, type Prefix, prefixAddress } from '../inet/prefix.ts'
import { PrefixMap } from '../inet/prefix-map.ts'
import { vtepsOf } from './encap/vteps.ts'
import { MultiIndex } from './multi-index.ts'
import type { SecretState } from './passwords.ts'
import { ServiceFacts, type ServiceSettings } from './service-facts.ts'
import { fdbKey } from './wanted.ts'

export class Facts {
  /** Name of the node this agent runs on. */
  readonly self: string
  /** Name of the BGPConfiguration for this node alone. */
  readonly ownConfiguration: string

  readonly nodes = new Map<string, Node>()
  readonly nodesByAddress = new MultiIndex<Address, string>()
  /** By every address a node has outside pools, those of `spec.addresses` too. */
  readonly hostsByAddress = new MultiIndex<Address, string>()
  /** By the addresses of their tunnel devices. */
  readonly nodesByTunnelAddress = new MultiIndex<Address, string>()
  /** By VXLAN device and MAC address, as in `fdbKey`. */
  readonly nodesByMac = new MultiIndex<string, string>()
  readonly bgpConfigurations = new Map<string, BgpConfiguration>()
  readonly bgpPeers = new Map<string, BgpPeer>()
  readonly bgpPeersByAddress = new MultiIndex<ScopedAddress, string>()
  readonly bgpFilters = new Map<string, BgpFilter>()
  /** By `secretId`. */
  readonly secrets = new Map<string, SecretState>()
  /** Affinities of this node only. */
  readonly affinities = new Map<Prefix, Affinity>()
  /** Workloads of this node only. */
  readonly workloads = new Map<string, Workload>()
  readonly workloadsByNetwork = new MultiIndex<Prefix, string>()
  /** By those of their networks that are single addresses. */
  readonly workloadsByAddress = new MultiIndex<Address, string>()
  readonly workloadsByInterface = new MultiIndex<string, string>()
  readonly services: ServiceFacts

  readonly #pools = new Map<string, IpPool>()
  readonly #poolsByCidr = new MultiIndex<Prefix, string>()
  readonly #poolNames = new PrefixMap<string>()
  readonly #blocks = new PrefixMap<Block>()
  /** By the nodes that own them or have addresses in them. */
  readonly #blocksByNode = new MultiIndex<string, Prefix>()
  readonly #tunnelAddresses = new PrefixMap<true>()
  readonly #ownBlocks = new PrefixMap<true>()

  constructor(self: string, services: ServiceSettings) {
    this.self = self
    this.ownConfiguration = `node.${self}`
    this.services = new ServiceFacts(services)
  }

  /** Replaces what one object stands for. `key` is its identity. */
  reindex(key: string, before: readonly Resource[], after: readonly Resource[]): void {
    for (const resource of before) this.#index(key, resource, false)
    for (const resource of after) this.#index(key, resource, true)
  }

  /** The node this agent runs on, once known. */
  get node(): Node | undefined {
    return this.nodes.get(this.self)
  }

  /** The most specific pool that holds a prefix; of two with one CIDR the first by name, as Calico's feeds do. */
  poolOf(prefix: Prefix | Address): IpPool | undefined {
    const found = this.#poolNames.longest(prefix)
    return found && this.#pools.get(found.value)
  }

  /** The pools of exactly this range, by name. */
  poolsAt(cidr: Prefix): IpPool[] {
    return [...this.#poolsByCidr.get(cidr)].sort().map((name) => this.#pools.get(name)!)
  }

  pools(): Iterable<IpPool> {
    return this.#pools.values()
  }

  *blocks(): Iterable<Block> {
    for (const { value } of this.#blocks) yield value
  }

  /** The block of exactly this range. */
  block(cidr: Prefix): Block | undefined {
    return this.#blocks.get(cidr)
  }

  /** The most specific block that holds an address. */
  blockOf(address: Address): Block | undefined {
    return this.#blocks.longest(address)?.value
  }

  /** Prefixes inside a range that blocks and tunnel addresses bear on. */
  *destinationsWithin(cidr: Prefix): Iterable<Prefix> {
    for (const { value } of [...this.#blocks.covering(cidr), ...this.#blocks.within(cidr)]) {
      for (const prefix of blockPrefixes(value)) if (contains(cidr, prefix)) yield prefix
    }
    for (const { prefix } of this.#tunnelAddresses.within(cidr)) yield prefix
  }

  /** Prefixes that blocks or tunnel addresses put on a node. */
  *destinationsOf(node: Node): Iterable<Prefix> {
    for (const cidr of this.#blocksByNode.get(node.name)) {
      for (const prefix of blockPrefixes(this.#blocks.get(cidr)!)) yield prefix
    }
    for (const address of tunnelAddresses(node)) yield hostPrefix(address)
  }

  /** Whether a node of the cluster has this address for its sessions, and we are one, too. */
  isClusteredWith(at: ScopedAddress): boolean {
    const { address, zone } = unscoped(at)
    return this.node !== undefined && zone === undefined && this.nodesByAddress.get(address).size > 0
  }

  /** Who has one address of a block that is not its owner's, according to IPAM. */
  borrowerOf(address: Address): string | undefined {
    const block = this.blockOf(address)
    const allocation = block?.allocations.find((one) => one.address === address)
    return allocation?.node === block?.node ? undefined : allocation?.node
  }

  /** Networks of local workloads inside a prefix. A node has few enough of them to look at each. */
  *workloadNetworksWithin(cidr: Prefix): Iterable<Prefix> {
    for (const network of this.workloadsByNetwork.keys()) if (contains(cidr, network)) yield network
  }

  /**
   * A block is ours when the block row names us and our affinity is confirmed. Either
   * alone is a claim half made or half released (Calico issue #4471).
   */
  ownsBlock(cidr: Prefix): boolean {
    return this.#ownBlocks.get(cidr) === true
  }

  /** The own block that holds a prefix or equals it. */
  ownBlockOf(prefix: Prefix): Prefix | undefined {
    return this.#ownBlocks.longest(prefix)?.prefix
  }

  #index(key: string, resource: Resource, present: boolean): void {
    switch (resource.kind) {
      case 'IPPool':
        place(this.#pools, resource.name, resource, present)
        this.#poolsByCidr.place(resource.cidr, resource.name, present)
        this.#electPool(resource.cidr)
        break
      case 'Node':
        place(this.nodes, resource.name, resource, present)
        for (const address of bgpAddresses(resource))
          this.nodesByAddress.place(address, resource.name, present)
        this.#indexAddresses(resource, present)
        break
      case 'BGPConfiguration':
        place(this.bgpConfigurations, resource.name, resource, present)
        break
      case 'BGPPeer':
        place(this.bgpPeers, resource.name, resource, present)
        if (resource.peerIp) this.bgpPeersByAddress.place(endOf(resource.peerIp), resource.name, present)
        break
      case 'BGPFilter':
        place(this.bgpFilters, resource.name, resource, present)
        break
      case 'IPAMBlock':
        place(this.#blocks, resource.cidr, resource, present)
        for (const node of nodesIn(resource)) this.#blocksByNode.place(node, resource.cidr, present)
        this.#electBlock(resource.cidr)
        break
      case 'BlockAffinity':
        if (resource.node !== this.self || resource.type !== 'host') break
        place(this.affinities, resource.cidr, resource, present)
        this.#electBlock(resource.cidr)
        break
      case 'WorkloadEndpoint':
        if (resource.node !== this.self) break
        place(this.workloads, key, resource, present)
        this.workloadsByInterface.place(resource.interfaceName, key, present)
        for (const network of resource.networks) {
          this.workloadsByNetwork.place(network, key, present)
          if (isHost(network)) this.workloadsByAddress.place(prefixAddress(network), key, present)
        }
        break
      case 'Service':
        this.services.placeService(resource, present)
        break
      case 'EndpointSlice':
        this.services.placeSlice(key, resource, present)
        break
    }
  }

  #indexAddresses(node: Node, present: boolean): void {
    for (const address of hostAddresses(node)) this.hostsByAddress.place(address, node.name, present)
    for (const vtep of vtepsOf(node)) this.nodesByMac.place(fdbKey(vtep), node.name, present)
    for (const address of tunnelAddresses(node)) {
      this.nodesByTunnelAddress.place(address, node.name, present)
      const isKnown = this.nodesByTunnelAddress.get(address).size > 0
      place(this.#tunnelAddresses, hostPrefix(address), true, isKnown)
    }
  }

  #electPool(cidr: Prefix): void {
    const [first] = [...this.#poolsByCidr.get(cidr)].sort()
    if (first === undefined) this.#poolNames.delete(cidr)
    else this.#poolNames.set(cidr, first)
  }

  #electBlock(cidr: Prefix): void {
    const ours =
      this.#blocks.get(cidr)?.node === this.self && this.affinities.get(cidr)?.state === 'confirmed'
    if (ours) this.#ownBlocks.set(cidr, true)
    else this.#ownBlocks.delete(cidr)
  }
}

interface Table<K, V> {
  set(key: K, value: V): unknown
  delete(key: K): unknown
}

function place<K, V>(table: Table<K, V>, key: K, value: V, present: boolean): void {
  if (present) table.set(key, value)
  else table.delete(key)
}

/** Where the peer is that a BGPPeer names. */
export function endOf({ address, zone }: NonNullable<BgpPeer['peerIp']>): ScopedAddress {
  return scoped(address, zone)
}

/** The addresses a node peers from. */
export function bgpAddresses(node: Node): Address[] {
  return [node.ipv4?.address, node.ipv6?.address].filter((a) => a !== undefined)
}

/** Every address of a node that is not out of a pool. */
export function hostAddresses(node: Node): Set<Address> {
  return new Set([...bgpAddresses(node), ...node.addresses])
}

/** The addresses of a node's tunnel devices. */
export function tunnelAddresses(node: Node): Set<Address> {
  const { ipipTunnelAddress, vxlanTunnelAddress, vxlanTunnelAddressV6 } = node
  const addresses = [ipipTunnelAddress, vxlanTunnelAddress, vxlanTunnelAddressV6]
  return new Set(addresses.filter((address) => address !== undefined))
}

/** Where other nodes reach a node: its address in `spec.bgp`, or else the first of `spec.addresses`. */
export function underlayAddress(node: Node, family: Family): Address | undefined {
  return node[family]?.address ?? node.addresses.find((address) => familyOf(address) === family)
}

function nodesIn({ node, allocations }: Block): Set<string> {
  const names = [node, ...allocations.map((allocation) => allocation.node)]
  return new Set(names.filter((name) => name !== undefined))
}

/** Prefixes a block bears on: itself, and each address handed out to another node than its owner. */
export function blockPrefixes(block: Block): Prefix[] {
  const borrowed = block.allocations.filter(({ node }) => node !== block.node)
  return [block.cidr, ...borrowed.map(({ address }) => hostPrefix(address))]
}
