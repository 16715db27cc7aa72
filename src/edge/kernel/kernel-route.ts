// A route as the kernel holds it, whichever way it was read, and when two are the same. Numbers from linux/rtnetlink.h.

import type { Prefix } from '../../inet/prefix.ts'
import { type NextHop, ourMetric, type Route, type RouteProtocol } from '../../plan/wanted.ts'

export const RTN_UNICAST = 1
export const RTN_BLACKHOLE = 6
export const RTPROT_KERNEL = '2'

/** A route as the kernel holds it: of any program, in any table. */
export interface KernelRoute extends Route {
  readonly nexthops?: readonly KernelNextHop[]
  /** Absent: the one all of ours have. Only routes that others or older agents wrote have another. */
  readonly metric?: number
}

/** What is of other weight, or dead, is never what we want. */
export interface KernelNextHop extends NextHop {
  readonly weight?: number
  readonly dead?: true
}

export interface PrintedRoute {
  /** RTN_UNICAST, RTN_BLACKHOLE or another of rtnetlink's route types. */
  readonly type: number
  readonly prefix: Prefix
  /** Number of the route protocol, in text. */
  readonly protocol: string
  readonly main: boolean
  /** Has a type of service: decides for some packets only. */
  readonly tos: boolean
  readonly dead: boolean
  readonly metric: number
  /** The route in our terms. */
  readonly route: KernelRoute
}

/** Protocols with a name of our own; all others are their number. */
const PROTOCOL_NAMES: Readonly<Record<string, RouteProtocol>> = { 3: 'boot', 12: 'bird' }
const PROTOCOL_NUMBERS: Readonly<Record<string, string>> = { boot: '3', bird: '12' }

/** By its number, in text. */
export function protocolName(number: string): RouteProtocol {
  return PROTOCOL_NAMES[number] ?? (number as RouteProtocol)
}

/** Inverse of `protocolName`. */
export function protocolNumber({ protocol }: KernelRoute): string {
  return PROTOCOL_NUMBERS[protocol] ?? protocol
}

/** The metric by which the kernel knows it. */
export function metricOf({ prefix, metric }: KernelRoute): number {
  return metric ?? ourMetric(prefix)
}

/** The key of a route, which for all that we write is its prefix. */
export function routeKey({ prefix, metric }: KernelRoute): string {
  return metric === undefined ? prefix : `${prefix} metric ${metric}`
}

const COMPARED = [
  'prefix',
  'metric',
  'type',
  'protocol',
  'device',
  'gateway',
  'scope',
  'onlink',
  'mtu',
  'source',
] as const

/** Equal in everything the kernel holds. */
export function sameRoute(a: KernelRoute, b: KernelRoute): boolean {
  return COMPARED.every((field) => a[field] === b[field]) && sameNextHops(a, b)
}

/** In whatever order: IPv6 ones are routes of their own to the kernel. */
function sameNextHops({ nexthops: a }: KernelRoute, { nexthops: b }: KernelRoute): boolean {
  if (!a || !b) return a === b
  return a.map(nextHopText).sort().join() === b.map(nextHopText).sort().join()
}

function nextHopText({ device, gateway, onlink, weight, dead }: KernelNextHop): string {
  return [device, gateway, onlink, weight, dead].join(' ')
}
