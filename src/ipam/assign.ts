// One address for a host, out of given pools. Calico: libcalico-go/lib/ipam/ipam.go (autoAssign).
//
// The ways to one are a table, tried in order: a block of the host's own, a free block, one that another host does not
// use, an address borrowed from another host's block.

import type { IpPool } from '../cluster/model.ts'
import { isRace, untilUndisturbed } from '../cluster/races.ts'
import { type Address, type Family, familyOf } from '../inet/address.ts'
import { contains, type Prefix } from '../inet/prefix.ts'
import { giveUp, isOwner, secure } from './affinity.ts'
import { type BlockSpec, type Holder, isEmpty, take } from './block.ts'
import { freeBlocks } from './free-blocks.ts'
import { count } from './handle.ts'
import {
  affinityOf,
  getRested,
  type Ipam,
  isConfirmed,
  listAffinities,
  listBlocks,
  poolOf,
  type Stored,
  updateBlock,
} from './ipam.ts'

export interface Request {
  readonly host: string
  readonly holder: Holder & { readonly handle_id: string }
  /** All of one family. That they may be used for this is for the caller to see to. */
  readonly pools: readonly IpPool[]
}

/** Blocks a host may have in each family when the cluster does not say. */
const DEFAULT_BLOCKS_PER_HOST = 20
/** A block this young may be about to be used. */
const RECLAIM_AFTER_MS = 60_000

type Way = (ipam: Ipam, request: Request) => Promise<Address | undefined>

const ways: readonly Way[] = [fromOwn, fromFree, fromIdle, borrowed]

/** An address, handed out and counted under the handle; undefined when there is none to be had. */
export async function assign(ipam: Ipam, request: Request): Promise<Address | undefined> {
  if (request.pools.length === 0) return undefined
  for (const way of ways) {
    const address = await way(ipam, request)
    if (address !== undefined) return address
  }
  return undefined
}

/** Gives up the host's empty blocks of one family that lie in no pool which still selects it, or that were to go already. */
export async function giveUpUnselected(
  ipam: Ipam,
  host: { readonly name: string; readonly labels: Readonly<Record<string, string>> },
  family: Family,
): Promise<void> {
  for (const { spec } of await listAffinities(ipam, host.name, family)) {
    const isSelected = poolOf(ipam, spec.cidr)?.nodeSelector.matches(host.labels)
    if (!isSelected || spec.state === 'pendingDeletion') await giveUp(ipam, host.name, spec.cidr, true)
  }
}

/** What an earlier attempt left half done comes first, so that it does not stay so. */
async function fromOwn(ipam: Ipam, request: Request): Promise<Address | undefined> {
  const rows = await listAffinities(ipam, request.host, familyOf(request.pools[0]!.cidr))
  const order = [...rows.filter((row) => !isConfirmed(row)), ...rows.filter(isConfirmed)]
  return takeFromFirst(
    ipam,
    request,
    within(
      request.pools,
      order.map(({ spec }) => spec.cidr),
    ),
  )
}

async function fromFree(ipam: Ipam, request: Request): Promise<Address | undefined> {
  if (!(await mayClaim(ipam, request))) return undefined
  const blocks = await listBlocks(ipam)
  // A claim that was never confirmed may have lost its affinity altogether; the block is still the host's.
  const own = blocks.filter((block) => isOwner(request.host, block)).map(cidrOf)
  const free = inNameOrder(request.pools)
    .values()
    .flatMap((pool) => freeBlocks(pool, blocks.map(cidrOf), ipam.reservations(), ipam.random()))
  return (
    (await takeFromFirst(ipam, request, within(request.pools, own))) ??
    (await takeFromFirst(ipam, request, free))
  )
}

/** A block that its owner has had for a while and does not use. */
async function fromIdle(ipam: Ipam, request: Request): Promise<Address | undefined> {
  if (!(await mayClaim(ipam, request))) return undefined
  for (const { spec } of await othersIn(ipam, request)) {
    const [, owner] = /^host:(.+)$/.exec(spec.affinity ?? '') ?? []
    if (owner === undefined || !isIdle(ipam, spec)) continue
    const now = await getRested(ipam, spec.cidr)
    if (now?.spec.sequenceNumber !== spec.sequenceNumber) continue
    if (!(await giveUp(ipam, owner, spec.cidr, true))) continue
    const address = await takeFromFirst(ipam, request, [spec.cidr])
    if (address !== undefined) return address
  }
  return undefined
}

async function borrowed(ipam: Ipam, request: Request): Promise<Address | undefined> {
  if (ipam.config().strictAffinity) return undefined
  for (const { spec } of shuffled(await othersIn(ipam, request), ipam.random)) {
    const address = await takeFrom(ipam, request, spec.cidr, () => true)
    if (address !== undefined) return address
  }
  return undefined
}

/** The first of these blocks that can be the host's and has an address. */
async function takeFromFirst(
  ipam: Ipam,
  request: Request,
  blocks: Iterable<Prefix>,
): Promise<Address | undefined> {
  const isOurs = ({ affinity }: BlockSpec) => affinity === affinityOf(request.host)
  for (const cidr of blocks) {
    if (!(await secure(ipam, request.host, cidr))) continue
    const address = await takeFrom(ipam, request, cidr, isOurs)
    if (address !== undefined) return address
  }
  return undefined
}

/** The handle is written first, and counts down again when the block turns out to be another one by now. */
function takeFrom(
  ipam: Ipam,
  { holder }: Request,
  cidr: Prefix,
  isUsable: (block: BlockSpec) => boolean,
): Promise<Address | undefined> {
  const isReserved = (address: Address) => ipam.reservations().some((range) => contains(range, address))
  return untilUndisturbed(async () => {
    const block = await getRested(ipam, cidr)
    const taken = block && isUsable(block.spec) ? take(block.spec, holder, isReserved) : undefined
    if (!block || !taken) return undefined
    await count(ipam, holder.handle_id, cidr, 1)
    try {
      await updateBlock(ipam, block, taken.block)
    } catch (error) {
      // After any other failure the write may have come through: then the handle has to know.
      if (isRace(error)) await count(ipam, holder.handle_id, cidr, -1)
      throw error
    }
    return taken.address
  })
}

async function mayClaim(ipam: Ipam, { host, pools }: Request): Promise<boolean> {
  const { autoAllocateBlocks, maxBlocksPerHost } = ipam.config()
  if (!autoAllocateBlocks) return false
  const rows = await listAffinities(ipam, host, familyOf(pools[0]!.cidr))
  return rows.length < (maxBlocksPerHost || DEFAULT_BLOCKS_PER_HOST)
}

function isIdle(ipam: Ipam, block: BlockSpec): boolean {
  const age = Number(ipam.now() / 1_000_000n) - Date.parse(block.affinityClaimTime ?? '')
  return isEmpty(block) && age > RECLAIM_AFTER_MS
}

/** Blocks in the pools that are not the host's. */
async function othersIn(ipam: Ipam, { host, pools }: Request): Promise<Stored<BlockSpec>[]> {
  const isInPools = ({ spec }: Stored<BlockSpec>) => within(pools, [spec.cidr]).length > 0
  return (await listBlocks(ipam)).filter((block) => isInPools(block) && !isOwner(host, block))
}

function within(pools: readonly IpPool[], blocks: readonly Prefix[]): Prefix[] {
  return blocks.filter((block) => pools.some(({ cidr }) => contains(cidr, block)))
}

function inNameOrder(pools: readonly IpPool[]): IpPool[] {
  return pools.toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

function cidrOf({ spec }: Stored<BlockSpec>): Prefix {
  return spec.cidr
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  return items
    .map((item) => ({ item, place: random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ item }) => item)
}
