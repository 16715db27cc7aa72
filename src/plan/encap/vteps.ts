// VXLAN tunnel endpoints: the neighbour and the FDB entry of every other node. Calico felix/calc/vxlan_resolver.go,
// felix/vxlanfdb/vxlan_fdb.go.
//
// With learning off and no proxy nothing but these two fills in where a packet goes:
// the neighbour turns the gateway of a route into a MAC address, the FDB that into a node.

import { createHash } from 'node:crypto'
import type { Node } from '../../cluster/model.ts'
import type { Address, Family } from '../../inet/address.ts'
import { formatMac } from '../../inet/mac.ts'
import type { Facts } from '../facts.ts'
import type { FdbEntry, Neighbor } from '../wanted.ts'
import { type Local, vxlanDevice } from './local.ts'

/** What other nodes need to know of a node. All of them find the same from the Node resource alone. */
export interface Vtep {
  readonly device: string
  readonly address: Address
  readonly mac: string
  /** Where its packets go: its address in `spec.bgp`, and no other. */
  readonly destination: Address
}

/** The address of a node in the VXLAN of a family, once it also has one in `spec.bgp`. */
export function vtepAddress(node: Node, family: Family): Address | undefined {
  return node[family] && (family === 'ipv4' ? node.vxlanTunnelAddress : node.vxlanTunnelAddressV6)
}

function vtepOf(node: Node, family: Family): Vtep | undefined {
  const address = vtepAddress(node, family)
  const destination = node[family]?.address
  return (
    address && destination && { device: vxlanDevice[family], address, mac: macOf(node, family), destination }
  )
}

export function vtepsOf(node: Node): Vtep[] {
  return [vtepOf(node, 'ipv4'), vtepOf(node, 'ipv6')].filter((vtep) => vtep !== undefined)
}

/**
 * What the resource says, or else `f` for Felix and the beginning of the SHA-1 of the node's name. Nobody publishes it:
 * another rule here would cut this node off without an error anywhere.
 */
export function macOf({ name, vxlanTunnelMac, vxlanTunnelMacV6 }: Node, family: Family): string {
  const [given, hashed] = family === 'ipv4' ? [vxlanTunnelMac, name] : [vxlanTunnelMacV6, `${name}-v6`]
  return (
    given ?? formatMac(new Uint8Array([0x66, ...createHash('sha1').update(hashed).digest().subarray(0, 5)]))
  )
}

export function isVtepDevice(device: string): boolean {
  return familyOfDevice(device) !== undefined
}

interface VtepInputs {
  readonly facts: Facts
  readonly local: Local
}

/** The entry of a tunnel address; of several nodes that claim it the first by name has it. */
export function vtepNeighbor(device: string, address: Address, inputs: VtepInputs): Neighbor | undefined {
  const names = inputs.facts.nodesByTunnelAddress.get(address)
  const found = remoteVtep(device, names, (vtep) => vtep.address === address, inputs)
  return found && { address, mac: found.vtep.mac, device, because: `VTEP of node ${found.name}` }
}

export function fdbEntryFor(key: string, inputs: VtepInputs): FdbEntry | undefined {
  const [device, mac] = key.split(' ') as [string, string]
  const found = remoteVtep(device, inputs.facts.nodesByMac.get(key), (vtep) => vtep.mac === mac, inputs)
  return found && { mac, device, destination: found.vtep.destination, because: `VTEP of node ${found.name}` }
}

/** While there is the device; our own VTEP is the device itself. */
function remoteVtep(
  device: string,
  names: ReadonlySet<string>,
  matches: (vtep: Vtep) => boolean,
  { facts, local }: VtepInputs,
): { name: string; vtep: Vtep } | undefined {
  const family = familyOfDevice(device)
  if (!family || !local.devices[vxlanDevice[family]].tunnel) return undefined
  for (const name of [...names].sort()) {
    const vtep = name === facts.self ? undefined : vtepOf(facts.nodes.get(name)!, family)
    if (vtep && matches(vtep)) return { name, vtep }
  }
  return undefined
}

function familyOfDevice(device: string): Family | undefined {
  return (Object.keys(vxlanDevice) as Family[]).find((family) => vxlanDevice[family] === device)
}
