// IPAM as the CNI plugin would do it, in a real file datastore; and that the agent finds nothing wrong with what is written.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import {
  assignAddresses,
  claimBlock,
  releaseAddresses,
  releaseBlock,
} from '../../../netns-lab/cluster/claims.ts'
import {
  ownerOf,
  startDocuments,
  workloadDocument,
  workloadName,
} from '../../../netns-lab/cluster/documents.ts'
import { blockSpec, firstFreeBlock } from '../../../netns-lab/cluster/ipam.ts'
import { openStore, put, type Store } from '../../../netns-lab/cluster/store.ts'
import { interfaceName } from '../../../netns-lab/kernel/pods.ts'
import { type Pod, parseTopology, podOf } from '../../../netns-lab/topology/index.ts'
import { type Document, kinds } from '../../../src/cluster/feed.ts'
import { parseDocument } from '../../../src/cluster/resources/index.ts'
import { address } from '../../../src/inet/address.ts'
import { prefix } from '../../../src/inet/prefix.ts'

const topology = parseTopology(
  'test',
  'test.yaml',
  `
segments: {lan: {subnets: [172.20.0.0/24, 'fd20::/64']}}
routers: {gateway: {addresses: [172.20.0.1/24]}}
nodes:
  node-a: {addresses: [172.20.0.11/24, 'fd20::11/64'], asn: 64600, labels: {rack: r1}}
  node-b: {addresses: [172.20.0.12/24]}
pools:
  one: {cidr: 172.18.0.0/16, blockSize: 30}
  single: {cidr: 10.66.141.1/24, blockSize: 32}
  two: {cidr: 'fd18::/64'}
`,
)

function pod(name: string, node: string, over: Partial<Pod> = {}): Pod {
  return { ...podOf({ name, node }), ...over }
}

async function start(t: Test): Promise<{ store: Store; assign: (pod: Pod) => Promise<readonly string[]> }> {
  const path = mkdtempSync(join(tmpdir(), 'caracal-lab-'))
  const store = openStore({ type: 'file', path })
  t.teardown(async () => {
    await store.close()
    rmSync(path, { recursive: true })
  })
  for (const document of startDocuments(topology, 'file')) await store.create(document)
  return { store, assign: (pod) => assignAddresses(store, topology.pools, pod) }
}

async function blocks(store: Store): Promise<string[]> {
  const all = (await store.list('IPAMBlock')).map(blockSpec)
  return all.map(({ cidr, affinity, allocations }) => {
    const used = allocations.flatMap((at, ordinal) => (at === null ? [] : [ordinal]))
    return `${cidr} ${affinity ?? 'nobody'} [${used}]`
  })
}

t.test('a node claims the first free block, then the next when that is full', async (t) => {
  const { store, assign } = await start(t)
  const names = ['a', 'b', 'c', 'd', 'e']
  const given = []
  for (const name of names) given.push(...(await assign(pod(name, 'node-a', { pools: ['one'] }))))
  given.push(...(await assign(pod('f', 'node-b', { pools: ['one'] }))))
  t.same(given, ['172.18.0.0', '172.18.0.1', '172.18.0.2', '172.18.0.3', '172.18.0.4', '172.18.0.8'])
  t.same((await blocks(store)).sort(), [
    '172.18.0.0/30 host:node-a [0,1,2,3]',
    '172.18.0.4/30 host:node-a [0]',
    '172.18.0.8/30 host:node-b [0]',
  ])
})

t.test('without named pools a pod gets an address of the first pool of each family', async (t) => {
  const { assign } = await start(t)
  t.same(await assign(pod('a', 'node-a')), ['172.18.0.0', 'fd18::'])
})

t.test('a pool added later gives addresses to those who name it, a disabled one to nobody', async (t) => {
  const { store, assign } = await start(t)
  const pool = (name: string, spec: object): Document => ({
    apiVersion: 'projectcalico.org/v3',
    kind: 'IPPool',
    metadata: { name },
    spec: { cidr: name === 'one' ? '172.18.0.0/16' : '172.19.0.0/16', blockSize: 30, ...spec },
  })
  await put(store, pool('added', {}))
  t.same(await assign(pod('a', 'node-a')), ['172.18.0.0', 'fd18::'])
  t.same(await assign(pod('b', 'node-a', { pools: ['added'] })), ['172.19.0.0'])
  await put(store, pool('one', { disabled: true }))
  const refused = await assign(pod('c', 'node-a', { pools: ['one'] })).catch((err) => err.message)
  t.match(refused, /there is no pool to take an address from/)
})

t.test('an address is borrowed by name, or by the node that lends it', async (t) => {
  const { store, assign } = await start(t)
  await assign(pod('a', 'node-a', { pools: ['one'] }))
  t.same(await assign(pod('b', 'node-b', { addresses: [address('172.18.0.3')] })), ['172.18.0.3'])
  t.same(await assign(pod('c', 'node-b', { borrowFrom: 'node-a', pools: ['one'] })), ['172.18.0.1'])
  t.same(await blocks(store), ['172.18.0.0/30 host:node-a [0,1,3]'])
  t.match(
    await assign(pod('d', 'node-b', { borrowFrom: 'node-a' })).catch((err) => err.message),
    /node-a has no address/,
  )
})

t.test('blocks of one address, in a pool whose CIDR has host bits', async (t) => {
  const { store, assign } = await start(t)
  for (const name of ['a', 'b']) await assign(pod(name, 'node-a', { pools: ['single'] }))
  t.same(await blocks(store), ['10.66.141.0/32 host:node-a [0]', '10.66.141.1/32 host:node-a [0]'])
})

t.test(
  'what is released goes to the end of the queue, and every write has its own sequence number',
  async (t) => {
    const { store, assign } = await start(t)
    const one = pod('a', 'node-a', { pools: ['one'] })
    await assign(one)
    const before = await block(store)
    t.ok(before.sequenceNumber > 2n ** 53n)
    t.equal(BigInt(before.sequenceNumberForAllocation['0']!), before.sequenceNumber - 1n)
    await releaseAddresses(store, one)
    const after = await block(store)
    t.same(after.unallocated, [1, 2, 3, 0])
    t.same(after.attributes, [])
    t.equal(after.sequenceNumber, before.sequenceNumber + 1n)
    t.equal(await store.get('IPAMHandle', ownerOf(one).handle_id), undefined)
    t.same(await assign(one), ['172.18.0.1'])
  },
)

t.test('a released block stays as nobody’s while addresses are in use, and goes with the last', async (t) => {
  const { store, assign } = await start(t)
  const one = pod('a', 'node-a', { pools: ['one'] })
  await assign(one)
  await releaseBlock(store, prefix('172.18.0.0/30'))
  t.same(await blocks(store), ['172.18.0.0/30 nobody [0]'])
  t.same(await store.list('BlockAffinity'), [])
  await releaseAddresses(store, one)
  t.same(await blocks(store), [])
})

t.test('the agent has nothing to say against any document', async (t) => {
  const { store, assign } = await start(t)
  const one = pod('web-0', 'node-a', { namespace: 'shop' })
  const addresses = (await assign(one)).map(address)
  await put(store, workloadDocument(one, addresses))
  await claimBlock(store, prefix('172.18.9.0/30'), 'node-b')
  await releaseBlock(store, prefix('172.18.9.0/30'))
  for (const kind of kinds)
    for (const document of await store.list(kind)) {
      const parsed = parseDocument(document)
      t.same(
        'resource' in parsed ? parsed.warnings : parsed.problems,
        [],
        `${kind}/${document.metadata.name}`,
      )
    }
})

t.test('names are Calico’s', async (t) => {
  t.equal(interfaceName({ namespace: 'default', name: 'nginx-0' }), 'calic048fd9a750')
  t.equal(interfaceName({ namespace: 'shop', name: 'web-0' }), 'calia4fc3c48bd8')
  t.equal(workloadName({ node: 'node-1', name: 'pod-name' }), 'node--1-k8s-pod--name-eth0')
})

t.test('the first free block overlaps none that is there, of whatever size', async (t) => {
  const [one] = topology.pools
  const taken = ['172.18.0.0/26', '172.18.0.68/32'].map(prefix)
  t.equal(firstFreeBlock(one!, taken), '172.18.0.64/30')
  t.equal(firstFreeBlock(one!, [...taken, prefix('172.18.0.64/30')]), '172.18.0.72/30')
  t.equal(firstFreeBlock(one!, [prefix('172.16.0.0/12')]), undefined)
})

async function block(store: Store) {
  const [document] = await store.list('IPAMBlock')
  return blockSpec(document!)
}
