// This node's side of the tunnels: where it stands on the underlay, and the devices it should have.
// Calico felix/calc/encapsulation_resolver.go, felix/dataplane/linux/vxlan_mgr.go, ipip_mgr.go, mtu.go.

import type { IpPool, Node } from '../../cluster/model.ts'
import { type Address, FAMILY_NAMES, type Family } from '../../inet/address.ts'
import type { Facts } from '../facts.ts'
import type { Declined } from '../offer.ts'
import type { Link } from '../underlay.ts'
import { isTunnelName, type Tunnel, type TunnelName, type VxlanProperties } from '../wanted.ts'
import type { Encapsulation } from './encapsulation.ts'
import { ipip } from './ipip.ts'
import { type Device, type End, kindOf, type Local, type TunnelKind } from './local.ts'
import { settled } from './program-cluster-routes.ts'
import type { TunnelSettings } from './settings.ts'
import { macOf } from './vteps.ts'
import { vxlan } from './vxlan.ts'

export interface LocalInputs {
  readonly facts: Facts
  readonly links: ReadonlyMap<string, Link>
  /** The interface that last had an address, as long as it is there. */
  readonly homes: ReadonlyMap<Address, string>
  /** Pools as they were a moment ago, while others may still send to us so: transition.ts. */
  readonly former: readonly IpPool[]
  /** USE_POD_CIDR: a node publishes an address for tunl0 whether it has one or not (src/ipam/pod-cidr.ts). */
  readonly usePodCidr: boolean
  /** Kinds of devices that this kernel cannot make. */
  readonly unsupported: ReadonlySet<TunnelKind>
  readonly settings: { readonly ipv6: boolean; readonly tunnels: TunnelSettings }
}

interface Row {
  readonly name: TunnelName
  readonly family: Family
  readonly encapsulation: Encapsulation
  /** Octets that encapsulation takes of the MTU. */
  readonly overhead: number
  readonly mtu: 'ipipMtu' | 'vxlanMtu' | 'vxlanMtuV6'
  readonly enabled?: 'ipipEnabled' | 'vxlanEnabled'
  /** The address of the device. */
  readonly address: (node: Node) => Address | undefined
}

const rows: readonly Row[] = [
  {
    name: 'tunl0',
    family: 'ipv4',
    encapsulation: ipip,
    overhead: 20,
    mtu: 'ipipMtu',
    enabled: 'ipipEnabled',
    address: (node) => node.ipipTunnelAddress,
  },
  {
    name: 'vxlan.calico',
    family: 'ipv4',
    encapsulation: vxlan,
    overhead: 50,
    mtu: 'vxlanMtu',
    enabled: 'vxlanEnabled',
    address: (node) => node.vxlanTunnelAddress,
  },
  {
    name: 'vxlan-v6.calico',
    family: 'ipv6',
    encapsulation: vxlan,
    overhead: 70,
    mtu: 'vxlanMtuV6',
    address: (node) => node.vxlanTunnelAddressV6,
  },
]

export function localOf(inputs: LocalInputs): Local {
  const { facts, settings } = inputs
  const ends = { ipv4: endOf('ipv4', inputs), ipv6: endOf('ipv6', inputs) }
  const devices = rows.map((row) => [row.name, deviceFor(row, ends[row.family], inputs)] as const)
  return {
    ends,
    devices: Object.fromEntries(devices) as Local['devices'],
    hostMtu: hostMtu(inputs),
    programClusterRoutes: settled(settings.tunnels.programClusterRoutes, facts),
  }
}

function endOf(family: Family, { facts, links, homes }: LocalInputs): End {
  const own = facts.node?.[family]
  const parent = own && (parentOf(own.address, links.values()) ?? homes.get(own.address))
  const reason = own
    ? `no interface has ${own.address}, the address of this node`
    : `node ${facts.self} has no ${FAMILY_NAMES[family]} address (spec.bgp)`
  return {
    address: own?.address,
    subnet: own?.prefix,
    parent: parent ? { device: parent } : { declined: reason },
  }
}

function parentOf(address: Address, links: Iterable<Link>): string | undefined {
  for (const link of links) {
    if (canBeParent(link) && link.addresses.some((own) => own.address === address)) return link.name
  }
  return undefined
}

/** Not our own (Calico #6927), and not that of kube-proxy: they may have the node's address and yet lead nowhere. */
function canBeParent({ name }: Link): boolean {
  return !isTunnelName(name) && name !== 'kube-ipvs0'
}

/**
 * Brings `homes` up to date. An address that is away for a moment, as when its mask is changed, must not cost all
 * devices and routes that lean on its interface (Calico route_mgr.go: no answer never clears a known parent).
 */
export function rememberHomes(homes: Map<Address, string>, links: ReadonlyMap<string, Link>): void {
  for (const [address, name] of homes) if (!links.has(name)) homes.delete(address)
  for (const link of links.values()) {
    if (canBeParent(link)) for (const { address } of link.addresses) homes.set(address, link.name)
  }
}

function deviceFor(row: Row, end: End, inputs: LocalInputs): Device {
  const { facts, settings, unsupported } = inputs
  const wanted = reasonFor(row, inputs)
  if ('declined' in wanted) return wanted
  const address = facts.node && row.address(facts.node)
  const vxlan = row.encapsulation === ipip ? undefined : vxlanProperties(row, end, inputs)
  if (vxlan && 'declined' in vxlan) return vxlan
  const tunnel: Tunnel = {
    name: row.name,
    mtu: settings.tunnels[row.mtu] || hostMtu(inputs) - row.overhead,
    ...(address && { address }),
    ...(vxlan && { vxlan }),
    checksumOffload: settings.tunnels.checksumOffload,
    because: wanted.because,
  }
  return { tunnel, unsupported: unsupported.has(kindOf(row.name)) }
}

/**
 * Why there is the device, or why there is not. An address that this node publishes invites packets for as long as it
 * stands there, so the device outlives the last pool and the last transition until the address is gone from the Node.
 */
function reasonFor(
  { enabled, ...row }: Row,
  { facts, former, usePodCidr, settings }: LocalInputs,
): { because: string } | Declined {
  const { ipv6, tunnels } = settings
  if (!tunnels.enabled) return { declined: 'CALICO_NETWORKING_BACKEND is none' }
  if (row.family === 'ipv6' && !ipv6) return { declined: 'ipv6Support is false' }
  const asked = enabled && tunnels[enabled]
  if (asked !== undefined)
    return asked ? { because: `${enabled} is true` } : { declined: `${enabled} is false` }
  const pools = namesOf([...facts.pools()].filter((pool) => uses(row, pool)))
  if (pools) return { because: `${row.encapsulation.name} of pool ${pools}` }
  const left = namesOf(former.filter((pool) => uses(row, pool)))
  if (left)
    return {
      because: `nodes that have not heard yet may still use ${row.encapsulation.name} in pool ${left}`,
    }
  const invitation = usePodCidr ? undefined : facts.node && row.address(facts.node)
  if (invitation)
    return { because: `node ${facts.self} still publishes ${invitation}, the address of ${row.name}` }
  return { declined: `no ${FAMILY_NAMES[row.family]} pool uses ${row.encapsulation.name}` }
}

function namesOf(pools: readonly IpPool[]): string {
  return [...new Set(pools.map(({ name }) => name))].sort().join(', ')
}

function uses({ family, encapsulation }: Pick<Row, 'family' | 'encapsulation'>, pool: IpPool): boolean {
  return pool.family === family && encapsulation.mode(pool) !== 'Never'
}

/** The address of the device is none of them: it takes packets without one, and so is there when others hear of it. */
function vxlanProperties(
  { family }: Row,
  { address: local, parent }: End,
  { facts, settings: { tunnels } }: LocalInputs,
): VxlanProperties | Declined {
  if ('declined' in parent) return parent
  const mac = macOf(facts.node!, family)
  return { vni: tunnels.vxlanVni, port: tunnels.vxlanPort, local: local!, parent: parent.device, mac }
}

/** Of a host on whose interfaces nothing can be seen. */
const UNKNOWN_MTU = 1460

/** The smallest of the interfaces that are up: one forgotten in a corner counts for nothing (Calico #8496). */
function hostMtu({ links, settings }: LocalInputs): number {
  const { mtuInterfaces } = settings.tunnels
  const candidates = [...links.values()].filter(({ name, running }) => running && mtuInterfaces.test(name))
  return candidates.length === 0 ? UNKNOWN_MTU : Math.min(...candidates.map(({ mtu }) => mtu))
}
