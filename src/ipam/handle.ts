// Handles: under which name somebody has addresses, and in which blocks. Calico: libcalico-go/lib/ipam/ipam_handle.go.
//
// A handle counts an address before the block hands it out, and until after it has been taken back. What a crash leaves
// is then a count too many, never an address that nobody can release; `settle` brings the counts back to the truth.

import { newDocument } from '../cluster/feed.ts'
import { untilUndisturbed } from '../cluster/races.ts'
import type { Address } from '../inet/address.ts'
import { contains, type Prefix } from '../inet/prefix.ts'
import { type BlockSpec, isEmpty, ordinalIn, ordinalsOf, release } from './block.ts'
import { cooldown, deleteStored, getRested, type Ipam, type Stored, updateBlock } from './ipam.ts'

interface HandleSpec {
  readonly handleID: string
  /** Addresses by block. */
  readonly block: Readonly<Record<string, number>>
  readonly deleted: boolean
}

type Counts = HandleSpec['block']

/** An address that is to stay, and its block. */
export interface Survivor {
  readonly cidr: Prefix
  readonly address: Address
}

/** Counts one more address in a block (-1: one less; a handle that is not there has nothing to lose). */
export function count(ipam: Ipam, handle: string, cidr: Prefix, change: 1 | -1): Promise<void> {
  return untilUndisturbed(async () => {
    const row = await getHandle(ipam, handle)
    if (!row && change < 0) return
    const before = row?.spec.block ?? {}
    await putCounts(ipam, handle, row, { ...before, [cidr]: (before[cidr] ?? 0) + change })
  })
}

/**
 * Releases every address of a handle but the survivor, and makes the handle count what there is. Afterwards the two
 * agree, whatever an earlier run left behind. False when there was no such handle.
 */
export function settle(ipam: Ipam, handle: string, survivor?: Survivor): Promise<boolean> {
  return untilUndisturbed(async () => {
    const row = await getHandle(ipam, handle)
    const blocks = new Set([
      ...Object.keys(row?.spec.block ?? {}),
      ...(survivor ? [survivor.cidr] : []),
    ] as Prefix[])
    const counts: Record<string, number> = {}
    for (const cidr of blocks) counts[cidr] = await releaseIn(ipam, cidr, handle, survivor?.address)
    await putCounts(ipam, handle, row, counts)
    return row !== undefined
  })
}

/** Takes one address back, whoever holds it. */
export function releaseAddress(ipam: Ipam, { cidr, address }: Survivor): Promise<void> {
  return untilUndisturbed(() => releaseOrdinals(ipam, cidr, () => [ordinalIn(cidr, address)]))
}

/** How many addresses of the handle are left in the block. */
async function releaseIn(
  ipam: Ipam,
  cidr: Prefix,
  handle: string,
  keep: Address | undefined,
): Promise<number> {
  let kept = 0
  await untilUndisturbed(() =>
    releaseOrdinals(ipam, cidr, (block) => {
      const all = ordinalsOf(block, handle)
      const stays = keep !== undefined && contains(cidr, keep) ? ordinalIn(cidr, keep) : undefined
      const others = all.filter((ordinal) => ordinal !== stays)
      kept = all.length - others.length
      return others
    }),
  )
  return kept
}

/** A block that is empty then and that nobody owns is of no use to anybody. */
async function releaseOrdinals(
  ipam: Ipam,
  cidr: Prefix,
  choose: (block: BlockSpec) => number[],
): Promise<void> {
  const block = await getRested(ipam, cidr)
  const ordinals = block ? choose(block.spec) : []
  if (!block || ordinals.length === 0) return
  const after = release(block.spec, ordinals, cooldown(ipam))
  if (isEmpty(after) && !after.affinity) await deleteStored(ipam, block)
  else await updateBlock(ipam, block, after)
}

async function getHandle({ store }: Ipam, handle: string): Promise<Stored<HandleSpec> | undefined> {
  const document = await store.get('IPAMHandle', handle)
  return document && { document, spec: document.spec as HandleSpec }
}

/** Writes the counts that are above zero; a handle without any is deleted. */
async function putCounts(
  ipam: Ipam,
  handle: string,
  row: Stored<HandleSpec> | undefined,
  counts: Counts,
): Promise<void> {
  const block = Object.fromEntries(Object.entries(counts).filter(([, number]) => number > 0))
  const spec = { ...row?.spec, handleID: handle, block, deleted: false }
  const isNews = JSON.stringify(block) !== JSON.stringify(row?.spec.block ?? {})
  if (Object.keys(block).length === 0) await (row && deleteStored(ipam, row))
  else if (!row) await ipam.store.create(newDocument('IPAMHandle', handle, spec))
  else if (isNews) await ipam.store.update({ ...row.document, spec })
}
