// Calico's IPAM as far as a CNI plugin uses it: documents in, documents out (Calico libcalico-go/lib/ipam/ipam_block.go).
//
// Where Calico starts to look for a free block at a place that depends on the node, the lab takes the first one, so that
// stories can say which addresses there will be.

import type { Document } from '../../src/cluster/feed.ts'
import { timestamp } from '../../src/cluster/timestamp.ts'
import { type Address, addressBytes, familyBits, familyOf } from '../../src/inet/address.ts'
import {
  contains,
  nthAddress,
  type Prefix,
  prefixAddress,
  prefixLength,
  prefixOf,
} from '../../src/inet/prefix.ts'
import type { Pool } from '../topology/index.ts'

/** `spec` of an IPAMBlock; null stands for nobody. */
export interface BlockSpec {
  readonly cidr: Prefix
  readonly affinity?: string | null
  readonly affinityClaimTime?: string
  /** By ordinal: null, or an index into `attributes`. */
  readonly allocations: readonly (number | null)[]
  /** Free ordinals; taken from the head, given back at the end. */
  readonly unallocated: readonly number[]
  readonly attributes: readonly Owner[]
  /** Nanoseconds of its creation, and one more for each write. */
  readonly sequenceNumber: bigint
  readonly sequenceNumberForAllocation: Readonly<Record<string, bigint | number>>
  readonly deleted: boolean
}

/** Whom an address belongs to. */
export interface Owner {
  readonly handle_id: string
  readonly secondary: Readonly<Record<string, string>>
}

/** A block of a node with nothing allocated. `now` is in milliseconds. */
export function newBlock(cidr: Prefix, node: string, now: number): BlockSpec {
  const size = 2 ** (familyBits(familyOf(cidr)) - prefixLength(cidr))
  return {
    cidr,
    affinity: `host:${node}`,
    affinityClaimTime: timestamp(now),
    allocations: new Array(size).fill(null),
    unallocated: Array.from({ length: size }, (_, ordinal) => ordinal),
    attributes: [],
    sequenceNumber: BigInt(now) * 1_000_000n,
    sequenceNumberForAllocation: {},
    deleted: false,
  }
}

/** Gives an address of a block to an owner. @throws RangeError when it is taken */
export function allocate(block: BlockSpec, address: Address, owner: Owner): BlockSpec {
  const ordinal = ordinalOf(block.cidr, address)
  if (!block.unallocated.includes(ordinal)) throw new RangeError(`${address} is taken already`)
  const known = block.attributes.findIndex((each) => JSON.stringify(each) === JSON.stringify(owner))
  const attributes = known < 0 ? [...block.attributes, owner] : block.attributes
  return {
    ...block,
    allocations: block.allocations.with(ordinal, known < 0 ? attributes.length - 1 : known),
    unallocated: block.unallocated.filter((free) => free !== ordinal),
    attributes,
    sequenceNumber: block.sequenceNumber + 1n,
    sequenceNumberForAllocation: {
      ...block.sequenceNumberForAllocation,
      [ordinal]: block.sequenceNumber,
    },
  }
}

/** Takes back all that a handle holds in a block. */
export function release(block: BlockSpec, handle: string): BlockSpec {
  const held = (at: number | null): boolean => at !== null && block.attributes[at]?.handle_id === handle
  const freed = block.allocations.flatMap((at, ordinal) => (held(at) ? [ordinal] : []))
  const kept = block.attributes.filter(({ handle_id }) => handle_id !== handle)
  const renumbered = (at: number | null): number | null =>
    at === null || held(at) ? null : kept.indexOf(block.attributes[at]!)
  return {
    ...block,
    allocations: block.allocations.map(renumbered),
    unallocated: [...block.unallocated, ...freed],
    attributes: kept,
    sequenceNumber: block.sequenceNumber + 1n,
    sequenceNumberForAllocation: {
      ...block.sequenceNumberForAllocation,
      ...Object.fromEntries(freed.map((ordinal) => [ordinal, block.sequenceNumber])),
    },
  }
}

/** The address that would be given out next. */
export function nextFree({ cidr, unallocated }: BlockSpec): Address | undefined {
  const [ordinal] = unallocated
  return ordinal === undefined ? undefined : nthAddress(cidr, ordinal)
}

export function ownedBy({ affinity }: BlockSpec, node: string): boolean {
  return affinity === `host:${node}`
}

/** The first aligned block of a pool that overlaps none that is there; undefined when the pool is used up. */
export function firstFreeBlock({ cidr, blockSize }: Pool, taken: readonly Prefix[]): Prefix | undefined {
  const bits = familyBits(familyOf(cidr))
  const [blocks, size] = [2 ** (blockSize - prefixLength(cidr)), 2 ** (bits - blockSize)]
  for (let number = 0; number < blocks; number++) {
    const block = prefixOf(nthAddress(cidr, number * size), blockSize)
    if (!taken.some((other) => contains(other, block) || contains(block, other))) return block
  }
  return undefined
}

/** The block of a pool in which an address lies. */
export function blockAround({ blockSize }: Pool, address: Address): Prefix {
  return prefixOf(address, blockSize)
}

/** The blocks among documents. */
export function blockSpec({ spec }: Document): BlockSpec {
  const block = spec as BlockSpec
  // Small numbers come back from a datastore as numbers.
  return { ...block, sequenceNumber: BigInt(block.sequenceNumber) }
}

function ordinalOf(cidr: Prefix, address: Address): number {
  const [first, wanted] = [prefixAddress(cidr), address].map((each) =>
    addressBytes(each).reduce((sum, byte) => sum * 256n + BigInt(byte), 0n),
  )
  return Number(wanted! - first!)
}
