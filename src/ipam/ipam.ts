// What every part of IPAM is handed, and how it reads and writes: by compare-and-swap over single objects, again and
// again until nobody was faster. Calico: libcalico-go/lib/ipam/{ipam,ipam_block_reader_writer}.go.

import { claimName, dashed, undashed } from '../cluster/cidr-names.ts'
import { type Datastore, type Document, newDocument } from '../cluster/feed.ts'
import type { IpamConfiguration, IpPool } from '../cluster/model.ts'
import { parseDocument } from '../cluster/resources/index.ts'
import { type Address, type Family, familyOf } from '../inet/address.ts'
import { contains, type Prefix } from '../inet/prefix.ts'
import { type BlockSpec, bumped, type Cooldown, rested } from './block.ts'

export type IpamStore = Pick<Datastore, 'get' | 'list' | 'create' | 'update' | 'delete'>

/** The world as IPAM sees it. What the functions answer is read anew for every operation. */
export interface Ipam {
  readonly store: IpamStore
  /** Nanoseconds since 1970. */
  now(): bigint
  /** At least 0, less than 1: spreads the nodes over the blocks of a pool. */
  random(): number
  config(): IpamConfiguration
  /** Every pool there is. */
  pools(): readonly IpPool[]
  /** Ranges that are handed out only to those who ask for an address by name. */
  reservations(): readonly Prefix[]
}

/** An object as it was read or written last: what a conditional write is based on. */
export interface Stored<S> {
  readonly document: Document
  readonly spec: S
}

export interface AffinitySpec {
  readonly node: string
  readonly cidr: Prefix
  readonly type: 'host' | 'virtual'
  readonly state: 'pending' | 'confirmed' | 'pendingDeletion'
  readonly deleted: boolean
}

// ---- blocks

export async function getBlock({ store }: Ipam, cidr: Prefix): Promise<Stored<BlockSpec> | undefined> {
  const document = await store.get('IPAMBlock', dashed(cidr))
  return document && readBlock(document)
}

/** Every block. */
export async function listBlocks({ store }: Ipam): Promise<Stored<BlockSpec>[]> {
  return (await store.list('IPAMBlock')).map(readBlock).filter((block) => block !== undefined)
}

export async function createBlock({ store }: Ipam, spec: BlockSpec): Promise<void> {
  await store.create(newDocument('IPAMBlock', dashed(spec.cidr), spec))
}

/** Writes a block that was read before, one number on. */
export async function updateBlock(
  { store }: Ipam,
  { document }: Stored<BlockSpec>,
  spec: BlockSpec,
): Promise<void> {
  await store.update({ ...document, spec: bumped(spec) })
}

/** The addresses of a block that have rested long enough are free in every reading that leads to a write. */
export async function getRested(ipam: Ipam, cidr: Prefix): Promise<Stored<BlockSpec> | undefined> {
  const block = await getBlock(ipam, cidr)
  return block && { ...block, spec: rested(block.spec, cooldown(ipam)) }
}

export function cooldown(ipam: Ipam): Cooldown {
  return { now: ipam.now(), seconds: ipam.config().ipCooldownSeconds }
}

// ---- affinities

export function affinityOf(host: string): string {
  return `host:${host}`
}

export async function getAffinity(
  { store }: Ipam,
  host: string,
  cidr: Prefix,
): Promise<Stored<AffinitySpec> | undefined> {
  const document = await store.get('BlockAffinity', claimName({ node: host, cidr }))
  return document && readAffinity(document)
}

/** What a host claims in one family. */
export async function listAffinities(
  { store }: Ipam,
  host: string,
  family: Family,
): Promise<Stored<AffinitySpec>[]> {
  return (await store.list('BlockAffinity'))
    .map(readAffinity)
    .filter((row) => row !== undefined)
    .filter(({ spec }) => spec.node === host && spec.type !== 'virtual' && familyOf(spec.cidr) === family)
}

/** Writes a state, or makes the row that was not there before. */
export async function putAffinity(
  { store }: Ipam,
  { host, cidr, state }: { host: string; cidr: Prefix; state: AffinitySpec['state'] },
  row?: Stored<AffinitySpec>,
): Promise<Stored<AffinitySpec>> {
  const spec: AffinitySpec = { ...row?.spec, node: host, cidr, type: 'host', state, deleted: false }
  const written = row
    ? await store.update({ ...row.document, spec })
    : await store.create(newDocument('BlockAffinity', claimName({ node: host, cidr }), spec))
  return { document: written, spec }
}

export function isConfirmed({ spec }: Stored<AffinitySpec>): boolean {
  return spec.state === 'confirmed'
}

// ---- all of them

/** Deletes what was read, unless it has changed since. */
export async function deleteStored({ store }: Ipam, { document }: Stored<unknown>): Promise<void> {
  const { name, resourceVersion = '' } = document.metadata
  await store.delete(document.kind, name, { resourceVersion })
}

export function poolOf({ pools }: Pick<Ipam, 'pools'>, inner: Prefix | Address): IpPool | undefined {
  return pools().find(({ cidr }) => contains(cidr, inner))
}

/** In the form that this code writes: numbers that are bigint, lists that are there. */
function readBlock(document: Document): Stored<BlockSpec> | undefined {
  const parsed = parseDocument(document)
  if (!('resource' in parsed) || parsed.resource.kind !== 'IPAMBlock') return damaged(document)
  const spec = document.spec as BlockSpec
  const numbers = Object.entries(spec.sequenceNumberForAllocation ?? {})
  return {
    document,
    spec: {
      ...spec,
      cidr: parsed.resource.cidr,
      allocations: spec.allocations ?? [],
      unallocated: Array.isArray(spec.unallocated) ? spec.unallocated : [],
      attributes: spec.attributes ?? [],
      sequenceNumber: uint64(spec.sequenceNumber),
      sequenceNumberForAllocation: Object.fromEntries(
        numbers.map(([name, number]) => [name, uint64(number)]),
      ),
    },
  }
}

/** It is there, nobody's as far as we can see, and there is nothing to be had from it. */
function damaged(document: Document): Stored<BlockSpec> | undefined {
  const cidr = undashed(document.metadata.name)
  const nothing = { allocations: [], unallocated: [], attributes: [], sequenceNumberForAllocation: {} }
  return cidr && { document, spec: { cidr, ...nothing, sequenceNumber: 0n, deleted: false } }
}

/** Small ones come as number. What is none counts from the start. */
function uint64(given: unknown): bigint {
  if (typeof given === 'bigint') return given
  return Number.isSafeInteger(given) ? BigInt(given as number) : 0n
}

function readAffinity(document: Document): Stored<AffinitySpec> | undefined {
  const parsed = parseDocument(document)
  if (!('resource' in parsed) || parsed.resource.kind !== 'BlockAffinity') return undefined
  const { node, cidr, type, state, deleted } = parsed.resource
  return { document, spec: { ...(document.spec as object), node, cidr, type, state, deleted } }
}
