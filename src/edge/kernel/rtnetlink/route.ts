// Routes as rtnetlink(7) takes and gives them: `struct rtmsg` and its attributes, linux/rtnetlink.h.
//
// What is written are the bytes that ip(8) sends for the same route, so that the kernel
// cannot tell the two apart; what is read comes out as route-text.ts reads ip's words.

import { type Address, addressFromBytes, type Family, familyOf } from '../../../inet/address.ts'
import { bitsOf } from '../../../inet/bits.ts'
import { prefixFromBytes } from '../../../inet/prefix.ts'
import { ourMetric } from '../../../plan/wanted.ts'
import { AF } from '../../libc.ts'
import {
  type KernelNextHop,
  type KernelRoute,
  metricOf,
  type PrintedRoute,
  protocolName,
  protocolNumber,
  RTN_BLACKHOLE,
  RTN_UNICAST,
} from '../kernel-route.ts'
import {
  eachAttribute,
  LITTLE,
  type Message,
  type MessageWriter,
  NLM_F_CREATE,
  NLM_F_DUMP,
  NLM_F_REPLACE,
  NLM_F_REQUEST,
} from './message.ts'

export const RTM_NEWROUTE = 24
export const RTM_DELROUTE = 25
const RTM_GETROUTE = 26

/** Length of `struct rtmsg`. */
const RTMSG = 12
const RT_TABLE_MAIN = 254
const RT_SCOPE_UNIVERSE = 0
const RT_SCOPE_LINK = 253
const RT_SCOPE_NOWHERE = 255
/** A route that the kernel has made of another, such as for a path MTU it learned. */
const RTM_F_CLONED = 0x200
const RTNH_F_DEAD = 1
const RTNH_F_ONLINK = 4

const RTA_DST = 1
const RTA_OIF = 4
const RTA_GATEWAY = 5
const RTA_PRIORITY = 6
const RTA_PREFSRC = 7
const RTA_METRICS = 8
const RTA_MULTIPATH = 9
const RTA_TABLE = 15
const RTA_VIA = 18
const RTA_NH_ID = 30
const RTAX_MTU = 2

const FAMILIES: Readonly<Record<number, Family>> = { 2: 'ipv4', 10: 'ipv6' }

/** The index of an interface. Undefined: there is none of that name. */
export type IndexOf = (device: string) => number | undefined

/** The device of a route that is not there, if one is not. */
export function missingDevice({ device, nexthops }: KernelRoute, indexOf: IndexOf): string | undefined {
  const devices = nexthops ? nexthops.map((hop) => hop.device) : device === undefined ? [] : [device]
  return devices.find((name) => indexOf(name) === undefined)
}

/** What makes the kernel hold `route`, in place of any other of its prefix and metric. All its devices are there. */
export function writeReplace(
  out: MessageWriter,
  sequence: number,
  route: KernelRoute,
  indexOf: IndexOf,
): void {
  const { gateway, device, nexthops, mtu, source, onlink } = route
  out.begin(RTM_NEWROUTE, NLM_F_REQUEST | NLM_F_REPLACE | NLM_F_CREATE, sequence)
  const type = route.type === 'blackhole' ? RTN_BLACKHOLE : RTN_UNICAST
  writeHead(out, route, scopeOf(route), type, onlink ? RTNH_F_ONLINK : 0)
  if (gateway) writeGateway(out, gateway, familyOf(route.prefix))
  if (source) out.address(RTA_PREFSRC, bitsOf(source).words)
  out.number(RTA_PRIORITY, metricOf(route))
  if (device !== undefined) out.number(RTA_OIF, indexOf(device)!)
  if (mtu !== undefined) out.attribute(RTA_METRICS, () => out.number(RTAX_MTU, mtu))
  if (nexthops) out.attribute(RTA_MULTIPATH, () => writeNextHops(out, route, nexthops, indexOf))
  out.end()
}

/** What removes exactly `route`: one that names less takes the first that fits (Calico felix/routetable). */
export function writeDelete(
  out: MessageWriter,
  sequence: number,
  route: KernelRoute,
  indexOf: IndexOf,
): void {
  const { device, prefix } = route
  out.begin(RTM_DELROUTE, NLM_F_REQUEST, sequence)
  const scope = familyOf(prefix) === 'ipv4' ? RT_SCOPE_NOWHERE : RT_SCOPE_UNIVERSE // nowhere: any
  writeHead(out, route, scope, route.type === 'blackhole' ? RTN_BLACKHOLE : 0, 0)
  out.number(RTA_PRIORITY, metricOf(route))
  if (device !== undefined) out.number(RTA_OIF, indexOf(device)!)
  out.end()
}

/** What asks for all routes of the main table; the kernel leaves others out if its checks are strict. */
export function writeDump(out: MessageWriter, sequence: number, family: Family): void {
  out.begin(RTM_GETROUTE, NLM_F_REQUEST | NLM_F_DUMP, sequence)
  out.octets(AF[family], 0, 0, 0)
  out.octets(RT_TABLE_MAIN, 0, 0, 0)
  out.u32(0)
  out.number(RTA_TABLE, RT_TABLE_MAIN)
  out.end()
}

function writeHead(out: MessageWriter, route: KernelRoute, scope: number, type: number, flags: number): void {
  const { words, length } = bitsOf(route.prefix)
  out.octets(AF[familyOf(route.prefix)], length, 0, 0)
  out.octets(RT_TABLE_MAIN, Number(protocolNumber(route)), scope, type)
  out.u32(flags)
  if (length > 0) out.address(RTA_DST, words)
}

/** How far the destination is. IPv6 does not know scopes. */
function scopeOf({ prefix, type, scope, gateway, nexthops }: KernelRoute): number {
  if (familyOf(prefix) === 'ipv6' || type === 'blackhole') return RT_SCOPE_UNIVERSE
  return scope === 'link' || !(gateway || nexthops) ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE
}

/** A gateway of the other family is told with its family (RFC 8950 makes such routes). */
function writeGateway(out: MessageWriter, gateway: Address, family: Family): void {
  const own = familyOf(gateway)
  const { words } = bitsOf(gateway)
  if (own === family) out.address(RTA_GATEWAY, words)
  else
    out.attribute(RTA_VIA, () => {
      out.u16(AF[own])
      out.words(words)
    })
}

function writeNextHops(
  out: MessageWriter,
  { prefix }: KernelRoute,
  nexthops: readonly KernelNextHop[],
  indexOf: IndexOf,
): void {
  for (const { device, gateway, onlink } of nexthops) {
    out.counted(() => {
      out.u8(onlink ? RTNH_F_ONLINK : 0)
      out.u8(0) // the weight, less one
      out.u32(indexOf(device)!)
      if (gateway) writeGateway(out, gateway, familyOf(prefix))
    })
  }
}

/** Reads an RTM_NEWROUTE or RTM_DELROUTE; undefined when it is no route of a prefix of ours. */
export function readRoute(
  view: DataView,
  { from, to }: Message,
  nameOf: (index: number) => string,
): PrintedRoute | undefined {
  const family = FAMILIES[view.getUint8(from)]
  const flags = view.getUint32(from + 8, LITTLE)
  if (family === undefined || flags & RTM_F_CLONED) return undefined
  const found = readAttributes(view, from + RTMSG, to, nameOf)
  const type = view.getUint8(from + 7)
  const protocol = `${view.getUint8(from + 5)}`
  const { metric = 0, destination } = found
  const prefix = prefixFromBytes(destination ?? UNSPECIFIED[family], view.getUint8(from + 1))
  const scope = view.getUint8(from + 6)
  return {
    type,
    prefix,
    protocol,
    main: (found.table ?? view.getUint8(from + 4)) === RT_TABLE_MAIN,
    tos: view.getUint8(from + 3) !== 0,
    dead: (flags & RTNH_F_DEAD) !== 0,
    metric,
    route: {
      prefix,
      type: type === RTN_BLACKHOLE ? 'blackhole' : 'unicast',
      protocol: protocolName(protocol),
      ...(type === RTN_UNICAST && wayOut(found, scope, flags)),
      ...(found.nexthops && found.object === undefined && { nexthops: found.nexthops }),
      ...(metric !== ourMetric(prefix) && { metric }),
      because: 'found in the kernel',
    },
  }
}

const UNSPECIFIED: Readonly<Record<Family, Uint8Array>> = {
  ipv4: new Uint8Array(4),
  ipv6: new Uint8Array(16),
}

interface Attributes {
  destination?: Uint8Array
  device?: string
  gateway?: Address
  source?: Address
  metric?: number
  mtu?: number
  table?: number
  /** A nexthop object of somebody's: where it leads may change any time, so what it leads to is not the route's own. */
  object?: number
  nexthops?: readonly KernelNextHop[]
}

function readAttributes(
  view: DataView,
  from: number,
  to: number,
  nameOf: (index: number) => string,
): Attributes {
  const found: Attributes = {}
  eachAttribute(view, from, to, (type, start, end) => {
    if (type === RTA_DST) found.destination = bytesOf(view, start, end)
    else if (type === RTA_OIF) found.device = nameOf(view.getUint32(start, LITTLE))
    else if (type === RTA_GATEWAY) found.gateway = addressFromBytes(bytesOf(view, start, end))
    else if (type === RTA_VIA) found.gateway = addressFromBytes(bytesOf(view, start + 2, end))
    else if (type === RTA_PREFSRC) found.source = addressFromBytes(bytesOf(view, start, end))
    else if (type === RTA_PRIORITY) found.metric = view.getUint32(start, LITTLE)
    else if (type === RTA_TABLE) found.table = view.getUint32(start, LITTLE)
    else if (type === RTA_NH_ID) found.object = view.getUint32(start, LITTLE)
    else if (type === RTA_METRICS) readMetrics(view, start, end, found)
    else if (type === RTA_MULTIPATH) found.nexthops = readNextHops(view, start, end, nameOf)
  })
  return found
}

function readMetrics(view: DataView, from: number, to: number, found: Attributes): void {
  eachAttribute(view, from, to, (type, start) => {
    if (type === RTAX_MTU) found.mtu = view.getUint32(start, LITTLE)
  })
}

/** `struct rtnexthop`, one after another, each with attributes of its own. */
function readNextHops(
  view: DataView,
  from: number,
  to: number,
  nameOf: (index: number) => string,
): KernelNextHop[] {
  const hops: KernelNextHop[] = []
  for (let at = from; at + 8 <= to; ) {
    const length = view.getUint16(at, LITTLE)
    if (length < 8 || at + length > to) break
    const flags = view.getUint8(at + 2)
    const weight = view.getUint8(at + 3) + 1
    const { gateway } = readAttributes(view, at + 8, at + length, nameOf)
    hops.push({
      device: nameOf(view.getUint32(at + 4, LITTLE)),
      ...(gateway && { gateway }),
      ...(flags & RTNH_F_ONLINK && { onlink: true }),
      ...(weight !== 1 && { weight }),
      ...(flags & RTNH_F_DEAD && { dead: true }),
    })
    at += (length + 3) & ~3
  }
  return hops
}

function wayOut(
  { device, gateway, source, mtu, nexthops }: Attributes,
  scope: number,
  flags: number,
): Partial<KernelRoute> {
  return {
    ...(device !== undefined && !nexthops && { device }),
    ...(gateway && !nexthops && { gateway }),
    ...(scope === RT_SCOPE_LINK && { scope: 'link' }),
    ...(flags & RTNH_F_ONLINK && !nexthops && { onlink: true }),
    ...(mtu !== undefined && { mtu }),
    ...(source && { source }),
  }
}

function bytesOf({ buffer, byteOffset }: DataView, from: number, to: number): Uint8Array {
  return new Uint8Array(buffer as ArrayBuffer, byteOffset + from, to - from)
}
