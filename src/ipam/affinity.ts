// Whose a block is. The block itself decides; the affinity beside it announces what its host is about to do.
//
//   create affinity `pending` → create block → affinity `confirmed`
//   affinity `pendingDeletion` → delete block, or write it without owner → delete affinity
//
// A host that dies between two writes leaves a row that gives no right to anything, and that the next attempt goes on
// from; of two hosts that want one block, the one that creates it has it. Calico: ipam_block_reader_writer.go.

import { untilUndisturbed } from '../cluster/races.ts'
import type { Prefix } from '../inet/prefix.ts'
import { type BlockSpec, disowned, isEmpty, newBlock } from './block.ts'
import {
  type AffinitySpec,
  affinityOf,
  createBlock,
  deleteStored,
  getAffinity,
  getRested,
  type Ipam,
  isConfirmed,
  putAffinity,
  type Stored,
  updateBlock,
} from './ipam.ts'

/** Makes sure that a block is the host's, from whatever state an earlier attempt left. False when it is another's. */
export function secure(ipam: Ipam, host: string, cidr: Prefix): Promise<boolean> {
  return untilUndisturbed(async () => {
    const [row, block] = [await getAffinity(ipam, host, cidr), await getRested(ipam, cidr)]
    if (block && !isOwner(host, block)) {
      if (row) await deleteStored(ipam, row)
      return false
    }
    if (!row || !block || !isConfirmed(row)) await claim(ipam, host, cidr, row, block)
    return true
  })
}

/**
 * Gives a block up: an empty one is deleted, one in use is left without owner. With `onlyEmpty` the second does not
 * happen. True when the host has no claim on it any more.
 */
export function giveUp(ipam: Ipam, host: string, cidr: Prefix, onlyEmpty: boolean): Promise<boolean> {
  return untilUndisturbed(async () => {
    const [row, block] = [await getAffinity(ipam, host, cidr), await getRested(ipam, cidr)]
    const isTheirs = block !== undefined && isOwner(host, block)
    if (isTheirs && onlyEmpty && !isEmpty(block.spec)) {
      // Somebody took an address between two of our attempts: what we announced is off.
      if (row?.spec.state === 'pendingDeletion') await claim(ipam, host, cidr, row, block)
      return false
    }
    const leaving =
      isTheirs && row ? await putAffinity(ipam, { host, cidr, state: 'pendingDeletion' }, row) : row
    if (isTheirs)
      await (isEmpty(block.spec) ? deleteStored(ipam, block) : updateBlock(ipam, block, disowned(block.spec)))
    if (leaving) await deleteStored(ipam, leaving)
    return true
  })
}

export function isOwner(host: string, { spec }: Stored<BlockSpec>): boolean {
  return spec.affinity === affinityOf(host)
}

async function claim(
  ipam: Ipam,
  host: string,
  cidr: Prefix,
  row: Stored<AffinitySpec> | undefined,
  block: Stored<BlockSpec> | undefined,
): Promise<void> {
  const pending = await putAffinity(ipam, { host, cidr, state: 'pending' }, row)
  // An existing block is written, too: whoever is about to delete it must find that it has changed.
  if (block) await updateBlock(ipam, block, block.spec)
  else await createBlock(ipam, newBlock(cidr, affinityOf(host), ipam.now()))
  await putAffinity(ipam, { host, cidr, state: 'confirmed' }, pending)
}
