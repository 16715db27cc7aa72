// Peering with local workloads: which of them have a session, and the address at which they find us, which stands on the
// host's end of their interface. Calico (v3.30 and later) felix/dataplane/linux/endpoint_mgr.go, confd/pkg/backends/calico.

import type { BgpPeer, Workload } from '../cluster/model.ts'
import { type Address, FAMILIES, type Family, familyOf } from '../inet/address.ts'
import { isHost, prefixAddress } from '../inet/prefix.ts'
import { appliesTo } from './applies.ts'
import type { Facts } from './facts.ts'
import type { Exit } from './resolve.ts'
import type { Link } from './underlay.ts'
import type { InterfaceAddress } from './wanted.ts'
import { describe, holdsInterface } from './workloads.ts'

/** The BGPPeer that asks a workload of this node to peer: the first by name. */
export function peeringOf(workload: Workload, facts: Facts): BgpPeer | undefined {
  const asking = [...facts.bgpPeers.values()].filter(
    (peer) => peer.localWorkloadSelector?.matches(workload.labels) && appliesTo(peer, facts.node),
  )
  return asking.sort((a, b) => (a.name < b.name ? -1 : 1))[0]
}

/** The workload a session with this address would be with: it peers with the first address it has of each family. */
export function workloadAt(address: Address, facts: Facts): Workload | undefined {
  if (!facts.workloadsByAddress.has(address)) return undefined // as of nearly all next hops, of which very many are asked
  for (const id of [...facts.workloadsByAddress.get(address)].sort()) {
    const workload = facts.workloads.get(id)!
    if (sessionAddress(workload, familyOf(address)) === address && holdsInterface(workload, facts))
      return workload
  }
  return undefined
}

/** The addresses a workload would peer from. */
export function sessionAddresses(workload: Workload): Address[] {
  return FAMILIES.flatMap((family) => sessionAddress(workload, family) ?? [])
}

function sessionAddress({ networks }: Workload, family: Family): Address | undefined {
  const first = networks.find((network) => isHost(network) && familyOf(network) === family)
  return first && prefixAddress(first)
}

/** Where workloads are told to find us. */
export function peeringAddresses({ bgpConfigurations }: Facts): Address[] {
  const configuration = bgpConfigurations.get('default')
  const { localWorkloadPeeringIpv4, localWorkloadPeeringIpv6 } = configuration ?? {}
  return [localWorkloadPeeringIpv4, localWorkloadPeeringIpv6].filter((address) => address !== undefined)
}

interface Inputs {
  readonly facts: Facts
  readonly links: ReadonlyMap<string, Link>
}

/** The address of a key, `DEVICE ADDRESS`, if the workload behind the interface peers. */
export function interfaceAddressFor(key: string, { facts, links }: Inputs): InterfaceAddress | undefined {
  const [device, address] = key.split(' ') as [string, Address]
  if (!links.get(device)?.running || !peeringAddresses(facts).includes(address)) return undefined
  const [id] = [...facts.workloadsByInterface.get(device)].sort()
  const workload = id === undefined ? undefined : facts.workloads.get(id)
  const peer = workload && peeringOf(workload, facts)
  if (!peer || sessionAddress(workload, familyOf(address)) === undefined) return undefined
  return { device, address, because: `${describe(workload)} peers with us here (BGPPeer ${peer.name})` }
}

/** The way to a next hop that is a workload which peers with us: its own route leads there. */
export function exitToWorkload(nextHop: Address, { facts, links }: Inputs): Exit | undefined {
  const workload = workloadAt(nextHop, facts)
  if (!workload || !links.get(workload.interfaceName)?.running || !peeringOf(workload, facts))
    return undefined
  return { device: workload.interfaceName, gateway: nextHop, metric: 0 }
}

/** What keeps a BGPPeer for local workloads from being in force, in words. */
export function peeringTrouble(peer: BgpPeer, facts: Facts): string | undefined {
  if (!peer.localWorkloadSelector) return undefined
  if (peeringAddresses(facts).length === 0)
    return 'BGPConfiguration default has no localWorkloadPeeringIPV4 or localWorkloadPeeringIPV6 for workloads to find us at'
  if (facts.bgpConfigurations.get('default')?.bindMode === 'NodeIP')
    return 'bindMode NodeIP leaves nobody listening where workloads find us; set bindMode None'
  return undefined
}
