// Addresses and blocks in the datastore, with the writes in Calico's order (libcalico-go/lib/ipam/ipam.go): affinity before
// block before confirmation; handle before block.

import type { Document } from '../../src/cluster/feed.ts'
import { type Address, familyOf } from '../../src/inet/address.ts'
import { contains, type Prefix } from '../../src/inet/prefix.ts'
import { type Pod, type Pool, poolOf } from '../topology/index.ts'
import {
  affinityDocument,
  affinityName,
  blockDocument,
  blockName,
  byFamily,
  handleDocument,
  ownerOf,
} from './documents.ts'
import {
  allocate,
  type BlockSpec,
  blockAround,
  blockSpec,
  firstFreeBlock,
  newBlock,
  nextFree,
  ownedBy,
  release,
} from './ipam.ts'
import { change, put, remove, type Store } from './store.ts'

/** A pod asked for something the pools cannot give. */
export class IpamError extends Error {
  override readonly name = 'IpamError'
}

/** Makes a node the owner of a new block. */
export async function claimBlock(store: Store, cidr: Prefix, node: string): Promise<BlockSpec> {
  await put(store, affinityDocument(node, cidr, 'pending'))
  const block = newBlock(cidr, node, Date.now())
  await store.create(blockDocument(block))
  await put(store, affinityDocument(node, cidr, 'confirmed'))
  return block
}

/** Ends a node's ownership. A block in which addresses are still in use stays, as nobody's. */
export async function releaseBlock(store: Store, cidr: Prefix): Promise<void> {
  const [block] = (await blocks(store)).filter((each) => each.cidr === cidr)
  const node = block?.affinity?.replace(/^host:/, '')
  if (!block || node === undefined) throw new IpamError(`no node owns a block ${cidr}`)
  const affinity = affinityName(node, cidr)
  await change(store, 'BlockAffinity', affinity, (found) => withSpec(found, { state: 'pendingDeletion' }))
  await editBlock(store, cidr, ({ affinityClaimTime: _, ...spec }) => ({ ...spec, affinity: null }))
  await remove(store, affinityDocument(node, cidr, 'confirmed'))
}

/**
 * Addresses for a pod: those it asks for, or one a family. `known` are the pools of the topology.
 * @throws IpamError when that cannot be
 */
export async function assignAddresses(
  store: Store,
  known: readonly Pool[],
  pod: Pod,
): Promise<readonly Address[]> {
  const pools = await enabledPools(store, known)
  if (pod.addresses.length > 0) {
    for (const address of pod.addresses)
      await take(store, pod, await blockFor(store, pools, pod, address), address)
    return pod.addresses
  }
  const given: Address[] = []
  for (const pool of poolsOf(pools, pod)) {
    const block = await blockWithRoom(store, pool, pod)
    const address = nextFree(block)!
    await take(store, pod, block.cidr, address)
    given.push(address)
  }
  return byFamily(given)
}

/** Gives back all addresses of a pod. */
export async function releaseAddresses(store: Store, pod: Pod): Promise<void> {
  const { handle_id: handle } = ownerOf(pod)
  const found = await store.get('IPAMHandle', handle)
  const held = Object.keys((found?.spec as { block?: Record<string, number> })?.block ?? {})
  for (const cidr of held) await editBlock(store, cidr as Prefix, (block) => release(block, handle))
  await remove(store, handleDocument(handle, {}))
}

/** The known ones first: what a step adds changes nothing for pods that name no pool. */
async function enabledPools(store: Store, known: readonly Pool[]): Promise<Pool[]> {
  const documents = (await store.list('IPPool')).filter(({ spec }) => !(spec as Pool['spec']).disabled)
  const enabled = new Map(documents.map(({ metadata, spec }) => [metadata.name, spec]))
  const names = new Set([...known.map(({ name }) => name), ...enabled.keys()])
  return [...names]
    .filter((name) => enabled.has(name))
    .map((name) => poolOf(name, enabled.get(name) as Pool['spec'] & { cidr: string }))
}

/** Of the pools it names, or else of all, the first of each family. */
function poolsOf(pools: readonly Pool[], pod: Pod): Pool[] {
  const wanted = pod.pools.length > 0 ? pools.filter(({ name }) => pod.pools.includes(name)) : pools
  if (wanted.length === 0) throw new IpamError(`pod ${pod.name}: there is no pool to take an address from`)
  return [...new Map(wanted.toReversed().map((pool) => [familyOf(pool.cidr), pool])).values()]
}

async function blockWithRoom(store: Store, pool: Pool, { name, node, borrowFrom }: Pod): Promise<BlockSpec> {
  const all = (await blocks(store)).sort((a, b) => (a.cidr < b.cidr ? -1 : 1))
  const usable = all.filter(
    (block) =>
      ownedBy(block, borrowFrom ?? node) && contains(pool.cidr, block.cidr) && nextFree(block) !== undefined,
  )
  if (usable[0]) return usable[0]
  if (borrowFrom !== undefined)
    throw new IpamError(`pod ${name}: ${borrowFrom} has no address of ${pool.name} to lend`)
  const free = firstFreeBlock(
    pool,
    all.map(({ cidr }) => cidr),
  )
  if (free === undefined) throw new IpamError(`pod ${name}: pool ${pool.name} has no free block`)
  return claimBlock(store, free, node)
}

/** The block around an address, whoever owns it; claimed for the pod's node when it is nobody's. */
async function blockFor(store: Store, pools: readonly Pool[], pod: Pod, address: Address): Promise<Prefix> {
  const found = (await blocks(store)).find(({ cidr }) => contains(cidr, address))
  if (found) return found.cidr
  const pool = pools.find(({ cidr }) => contains(cidr, address))
  if (!pool) throw new IpamError(`pod ${pod.name}: ${address} lies in no pool`)
  return (await claimBlock(store, blockAround(pool, address), pod.node)).cidr
}

async function take(store: Store, pod: Pod, cidr: Prefix, address: Address): Promise<void> {
  const owner = ownerOf(pod)
  const handle = await store.get('IPAMHandle', owner.handle_id)
  const counts = (handle?.spec as { block?: Record<string, number> } | undefined)?.block ?? {}
  await put(store, handleDocument(owner.handle_id, { ...counts, [cidr]: (counts[cidr] ?? 0) + 1 }))
  await editBlock(store, cidr, (block) => allocate(block, address, owner))
}

/** A block that is empty and nobody's is deleted. */
function editBlock(store: Store, cidr: Prefix, edit: (block: BlockSpec) => BlockSpec): Promise<void> {
  return change(store, 'IPAMBlock', blockName(cidr), (document) => {
    const spec = edit(blockSpec(document))
    const empty = spec.allocations.every((at) => at === null)
    return empty && !spec.affinity ? undefined : { ...document, spec }
  })
}

async function blocks(store: Store): Promise<BlockSpec[]> {
  return (await store.list('IPAMBlock')).map(blockSpec)
}

function withSpec(document: Document, fields: object): Document {
  return { ...document, spec: { ...(document.spec as object), ...fields } }
}
