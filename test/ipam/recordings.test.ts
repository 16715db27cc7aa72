// From the states that Calico's own programs left in etcd, our allocator goes to the states that theirs went to next.
//
// Compared is every field of every object in etcd, but for times, UIDs and revisions, and for which free block was
// chosen: that is up to the dice, so ours are thrown until they fall as Calico's did.

import t from 'tap'
import { documentFromEtcd, etcdFromDocument } from '../../src/cluster/etcd-keys.ts'
import type { Document } from '../../src/cluster/feed.ts'
import { parseJson } from '../../src/cluster/json.ts'
import { numberOf } from '../../src/inet/number.ts'
import { prefix, prefixAddress, prefixLength } from '../../src/inet/prefix.ts'
import { reconcileTunnelAddresses } from '../../src/ipam/tunnel-addresses.ts'
import { type MemoryStore, memoryStore } from '../kit/datastore/memory.ts'
import { ipamOver } from '../kit/ipam.ts'
import { recordings } from '../kit/recordings.ts'

const [startup, firstAddress, secondNode, vxlan, reflectors] = recordings.map(({ kvs }) =>
  kvs
    .map(({ key, value, mod_revision }) => documentFromEtcd(key, value, `${mod_revision}`))
    .filter((document) => document !== undefined),
) as [Document[], Document[], Document[], Document[], Document[], Document[]]

/** Everything that is about addresses, as it stands in etcd. */
function stored(documents: Iterable<Document>): Record<string, unknown> {
  const kinds = ['IPAMBlock', 'BlockAffinity', 'IPAMHandle', 'Node']
  const ours = [...documents].filter(({ kind }) => kinds.includes(kind)).map(etcdFromDocument)
  return Object.fromEntries(
    ours.sort((a, b) => (a.key < b.key ? -1 : 1)).map(({ key, value }) => [key, untimed(parseJson(value))]),
  )
}

type Fields = Record<string, unknown>

/** Sequence numbers begin with the time: what counts is how far each is from the newest. */
function untimed(value: unknown): unknown {
  const { affinity_claim_time, sequenceNumber, sequenceNumberForAllocation, ...fields } = value as Fields
  if (sequenceNumber === undefined) return fields
  const newest = BigInt(sequenceNumber as bigint)
  const ages = Object.entries(sequenceNumberForAllocation as Fields).map(([at, number]) => [
    at,
    newest - (number as bigint),
  ])
  return { ...fields, isClaimed: affinity_claim_time !== undefined, ages: Object.fromEntries(ages) }
}

/** A throw of the dice that begins the search in a pool at this block. */
function towards(pool: string, block: string): number {
  const [whole, part] = [prefix(pool), prefix(block)]
  const bits = block.includes(':') ? 128 : 32
  const index =
    (numberOf(prefixAddress(part)) - numberOf(prefixAddress(whole))) >> BigInt(bits - prefixLength(part))
  // In the middle of the block's share, so that rounding cannot miss it.
  return (Number(index) + 0.5) / 2 ** (prefixLength(part) - prefixLength(whole))
}

async function run(store: MemoryStore, node: string, random = 0): Promise<void> {
  const pools = [...store.documents.values()].filter(({ kind }) => kind === 'IPPool')
  await reconcileTunnelAddresses(ipamOver(store.client(), { pools, random: () => random }), node)
}

const objects = (documents: readonly Document[], kind: string, name?: string) =>
  documents.filter((one) => one.kind === kind && (name === undefined || one.metadata.name === name))

t.test('the first tunnel address of a first node', async (t) => {
  const store = memoryStore(startup)
  await run(store, 'node-a', towards('10.244.0.0/16', '10.244.174.128/26'))
  t.strictSame(stored(store.documents.values()), stored(firstAddress))
})

t.test('the tunnel address of a second node', async (t) => {
  const [second] = objects(secondNode, 'Node', 'node-b')
  const { ipv4IPIPTunnelAddr: _, ...bgp } = (second!.spec as { bgp: Fields }).bgp
  const store = memoryStore([...firstAddress, { ...second!, spec: { ...(second!.spec as Fields), bgp } }])
  await run(store, 'node-a')
  await run(store, 'node-b', towards('10.244.0.0/16', '10.244.218.64/26'))
  t.strictSame(stored(store.documents.values()), stored(secondNode))
})

t.test('a pool that changes from IPIP to VXLAN', async (t) => {
  const store = memoryStore(secondNode)
  for (const pool of objects(vxlan, 'IPPool')) store.put(pool)
  await run(store, 'node-a')
  await run(store, 'node-b')
  t.strictSame(stored(store.documents.values()), stored(vxlan))
})

t.test('more pools, one of IPv6, beside a tunnel address that stays', async (t) => {
  const store = memoryStore([...vxlan, ...objects(reflectors, 'IPPool')])
  for (const { metadata } of objects(reflectors, 'Node')) {
    const node = store.documents.get(`Node/${metadata.name}`)!
    const spec = node.spec as { bgp: Fields }
    const cluster = metadata.name === 'node-a' ? { routeReflectorClusterID: '224.0.0.1' } : {}
    store.put({ ...node, metadata, spec: { ...spec, bgp: { ...spec.bgp, ...cluster } } })
  }
  const dice = {
    'node-a': [towards('10.66.0.0/16', '10.66.203.128/28'), fd66('fd66::6d15:74ba:80e:4835:8080')],
    'node-b': [towards('10.66.0.0/16', '10.66.160.32/28'), fd66('fd66::da40:995e:89a6:1d37:a7c0')],
  }
  for (const [node, throws] of Object.entries(dice)) {
    const pools = objects([...store.documents.values()], 'IPPool')
    const ipam = ipamOver(store.client(), { pools, random: () => throws.shift()! })
    await reconcileTunnelAddresses(ipam, node)
  }
  const [ours, theirs] = [stored(store.documents.values()), stored(reflectors)]
  t.strictSame(renamed(ours), renamed(theirs))
})

function fd66(first: string): number {
  return towards('fd66::/48', `${first}/122`)
}

/** Of 2^74 blocks the dice reach every 2^21st: those of the IPv6 pool are told apart by their place in order. */
function renamed(objects: Record<string, unknown>): unknown {
  const text = JSON.stringify(objects, (_, value) => (typeof value === 'bigint' ? `${value}` : value))
  const found = [...new Set(text.match(/fd66::[0-9a-f:]+/g))]
  return JSON.parse(found.reduce((result, one, place) => result.replaceAll(one, `block-${place}`), text))
}

t.test('another run on what Calico left writes nothing', async (t) => {
  for (const state of [firstAddress, secondNode, vxlan, reflectors]) {
    const store = memoryStore(state)
    const before = [...store.documents.values()]
    for (const { metadata } of objects(state, 'Node')) await run(store, metadata.name)
    t.strictSame([...store.documents.values()], before)
  }
})

t.test('where the pool was deleted, its address goes; the block that nobody owns goes with it', async (t) => {
  const deleted = recordings[5]!.kvs.map(({ key, value, mod_revision }) =>
    documentFromEtcd(key, value, `${mod_revision}`),
  )
  const store = memoryStore(deleted.filter((document) => document !== undefined))
  await run(store, 'node-a')
  const after = stored(store.documents.values())
  t.notOk(Object.keys(after).some((key) => key.includes('10.66.203.128')))
  t.notOk(after['/calico/ipam/v2/handle/ipip-tunnel-addr-node-a'])
  const node = after['/calico/resources/v3/projectcalico.org/nodes/node-a'] as { spec: { bgp: Fields } }
  t.strictSame(node.spec.bgp, { ipv4Address: '172.20.0.11/24', routeReflectorClusterID: '224.0.0.1' })
})
