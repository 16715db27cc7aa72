// The addresses of this node's tunnels: given, kept, replaced, taken back. Calico: node/pkg/allocateip.
//
// What IPAM says about an address counts, not what the Node says: after a datastore was restored another may have it.
// Each run begins with what it finds and ends with Node, block and handle in agreement, so that a run after a crash
// needs to know nothing of the one before.

import type { Document } from '../cluster/feed.ts'
import type { IpPool } from '../cluster/model.ts'
import { isRace, untilUndisturbed } from '../cluster/races.ts'
import { type Address, familyBits, parseAddress } from '../inet/address.ts'
import { contains, type Prefix, prefixOf } from '../inet/prefix.ts'
import { assign, giveUpUnselected } from './assign.ts'
import { type AddressRecord, recordOf, rehold } from './block.ts'
import { count, releaseAddress, type Survivor, settle } from './handle.ts'
import { getBlock, getRested, type Ipam, poolOf, updateBlock } from './ipam.ts'
import { type AddressChange, addressIn, writeAddresses } from './node-addresses.ts'
import { candidatePools, holderOf, type Tunnel, tunnels } from './tunnels.ts'

export interface Outcome {
  readonly changes: readonly AddressChange[]
  /** What could not be had, in sentences. */
  readonly problems: readonly string[]
}

/** One tunnel of one node, and what is on record about the address it has. */
interface Case {
  readonly ipam: Ipam
  readonly tunnel: Tunnel
  readonly node: { readonly name: string; readonly labels: Readonly<Record<string, string>> }
  /** Where an address may come from. */
  readonly pools: readonly IpPool[]
  readonly found: (Survivor & { readonly record: AddressRecord }) | undefined
}

/**
 * Brings the tunnel addresses of a node in order, and writes those that changed into its Node, and nothing else there.
 * @throws StoreError; the next run goes on from what this one left
 */
export async function reconcileTunnelAddresses(ipam: Ipam, node: string): Promise<Outcome> {
  const document = await ipam.store.get('Node', node)
  if (!document) return { changes: [], problems: [] } // start-up has yet to make it
  const changes: AddressChange[] = []
  const problems: string[] = []
  for (const tunnel of tunnels) {
    const before = addressIn(document, tunnel)
    const one = await examine(ipam, tunnel, document, before)
    const after = await settleCase(one)
    if (after !== before) changes.push({ tunnel, before, after })
    if (after === undefined && one.pools.length > 0) problems.push(shortage(one))
  }
  if (changes.length > 0) await writeAddresses(ipam, document, changes)
  return { changes, problems }
}

/** What the address of one tunnel is to be. */
async function settleCase(one: Case): Promise<Address | undefined> {
  const { ipam, tunnel, node, pools, found } = one
  const holder = holderOf(tunnel, node.name)
  const isWanted = found !== undefined && pools.some(({ cidr }) => contains(cidr, found.address))
  if (isWanted && isAnonymous(found.record)) await takeOver(one, found)
  if (isWanted && (isOurs(one, found.record) || isAnonymous(found.record))) {
    await settle(ipam, holder.handle_id, found)
    return found.address
  }
  // Also for an address that another has: what is left of ours is from a run that did not get to its end.
  const isKnown = await settle(ipam, holder.handle_id)
  const isLost =
    found && (isAnonymous(found.record) || (!isKnown && found.record.handle_id === holder.handle_id))
  if (isLost) await releaseAddress(ipam, found)
  if (pools.length === 0) return undefined
  await giveUpUnselected(ipam, node, tunnel.family)
  return assign(ipam, { host: node.name, holder, pools: pools.filter(({ allocatable }) => allocatable) })
}

function isOurs({ tunnel, node }: Case, { secondary }: AddressRecord): boolean {
  return secondary?.type === tunnel.type && secondary.node === node.name
}

/** Of the time before handles: pods always had one, so it is a tunnel's. */
function isAnonymous({ handle_id, secondary, releasedAt }: AddressRecord): boolean {
  return !handle_id && !releasedAt && Object.keys(secondary ?? {}).length === 0
}

/** The same address, with our handle and attributes from now on. */
function takeOver({ ipam, tunnel, node }: Case, { cidr, address }: Survivor): Promise<void> {
  const holder = holderOf(tunnel, node.name)
  return untilUndisturbed(async () => {
    const block = await getRested(ipam, cidr)
    if (!block || !isAnonymous(recordOf(block.spec, address) ?? holder)) return
    await count(ipam, holder.handle_id, cidr, 1)
    try {
      await updateBlock(ipam, block, rehold(block.spec, address, holder))
    } catch (error) {
      if (isRace(error)) await count(ipam, holder.handle_id, cidr, -1)
      throw error
    }
  })
}

async function examine(
  ipam: Ipam,
  tunnel: Tunnel,
  document: Document,
  text: string | undefined,
): Promise<Case> {
  const { name, labels = {} } = document.metadata
  const address = parseAddress(text ?? '')
  const pools = candidatePools(tunnel, ipam.pools(), labels)
  return {
    ipam,
    tunnel,
    node: { name, labels },
    pools,
    found: address && (await find(ipam, tunnel, address)),
  }
}

/** Looks an address up in the block that has it; the pool's block size is no more than a first guess at which that is. */
async function find(ipam: Ipam, { family }: Tunnel, address: Address): Promise<Case['found']> {
  const bits = familyBits(family)
  const guess = poolOf(ipam, address)?.blockSize ?? bits - 6
  const sizes = Array.from({ length: 13 }, (_, hostBits) => bits - hostBits)
  for (const size of [guess, ...sizes.filter((size) => size !== guess)]) {
    const cidr: Prefix = prefixOf(address, size)
    const block = await getBlock(ipam, cidr)
    if (!block) continue
    const record = recordOf(block.spec, address)
    return record && { cidr, address, record }
  }
  return undefined
}

function shortage({ tunnel, pools, ipam }: Case): string {
  const names = pools.map(({ name }) => name).join(', ')
  const { strictAffinity } = ipam.config()
  return `no address left for the ${tunnel.name} tunnel in pool ${names}${strictAffinity ? ' (strictAffinity is on)' : ''}`
}
