// What the tests of IPAM share: a cluster in a datastore, IPAM over it, and everything that must be true afterwards.

import { type Document, StoreError } from '../../src/cluster/feed.ts'
import type { IpamConfiguration, Resources } from '../../src/cluster/model.ts'
import { parseDocument } from '../../src/cluster/resources/index.ts'
import { defaultIpam } from '../../src/cluster/resources/ipam-configuration.ts'
import { address } from '../../src/inet/address.ts'
import { contains, nthAddress, type Prefix, prefix } from '../../src/inet/prefix.ts'
import { type BlockSpec, recordOf } from '../../src/ipam/block.ts'
import type { AffinitySpec, Ipam, IpamStore } from '../../src/ipam/ipam.ts'
import { tunnels } from '../../src/ipam/tunnels.ts'
import { document } from './resources.ts'

/** 2026-03-04T05:06:07Z in nanoseconds. */
export const NOW = 1_772_600_767_000_000_000n

export interface Setting {
  readonly pools?: readonly Document[]
  readonly config?: Partial<IpamConfiguration>
  readonly reservations?: readonly string[]
  readonly now?: () => bigint
  readonly random?: () => number
}

/** IPAM over a store. The clock stands still and every search begins at the start of the pool, unless told. */
export function ipamOver(store: IpamStore, setting: Setting = {}): Ipam {
  const { pools = [], config, reservations = [], now = () => NOW, random = () => 0 } = setting
  const parsed = pools.map((document) => resourceOf<'IPPool'>(document))
  return {
    store,
    now,
    random,
    config: () => ({ ...defaultIpam, ...config }),
    pools: () => parsed,
    reservations: () => reservations.map(prefix),
  }
}

export function pool(name: string, cidr: string, spec: object = {}): Document {
  return document('IPPool', { cidr, ipipMode: 'Always', ...spec }, { name })
}

export function node(name: string, spec: object = {}, labels: Record<string, string> = {}): Document {
  return document('Node', { bgp: { ipv4Address: '172.20.0.11/24' }, ...spec }, { name, labels })
}

export function resourceOf<K extends keyof Resources>(document: Document): Resources[K] {
  const parsed = parseDocument(document)
  if ('resource' in parsed) return parsed.resource as Resources[K]
  throw new Error(JSON.stringify(parsed.problems))
}

/** Random numbers from a seed (mulberry32), the same on every run. */
export function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** How a process ends in the middle of something: no error of the datastore's, so nobody catches it. */
export class Crash extends Error {
  override readonly name = 'Crash'
}

export function unavailable(): StoreError {
  return new StoreError('unavailable', 'no answer in time')
}

/**
 * What must never be, whoever is in the middle of whatever: one address with two nodes, blocks that overlap, two hosts
 * that may both use a block.
 */
export function violations(documents: Iterable<Document>): string[] {
  const cluster = read(documents)
  return [
    ...duplicates(cluster.nodeAddresses.map(({ value }) => value)).map((value) => `${value} is on two nodes`),
    ...cluster.blocks.flatMap((a, i) =>
      cluster.blocks
        .slice(i + 1)
        .filter((b) => contains(a.cidr, b.cidr) || contains(b.cidr, a.cidr))
        .map((b) => `${a.cidr} overlaps ${b.cidr}`),
    ),
    ...cluster.blocks.flatMap((block) => {
      const rights = cluster.affinities.filter(
        ({ cidr, node, state }) =>
          cidr === block.cidr && state === 'confirmed' && block.affinity === `host:${node}`,
      )
      return rights.length > 1 ? [`${block.cidr} has two owners`] : []
    }),
    ...cluster.blocks.flatMap(damage),
  ]
}

/** What a run that came to its end must not leave behind, besides the violations. */
export function leftovers(documents: Iterable<Document>): string[] {
  const all = [...documents]
  const { blocks, affinities, handles, nodeAddresses } = read(all)
  const held = blocks.flatMap((block) =>
    block.allocations.flatMap((index, ordinal) => {
      const value = nthAddress(block.cidr, ordinal)
      const record = index === null ? undefined : recordOf(block, value)
      return record && !record.releasedAt ? [{ cidr: block.cidr, value, ...record }] : []
    }),
  )
  return [
    ...violations(all),
    ...affinities
      .filter(({ state }) => state !== 'confirmed')
      .map(({ node, cidr, state }) => `${node} ${cidr} is ${state}`),
    ...affinities
      .filter(
        ({ cidr, node }) => !blocks.some((block) => block.cidr === cidr && block.affinity === `host:${node}`),
      )
      .map(({ node, cidr }) => `${node} has an affinity to ${cidr}, which is not its`),
    ...blocks
      .filter(
        ({ cidr, affinity }) =>
          affinity && !affinities.some((row) => row.cidr === cidr && `host:${row.node}` === affinity),
      )
      .map(({ cidr, affinity }) => `${cidr} belongs to ${affinity}, which has no affinity`),
    ...held
      .filter(
        ({ value, secondary }) =>
          secondary?.type &&
          !nodeAddresses.some(
            (one) => one.value === value && one.node === secondary.node && one.type === secondary.type,
          ),
      )
      .map(({ value, handle_id }) => `${value} of ${handle_id} is on no node`),
    ...nodeAddresses
      .filter(
        ({ value, node, type }) =>
          !held.some(
            (one) => one.value === value && one.secondary?.node === node && one.secondary.type === type,
          ),
      )
      .map(({ value, node }) => `${value} on ${node} is not assigned to it`),
    ...miscounts(handles, held),
  ]
}

interface Held {
  readonly cidr: Prefix
  readonly handle_id?: string | null
}

function miscounts(handles: ReadonlyMap<string, Record<string, number>>, held: readonly Held[]): string[] {
  const counted = [...handles].flatMap(([handle, counts]) =>
    Object.entries(counts).map(([cidr, n]) => `${handle} ${cidr} ${n}`),
  )
  const groups = Map.groupBy(
    held.filter(({ handle_id }) => handle_id),
    ({ handle_id, cidr }) => `${handle_id} ${cidr}`,
  )
  const real = [...groups].map(([name, group]) => `${name} ${group.length}`)
  return [
    ...counted.filter((line) => !real.includes(line)).map((line) => `handle counts ${line}`),
    ...real.filter((line) => !counted.includes(line)).map((line) => `handle does not count ${line}`),
    ...[...handles]
      .filter(([, counts]) => Object.keys(counts).length === 0)
      .map(([handle]) => `handle ${handle} is empty`),
  ]
}

/** Every ordinal is either free or held, and every record is used. */
function damage({ cidr, allocations, unallocated, attributes }: BlockSpec): string[] {
  const ordinals = [...allocations.keys()]
  const free = ordinals.filter((ordinal) => allocations[ordinal] === null)
  const isQueueRight = unallocated.toSorted((a, b) => a - b).join() === free.join()
  const unused = attributes.filter((_, index) => !allocations.includes(index))
  return [
    ...(isQueueRight ? [] : [`${cidr}: the queue does not hold what is free`]),
    ...unused.map((record) => `${cidr}: nobody uses ${JSON.stringify(record)}`),
  ]
}

function read(documents: Iterable<Document>) {
  const all = [...documents]
  const specs = <S>(kind: string) => all.filter((one) => one.kind === kind).map(({ spec }) => spec as S)
  const nodeAddresses = all
    .filter(({ kind }) => kind === 'Node')
    .flatMap(({ metadata, spec }) =>
      tunnels.flatMap(({ field, type }) => {
        const text = field.reduce<unknown>(
          (part, name) => (part as Record<string, unknown> | undefined)?.[name],
          spec,
        )
        return text ? [{ node: metadata.name, type, value: address(String(text)) }] : []
      }),
    )
  return {
    nodeAddresses,
    blocks: specs<BlockSpec>('IPAMBlock'),
    affinities: specs<AffinitySpec>('BlockAffinity'),
    handles: new Map(
      specs<{ handleID: string; block: Record<string, number> }>('IPAMHandle').map(({ handleID, block }) => [
        handleID,
        block,
      ]),
    ),
  }
}

function duplicates<T>(items: readonly T[]): T[] {
  return items.filter((item, index) => items.indexOf(item) !== index)
}
