// Tunnel devices as ip(8) prints them, and the lines of ip(8) that make and mend them.
//
// Which differences make it another device, and which are mended in place, is Felix's
// rule: felix/dataplane/linux/vxlan_mgr.go (vxlanLinksIncompat), ipip_mgr.go, route_mgr.go.

import { type Family, familyOf, parseAddress } from '../../inet/address.ts'
import { hostPrefix } from '../../inet/prefix.ts'
import { kindOf, type TunnelKind } from '../../plan/encap/local.ts'
import { isTunnelName, type Tunnel, type TunnelName, type VxlanProperties } from '../../plan/wanted.ts'

/** A tunnel device as the kernel holds it: ours, or another in its place. */
export interface KernelTunnel extends Omit<Tunnel, 'vxlan'> {
  /** What the kernel does not say is taken for right. */
  readonly vxlan?: Partial<VxlanProperties>
  /** What no device of ours is and no change in place can cure: `is of kind dummy`, `l2miss`. */
  readonly misfits?: readonly string[]
  /** The addresses of its family as `ip addr` takes them; absent: that of `address`. */
  readonly addresses?: readonly string[]
  readonly down?: true
}

/** An interface of any kind, as `ip -j -d addr show` prints it. */
export interface PrintedDevice {
  readonly ifindex: number
  readonly ifname: string
  readonly link_type: string
  readonly flags: readonly string[]
  readonly mtu: number
  readonly address?: string
  readonly linkinfo?: { readonly info_kind?: string; readonly info_data?: PrintedData }
  readonly addr_info?: readonly PrintedAddress[]
}

interface PrintedData {
  readonly id?: number
  readonly link?: string
  readonly local?: string
  readonly local6?: string
  readonly port?: number
  readonly [property: string]: unknown
}

interface PrintedAddress {
  readonly local?: string
  /** The other end, where there is one. */
  readonly address?: string
  readonly prefixlen?: number
}

const FAMILY: Readonly<Record<TunnelName, Family>> = {
  tunl0: 'ipv4',
  'vxlan.calico': 'ipv4',
  'vxlan-v6.calico': 'ipv6',
}

/** Properties that no VXLAN device of ours has, as ip(8) names them. */
const NEVER = [
  'group',
  'group6',
  'remote',
  'remote6',
  'learning',
  'l2miss',
  'l3miss',
  'external',
  'gbp',
] as const

/** ip(8) prints empty objects for what its filters leave out. */
export function parseDevices(json: string): PrintedDevice[] {
  return (JSON.parse(json) as Partial<PrintedDevice>[]).filter(
    (device): device is PrintedDevice => device.ifname !== undefined,
  )
}

/** The device in the place of one of our tunnels; undefined for all others. */
export function tunnelOf(device: PrintedDevice): KernelTunnel | undefined {
  const { ifname: name, mtu, flags, linkinfo, address } = device
  if (!isTunnelName(name)) return undefined
  return {
    name,
    mtu,
    ...makeOf(kindOf(name), linkinfo?.info_kind ?? device.link_type, linkinfo?.info_data ?? {}, address),
    addresses: (device.addr_info ?? []).flatMap((one) => addressText(one, FAMILY[name]) ?? []),
    ...(!flags.includes('UP') && { down: true }),
    checksumOffload: true,
    because: 'found in the kernel',
  }
}

function makeOf(
  due: TunnelKind,
  kind: string,
  data: PrintedData,
  mac: string | undefined,
): Pick<KernelTunnel, 'vxlan' | 'misfits'> {
  if (kind !== due) return { misfits: [`is of kind ${kind}`] }
  if (kind === 'ipip') return {}
  return { vxlan: vxlanOf(data, mac), misfits: NEVER.filter((property) => data[property]) }
}

function vxlanOf(
  { id, port, local, local6, link }: PrintedData,
  mac: string | undefined,
): Partial<VxlanProperties> {
  const end = parseAddress(local ?? local6 ?? '')
  return {
    ...(id !== undefined && { vni: id }),
    ...(port && { port }),
    ...(end && { local: end }),
    ...(link !== undefined && { parent: link }),
    ...(mac !== undefined && { mac }),
  }
}

/** IPv6 link-local addresses are the kernel's own business; IPv4 ones are not spared (Calico). */
function addressText({ local = '', address, prefixlen }: PrintedAddress, family: Family): string | undefined {
  const own = parseAddress(local)
  if (!own || familyOf(own) !== family || /^fe[89ab].:/.test(own)) return undefined
  return address === undefined ? `${own}/${prefixlen}` : `${own} peer ${address}/${prefixlen}`
}

/** True when nothing has to be done to make one into the other. */
export function sameTunnel(a: KernelTunnel, b: KernelTunnel): boolean {
  return !needsReplacing(a, b) && mend(a, b).length === 0 && a.checksumOffload === b.checksumOffload
}

/** True when no change in place makes `found` into `wanted`. */
export function needsReplacing(found: KernelTunnel, wanted: KernelTunnel): boolean {
  const misfits = (one: KernelTunnel): string => (one.misfits ?? []).join()
  return found.name !== wanted.name || misfits(found) !== misfits(wanted) || !areCompatible(found, wanted)
}

const PROPERTIES = ['vni', 'port', 'local', 'parent', 'mac'] as const

function areCompatible({ vxlan: a = {} }: KernelTunnel, { vxlan: b = {} }: KernelTunnel): boolean {
  return PROPERTIES.every((one) => a[one] === undefined || b[one] === undefined || a[one] === b[one])
}

/** The line that makes the device. */
export function addLine({ name, vxlan }: Tunnel): string {
  if (!vxlan) return `link add ${name} type ipip`
  const { mac, vni, port, local, parent } = vxlan
  return `link add ${name} address ${mac} type vxlan id ${vni} dstport ${port} local ${local} dev ${parent} nolearning`
}

/** What has just been made: nothing is known but that it is there. */
export function bare({ name, checksumOffload }: Tunnel): KernelTunnel {
  return { name, mtu: 0, addresses: [], down: true, checksumOffload, because: 'just made' }
}

/** The lines that make `found` into `wanted` in place. A right address stays: host connections hang on it (calicoctl#1419). */
export function mend(found: KernelTunnel, wanted: KernelTunnel): string[] {
  const { name, mtu } = wanted
  const [present, due] = [addressesOf(found), addressesOf(wanted)]
  return [
    ...(found.mtu === mtu ? [] : [`link set ${name} mtu ${mtu}`]),
    ...due.filter((one) => !present.includes(one)).map((one) => `addr add ${one} dev ${name}${flags(name)}`),
    ...present.filter((one) => !due.includes(one)).map((one) => `addr del ${one} dev ${name}`),
    ...(found.down === wanted.down ? [] : [`link set ${name} up`]),
  ]
}

/** Usable at once, since nobody hears the question whose it is; and without a route of the kernel's, which Felix removes. */
function flags(name: TunnelName): string {
  return FAMILY[name] === 'ipv6' ? ' nodad noprefixroute' : ''
}

/** The line that leaves nothing of ours. tunl0 belongs to its module: it stays, without addresses (Felix). */
export function removeLine({ name }: KernelTunnel): string {
  return name === 'tunl0' ? '-4 addr flush dev tunl0' : `link del ${name}`
}

function addressesOf({ address, addresses }: KernelTunnel): readonly string[] {
  return addresses ?? (address ? [hostPrefix(address)] : [])
}
