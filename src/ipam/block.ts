// What happens inside one block: addresses are taken from the head of a queue, and go back to its tail.
// Calico: libcalico-go/lib/ipam/ipam_block.go. Values in, values out; who may write is the business of the callers.

import { same } from '../cluster/same.ts'
import { timestamp } from '../cluster/timestamp.ts'
import { type Address, familyBits, familyOf } from '../inet/address.ts'
import { numberOf } from '../inet/number.ts'
import { contains, nthAddress, type Prefix, prefixAddress, prefixLength } from '../inet/prefix.ts'

/** Who holds an address. Names are those of the stored form. */
export interface Holder {
  readonly handle_id?: string | null
  readonly secondary?: Readonly<Record<string, string>> | null
}

/** One record of `attributes`; several addresses may share it. */
export interface AddressRecord extends Holder {
  /** The address is cooling down: nobody's, and not free yet. RFC 3339. */
  readonly releasedAt?: string | null
}

/** The spec of an IPAMBlock document. Fields we do not know travel along. */
export interface BlockSpec {
  readonly cidr: Prefix
  /** `host:<node>`, `virtual:<owner>`, or nobody. */
  readonly affinity?: string | null
  /** RFC 3339. */
  readonly affinityClaimTime?: string | undefined
  /** An entry an address: null when free, or else an index into `attributes`. */
  readonly allocations: readonly (number | null)[]
  /** Free ordinals in the order in which they will be handed out. */
  readonly unallocated: readonly number[]
  readonly attributes: readonly AddressRecord[]
  /** A uint64, one higher with every write. */
  readonly sequenceNumber: bigint
  /** By ordinal, the number of the block when the address last changed hands. */
  readonly sequenceNumberForAllocation: Readonly<Record<string, bigint>>
  readonly deleted: boolean
}

/** What time it is (nanoseconds since 1970) and how long a released address rests (seconds). */
export interface Cooldown {
  readonly now: bigint
  readonly seconds: number
}

/** Of these the first three and the last address of a block on Windows. They do not make it a used one. */
const WINDOWS_RESERVED = 'windows-reserved-ipam-handle'

/** Absent and null mean the same in a record. */
const nothing: AddressRecord = { handle_id: null, secondary: null, releasedAt: null }

/** A block that nobody has an address of. `now` in nanoseconds, so that no two lives of a block share a number. */
export function newBlock(cidr: Prefix, affinity: string, now: bigint): BlockSpec {
  const ordinals = [...new Array(2 ** (familyBits(familyOf(cidr)) - prefixLength(cidr))).keys()]
  return {
    cidr,
    affinity,
    affinityClaimTime: timestampOf(now),
    allocations: ordinals.map(() => null),
    unallocated: ordinals,
    attributes: [],
    sequenceNumber: now,
    sequenceNumberForAllocation: {},
    deleted: false,
  }
}

/** The block as it is written next: every write has a number of its own. */
export function bumped(block: BlockSpec): BlockSpec {
  return { ...block, sequenceNumber: block.sequenceNumber + 1n }
}

/** The block without owner: addresses in use stay so and count as borrowed. */
export function disowned({ affinityClaimTime: _, ...block }: BlockSpec): BlockSpec {
  return { ...block, affinity: null }
}

/** Hands out the first address of the queue that is not reserved; undefined when there is none. */
export function take(
  block: BlockSpec,
  holder: Holder,
  isReserved: (address: Address) => boolean,
): { readonly block: BlockSpec; readonly address: Address } | undefined {
  const ordinal = block.unallocated.find((free) => !isReserved(nthAddress(block.cidr, free)))
  if (ordinal === undefined) return undefined
  const unallocated = block.unallocated.filter((free) => free !== ordinal)
  return {
    block: hold({ ...block, unallocated }, [ordinal], holder),
    address: nthAddress(block.cidr, ordinal),
  }
}

/** Writes another holder for an address that is handed out already. */
export function rehold(block: BlockSpec, address: Address, holder: Holder): BlockSpec {
  return compacted(hold(block, [ordinalIn(block.cidr, address)], holder))
}

/** Takes addresses back: each rests, and is free again when it has rested for as long as the cluster wants it to. */
export function release(block: BlockSpec, ordinals: readonly number[], cooldown: Cooldown): BlockSpec {
  if (ordinals.length === 0) return block
  return rested(hold(block, ordinals, { releasedAt: timestampOf(cooldown.now) }), cooldown)
}

/** Puts addresses that have rested long enough at the end of the queue. To be done before any write. */
export function rested(block: BlockSpec, { now, seconds }: Cooldown): BlockSpec {
  const limit = Number(now / 1_000_000n) - seconds * 1000
  const ready = ordinalsWhere(
    block,
    ({ releasedAt }) => releasedAt != null && Date.parse(releasedAt) <= limit,
  )
  if (ready.length === 0) return compacted(block)
  return compacted({
    ...block,
    allocations: block.allocations.map((index, ordinal) => (ready.includes(ordinal) ? null : index)),
    unallocated: [...block.unallocated, ...ready],
    sequenceNumberForAllocation: without(block.sequenceNumberForAllocation, ready),
  })
}

/** Nobody has an address of it, and none is cooling down. */
export function isEmpty(block: BlockSpec): boolean {
  return ordinalsWhere(block, (record) => record.handle_id?.toLowerCase() !== WINDOWS_RESERVED).length === 0
}

/** What is recorded about an address; undefined when it is free. */
export function recordOf(block: BlockSpec, address: Address): AddressRecord | undefined {
  const index = block.allocations[ordinalIn(block.cidr, address)]
  return typeof index === 'number' ? (block.attributes[index] ?? {}) : undefined
}

/** The addresses under a handle. What an old Windows bug left behind a carriage return is no part of it. */
export function ordinalsOf(block: BlockSpec, handle: string): number[] {
  return ordinalsWhere(block, ({ handle_id }) => handle_id?.split('\r')[0] === handle)
}

/** Which address of the block it is. @throws RangeError for one that is not inside */
export function ordinalIn(cidr: Prefix, address: Address): number {
  if (!contains(cidr, address)) throw new RangeError(`${address} is not in ${cidr}`)
  return Number(numberOf(address) - numberOf(prefixAddress(cidr)))
}

function hold(block: BlockSpec, ordinals: readonly number[], record: AddressRecord): BlockSpec {
  const known = block.attributes.findIndex((other) => saySame(other, record))
  const index = known < 0 ? block.attributes.length : known
  const changed = Object.fromEntries(ordinals.map((ordinal) => [ordinal, block.sequenceNumber]))
  return {
    ...block,
    allocations: block.allocations.map((before, ordinal) => (ordinals.includes(ordinal) ? index : before)),
    attributes: known < 0 ? [...block.attributes, record] : block.attributes,
    sequenceNumberForAllocation: { ...block.sequenceNumberForAllocation, ...changed },
  }
}

/** Without the records that no address refers to any more. */
function compacted(block: BlockSpec): BlockSpec {
  const used = block.attributes.map((_, index) => block.allocations.includes(index))
  if (!used.includes(false)) return block
  const moved = used.map((_, index) => used.slice(0, index).filter(Boolean).length)
  return {
    ...block,
    attributes: block.attributes.filter((_, index) => used[index]),
    // An index without a record is damage of somebody else's making, and stays what it is.
    allocations: block.allocations.map((index) => (index === null ? null : (moved[index] ?? index))),
  }
}

function ordinalsWhere(block: BlockSpec, holds: (record: AddressRecord) => boolean): number[] {
  return block.allocations.flatMap((index, ordinal) =>
    index !== null && holds(block.attributes[index] ?? {}) ? [ordinal] : [],
  )
}

function saySame(a: AddressRecord, b: AddressRecord): boolean {
  return same({ ...nothing, ...a }, { ...nothing, ...b })
}

function without(fields: Readonly<Record<string, bigint>>, names: readonly number[]): Record<string, bigint> {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !names.includes(Number(name))))
}

/** `now` in nanoseconds since 1970. */
function timestampOf(now: bigint): string {
  return timestamp(Number(now / 1_000_000n))
}
