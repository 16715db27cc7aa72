// IPAMBlock: whose a block of addresses is, and which of its addresses others have.
// Calico: libcalico-go/lib/backend/model/block.go.
//
// Checked by hand: a cluster has tens of thousands of blocks with 64 addresses each, and a schema would look at
// every one of them several times over. Sequence numbers and the queue of free addresses are IPAM's alone.

import { type Address, addressBytes, addressFromBytes, familyBits, familyOf } from '../../inet/address.ts'
import { type Prefix, parsePrefix, prefixAddress, prefixLength } from '../../inet/prefix.ts'
import type { AnyKind, Document } from '../feed.ts'
import { shown } from '../json.ts'
import type { Allocation, Block } from '../model.ts'
import { type Parsed, problem } from './parse.ts'

/** Who holds an address: one record of `spec.attributes`. Nobody holds one that was released and is cooling down. */
interface Holder {
  readonly node: string | undefined
  readonly type: string | undefined
}

type Fields = Readonly<Record<string, unknown>>

class Fault extends Error {
  readonly field: string

  constructor(field: string, message: string) {
    super(message)
    this.field = field
  }
}

const nobody: Holder = { node: undefined, type: undefined }

const strays = [
  'spec.allocations',
  'points to records that are not in spec.attributes; whose they are is unknown',
] as const

export function parseBlock(document: Document<AnyKind>): Parsed<Block> {
  try {
    const spec = fieldsAt('spec', document.spec)
    return { resource: readBlock(spec), warnings: hasStrays(spec) ? [problem(document, ...strays)] : [] }
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    return { problems: [problem(document, error.field, error.message)] }
  }
}

function readBlock(spec: Fields): Block {
  const cidr = readCidr(spec.cidr)
  const holders = listAt('spec.attributes', spec.attributes).map(readHolder)
  const owner = readOwner(spec)
  return {
    kind: 'IPAMBlock',
    name: cidr,
    cidr,
    ...owner,
    allocations: readAllocations(cidr, listAt('spec.allocations', spec.allocations), holders, owner.node),
    deleted: spec.deleted === true,
  }
}

/** Damage to the record of one address must not cost the block its routes. */
function hasStrays({ allocations, attributes }: Fields): boolean {
  const records = Array.isArray(attributes) ? attributes.length : 0
  return Array.isArray(allocations) && allocations.some((index) => index !== null && index >= records)
}

function readCidr(given: unknown): Prefix {
  const cidr = typeof given === 'string' ? parsePrefix(given) : undefined
  if (cidr === undefined)
    throw new Fault('spec.cidr', `${shown(given)} is not a CIDR; write it like 10.244.0.0/26`)
  return cidr
}

/** `host:<node>`, `virtual:<owner>`, or nobody. Blocks of the first releases have a bare `hostAffinity` instead. */
function readOwner({ affinity, hostAffinity }: Fields): Pick<Block, 'node' | 'virtualOwner'> {
  const given = affinity || (hostAffinity ? `host:${hostAffinity}` : '')
  const [, type, owner] = /^(host|virtual):(.+)$/.exec(String(given)) ?? []
  if (given && owner === undefined) {
    throw new Fault('spec.affinity', `${shown(given)} is not an owner; write it like host:node-a`)
  }
  return { node: type === 'host' ? owner : undefined, virtualOwner: type === 'virtual' ? owner : undefined }
}

function readHolder(given: unknown, index: number): Holder {
  const fields = fieldsAt(`spec.attributes[${index}]`, given)
  const secondary = fieldsAt(`spec.attributes[${index}].secondary`, fields.secondary ?? {})
  if (fields.releasedAt != null) return nobody
  return { node: asText(secondary.node), type: asText(secondary.type) }
}

/** `given` has one entry an address: null when free, or else the index of its holder. */
function readAllocations(
  cidr: Prefix,
  given: readonly unknown[],
  holders: readonly Holder[],
  owner: string | undefined,
): Allocation[] {
  const size = 2 ** (familyBits(familyOf(cidr)) - prefixLength(cidr))
  if (given.length > size) {
    throw new Fault('spec.allocations', `has ${given.length} entries, but ${cidr} only ${size} addresses`)
  }
  const base = addressBytes(prefixAddress(cidr))
  const allocations: Allocation[] = []
  for (let ordinal = 0; ordinal < given.length; ordinal++) {
    const index = given[ordinal]
    if (index === null) continue
    if (!Number.isInteger(index) || (index as number) < 0)
      throw new Fault(
        `spec.allocations[${ordinal}]`,
        `${shown(index)} is not the index of a record in spec.attributes`,
      )
    const { node, type } = holders[index as number] ?? nobody
    if (node === undefined || (node === owner && type === undefined)) continue
    allocations.push({ address: addressAt(base, ordinal), node, type })
  }
  return allocations
}

/** As nthAddress, for an ordinal that is known to be inside, and without parsing the prefix for each. */
function addressAt(base: Uint8Array, ordinal: number): Address {
  const bytes = base.slice()
  for (let i = bytes.length - 1, carry = ordinal; carry > 0; i--, carry >>>= 8) {
    carry += bytes[i]!
    bytes[i] = carry & 0xff
  }
  return addressFromBytes(bytes)
}

function fieldsAt(field: string, given: unknown): Fields {
  if (typeof given === 'object' && given !== null && !Array.isArray(given)) return given as Fields
  throw new Fault(field, 'must be a mapping')
}

/** Null where a fresh block has none yet. */
function listAt(field: string, given: unknown): readonly unknown[] {
  if (given === undefined || given === null) return []
  if (Array.isArray(given)) return given
  throw new Fault(field, 'must be a list')
}

function asText(given: unknown): string | undefined {
  return typeof given === 'string' && given !== '' ? given : undefined
}
