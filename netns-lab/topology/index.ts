// A topology: subnets, the machines in them, and what the cluster's datastore says at the start.

import { readFileSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { parse } from 'yaml'
import type { z } from 'zod'
import type { Document } from '../../src/cluster/feed.ts'
import { type Address, type Family, familyOf } from '../../src/inet/address.ts'
import { type Cidr, contains, type Prefix, parsePrefix, prefixLength } from '../../src/inet/prefix.ts'
import { complaints, podSchema, topologySchema } from './schema.ts'

export interface Topology {
  /** Name of the lab, and part of the names of its namespaces. */
  readonly name: string
  readonly segments: readonly Segment[]
  readonly routers: readonly Machine[]
  readonly hosts: readonly Machine[]
  readonly nodes: readonly LabNode[]
  readonly pools: readonly Pool[]
  readonly pods: readonly Pod[]
  readonly documents: readonly Document[]
}

/** An Ethernet with one subnet or several. */
export interface Segment {
  readonly name: string
  readonly subnets: readonly Prefix[]
}

export interface Machine {
  readonly name: string
  readonly addresses: readonly Cidr[]
  readonly routes: readonly StaticRoute[]
  /** Configuration of the BIRD that runs on it. */
  readonly bird: string | undefined
  /** The same of an FRR. */
  readonly frr: string | undefined
}

export interface StaticRoute {
  readonly to: Prefix | 'default'
  readonly via: Address
}

export interface LabNode extends Machine {
  /** A step may change it. */
  agent: 'caracal' | 'bird' | 'none'
  readonly asn: number | undefined
  readonly routeReflectorClusterID: string | undefined
  readonly labels: Readonly<Record<string, string>>
  readonly registered: boolean
  readonly started: boolean
  readonly blocks: readonly Prefix[]
  readonly podCidrs: readonly Prefix[]
  readonly environment: Readonly<Record<string, string>>
}

export interface Pool {
  readonly name: string
  readonly cidr: Prefix
  readonly blockSize: number
  /** As written, with `cidr` as it was spelt. */
  readonly spec: Readonly<Record<string, unknown>>
}

export interface Pod {
  readonly name: string
  readonly namespace: string
  readonly node: string
  readonly addresses: readonly Address[]
  readonly pools: readonly string[]
  readonly borrowFrom: string | undefined
  readonly labels: Readonly<Record<string, string>>
  readonly bird: string | undefined
}

/** What is wrong with a file somebody wrote for the lab: a line for each thing. */
export class LabFileError extends Error {
  override readonly name = 'LabFileError'

  constructor(file: string, problems: readonly string[], cause?: unknown) {
    super(problems.map((problem) => `${file}: ${problem}`).join('\n'), { cause })
  }
}

/** Reads and checks a topology. Its name is that of the file, or of the folder of a `topology.yaml`. @throws LabFileError */
export function readTopology(file: string): Topology {
  const stem = basename(file).replace(/\.ya?ml$/, '')
  return parseTopology(stem === 'topology' ? basename(dirname(file)) : stem, file, readFileSync(file, 'utf8'))
}

/** As `readTopology`, for text. `file` is for messages. @throws LabFileError */
export function parseTopology(name: string, file: string, text: string): Topology {
  const { data, error } = topologySchema.safeParse(readYaml(file, text))
  if (error) throw new LabFileError(file, complaints(error))
  const topology: Topology = {
    name,
    segments: named(data.segments),
    routers: named(data.routers).map(machineOf),
    hosts: named(data.hosts).map(machineOf),
    nodes: named(data.nodes).map(({ 'pod-cidrs': podCidrs, ...node }) => ({
      ...node,
      ...machineOf(node),
      asn: node.asn,
      routeReflectorClusterID: node.routeReflectorClusterID,
      podCidrs,
    })),
    pools: named(data.pools).map(({ name, ...spec }) => poolOf(name, spec)),
    pods:
      typeof data.pods === 'number' ? podsOnEach(Object.keys(data.nodes), data.pods) : data.pods.map(podOf),
    documents: data.documents as readonly Document[],
  }
  const problems = checks.flatMap((check) => check(topology))
  if (problems.length > 0) throw new LabFileError(file, problems)
  return topology
}

/** The YAML of a file. @throws LabFileError */
export function readYaml(file: string, text: string): unknown {
  try {
    return parse(text, { merge: true })
  } catch (err) {
    throw new LabFileError(file, [(err as Error).message], err)
  }
}

/** Everything with a place in a segment. */
export function machines(topology: Topology): readonly Machine[] {
  return [...topology.routers, ...topology.hosts, ...topology.nodes]
}

/** The segment in which an address lies. */
export function segmentOf({ segments }: Topology, of: Address): Segment | undefined {
  return segments.find(({ subnets }) => subnets.some((subnet) => contains(subnet, of)))
}

/** Its address in a family, the first if there are several. */
export function addressOf({ addresses }: Machine, family: Family): Cidr | undefined {
  return addresses.find(({ address }) => familyOf(address) === family)
}

/** Its own, and by default one to the only router of a segment. A router knows its way from its file. */
export function routesOf(topology: Topology, machine: Machine): StaticRoute[] {
  if (topology.routers.includes(machine)) return [...machine.routes]
  const families = new Set(machine.addresses.map(({ address }) => familyOf(address)))
  for (const { to, via } of machine.routes) if (to === 'default') families.delete(familyOf(via))
  const segments = new Set(machine.addresses.map(({ address }) => segmentOf(topology, address)))
  const gateways = topology.routers
    .flatMap(({ addresses }) => addresses.map(({ address }) => address))
    .filter((address) => families.has(familyOf(address)) && segments.has(segmentOf(topology, address)))
  const only = gateways.filter(
    (one) => gateways.filter((other) => familyOf(other) === familyOf(one)).length === 1,
  )
  return [...machine.routes, ...only.map((via) => ({ to: 'default' as const, via }))]
}

/** `172.20.0.11/24`. */
export function spelt({ address, prefix }: Cidr): string {
  return `${address}/${prefixLength(prefix)}`
}

/** A pod as its YAML says it, with defaults. */
/** With the defaults of what is not said. */
export function podOf(given: z.input<typeof podSchema>): Pod {
  const { 'borrow-from': borrowFrom, bird, ...pod } = podSchema.parse(given)
  return { ...pod, borrowFrom, bird }
}

/** Of node-a: a-1, a-2, … */
function podsOnEach(nodes: readonly string[], count: number): Pod[] {
  const numbers = Array.from({ length: count }, (_, i) => i + 1)
  return nodes.flatMap((node) =>
    numbers.map((number) => podOf({ name: `${node.replace(/^node-/, '')}-${number}`, node })),
  )
}

function machineOf(machine: {
  name: string
  addresses: readonly Cidr[]
  routes: Readonly<Record<string, Address>>
  bird?: string | undefined
  frr?: string | undefined
}): Machine {
  const { name, addresses, routes, bird, frr } = machine
  const list = Object.entries(routes).map(([to, via]) => ({ to: to as StaticRoute['to'], via }))
  return { name, addresses, routes: list, bird, frr }
}

/** A pool as its YAML or its document says it. */
export function poolOf(name: string, spec: { cidr: string; blockSize?: number | undefined }): Pool {
  const cidr = parsePrefix(spec.cidr)!
  return { name, cidr, blockSize: spec.blockSize ?? (familyOf(cidr) === 'ipv4' ? 26 : 122), spec }
}

function named<T>(record: Readonly<Record<string, T>>): (T & { readonly name: string })[] {
  return Object.entries(record).map(([name, value]) => ({ name, ...value }))
}

// ---- what the parts say about each other

const checks: readonly ((topology: Topology) => string[])[] = [
  (topology) => {
    const all = [topology.segments, machines(topology), topology.pods].flat().map(({ name }) => name)
    return repeated(all).map((name) => `${name}: two things have this name`)
  },
  (topology) => {
    const all = machines(topology).flatMap(({ addresses }) => addresses.map(({ address }) => address))
    return repeated(all).map((address) => `${address}: two machines have this address`)
  },
  (topology) =>
    machines(topology).flatMap(({ name, addresses }) =>
      addresses
        .filter(({ address }) => !segmentOf(topology, address))
        .map((cidr) => `${name}: ${spelt(cidr)} lies in the subnet of no segment`),
    ),
  (topology) =>
    topology.nodes
      .filter((node) => addressOf(node, 'ipv4') && !hasIpv4Default(topology, node))
      .map(
        ({ name }) =>
          `${name}: no IPv4 default route, and without one the kernel does not answer pods that ask for 169.254.1.1; ` +
          'put one router into its segment, or give it routes: {default: …}',
      ),
  ({ pods, nodes }) =>
    pods.flatMap(({ name, node, borrowFrom }) =>
      [...new Set([node, borrowFrom ?? node])]
        .filter((wanted) => !nodes.some(({ name }) => name === wanted))
        .map((wanted) => `pod ${name}: there is no node ${wanted}`),
    ),
  ({ pods, pools }) =>
    pods.flatMap((pod) =>
      pod.pools
        .filter((wanted) => !pools.some(({ name }) => name === wanted))
        .map((wanted) => `pod ${pod.name}: there is no pool ${wanted}`),
    ),
  ({ nodes, pods, pools }) =>
    [...nodes.flatMap(({ blocks }) => blocks), ...pods.flatMap(({ addresses }) => addresses)]
      .filter((wanted) => !pools.some(({ cidr }) => contains(cidr, wanted)))
      .map((wanted) => `${wanted}: lies in no pool`),
]

function hasIpv4Default(topology: Topology, node: LabNode): boolean {
  return routesOf(topology, node).some(({ to, via }) => to === 'default' && familyOf(via) === 'ipv4')
}

function repeated(names: readonly string[]): string[] {
  return [...new Set(names.filter((name, at) => names.indexOf(name) !== at))]
}
