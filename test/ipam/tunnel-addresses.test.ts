// What a node's tunnel addresses are to be, rule by rule (Calico node/pkg/allocateip).

import t from 'tap'
import type { Document } from '../../src/cluster/feed.ts'
import { type Outcome, reconcileTunnelAddresses } from '../../src/ipam/tunnel-addresses.ts'
import { type MemoryStore, memoryStore } from '../kit/datastore/memory.ts'
import { ipamOver, leftovers, node, pool, type Setting } from '../kit/ipam.ts'

const ipip = pool('a', '10.66.0.0/28', { blockSize: 30 })
const vxlan = { ipipMode: 'Never', vxlanMode: 'Always' }

interface Ran extends Outcome {
  readonly store: MemoryStore
  /** The spec of the node. */
  readonly spec: Record<string, unknown>
}

async function run(setting: Setting, store = memoryStore([node('n')]), name = 'n'): Promise<Ran> {
  const outcome = await reconcileTunnelAddresses(ipamOver(store.client(), setting), name)
  return { ...outcome, store, spec: store.documents.get(`Node/${name}`)?.spec as Record<string, unknown> }
}

const ipipAddress = ({ spec }: Pick<Ran, 'spec'>) => (spec.bgp as Record<string, unknown>).ipv4IPIPTunnelAddr

/** A node that has its address from the IPIP pool: 10.66.0.0. */
const settled = async () => (await run({ pools: [ipip] })).store

function edit(store: MemoryStore, id: string, change: (spec: never) => object): void {
  const document = store.documents.get(id)!
  store.put({ ...document, spec: change(structuredClone(document.spec) as never) })
}

/** Says about the first address of the node's block that somebody else has it. */
function give(store: MemoryStore, record: object): void {
  edit(store, 'IPAMBlock/10-66-0-0-30', (spec: object) => ({ ...spec, attributes: [record] }))
}

t.test('each tunnel has a field, a handle and a type of its own', async (t) => {
  const pools = [ipip, pool('v', '10.67.0.0/28', { ...vxlan, blockSize: 30 }), pool('w', 'fd67::/64', vxlan)]
  const { spec, store, changes } = await run({ pools })
  t.strictSame(spec, {
    bgp: { ipv4Address: '172.20.0.11/24', ipv4IPIPTunnelAddr: '10.66.0.0' },
    ipv4VXLANTunnelAddr: '10.67.0.0',
    ipv6VXLANTunnelAddr: 'fd67::',
  })
  t.same(
    changes.map(({ tunnel, before, after }) => [tunnel.name, before, after]),
    [
      ['IPIP', undefined, '10.66.0.0'],
      ['VXLAN', undefined, '10.67.0.0'],
      ['VXLAN over IPv6', undefined, 'fd67::'],
    ],
  )
  const handles = [...store.documents.values()].filter(({ kind }) => kind === 'IPAMHandle')
  t.same(
    handles.map(({ spec }) => spec),
    [
      { handleID: 'ipip-tunnel-addr-n', block: { '10.66.0.0/30': 1 }, deleted: false },
      { handleID: 'vxlan-tunnel-addr-n', block: { '10.67.0.0/30': 1 }, deleted: false },
      { handleID: 'vxlan-v6-tunnel-addr-n', block: { 'fd67::/122': 1 }, deleted: false },
    ],
  )
  const types = [...store.documents.values()]
    .filter(({ kind }) => kind === 'IPAMBlock')
    .map(({ spec }) => (spec as { attributes: unknown[] }).attributes)
  t.same(types, [
    [{ handle_id: 'ipip-tunnel-addr-n', secondary: { node: 'n', type: 'ipipTunnelAddress' } }],
    [{ handle_id: 'vxlan-tunnel-addr-n', secondary: { node: 'n', type: 'vxlanTunnelAddress' } }],
    [{ handle_id: 'vxlan-v6-tunnel-addr-n', secondary: { node: 'n', type: 'vxlanV6TunnelAddress' } }],
  ])
})

t.test('which pools an address may come from', async (t) => {
  const cases: readonly [string, Document, boolean][] = [
    ['CrossSubnet is enough', pool('a', '10.66.0.0/28', { blockSize: 30, ipipMode: 'CrossSubnet' }), true],
    ['another mode', pool('a', '10.66.0.0/28', { blockSize: 30, ipipMode: 'Never' }), false],
    ['disabled', pool('a', '10.66.0.0/28', { blockSize: 30, disabled: true }), false],
    ['for workloads only', pool('a', '10.66.0.0/28', { blockSize: 30, allowedUses: ['Workload'] }), false],
    ['for tunnels only', pool('a', '10.66.0.0/28', { blockSize: 30, allowedUses: ['Tunnel'] }), true],
    ['selects us', pool('a', '10.66.0.0/28', { blockSize: 30, nodeSelector: "rack == 'r1'" }), true],
    ['selects others', pool('a', '10.66.0.0/28', { blockSize: 30, nodeSelector: "rack == 'r2'" }), false],
    ['handed out only by name', pool('a', '10.66.0.0/28', { blockSize: 30, assignmentMode: 'Manual' }), true],
  ]
  for (const [name, document, isCandidate] of cases) {
    const { spec, problems } = await run({ pools: [document] }, memoryStore([node('n', {}, { rack: 'r1' })]))
    t.equal(ipipAddress({ spec }), isCandidate ? '10.66.0.0' : undefined, name)
    t.same(problems, [], name)
  }
  const leaving = { ...ipip, metadata: { ...ipip.metadata, deletionTimestamp: '2026-03-04T05:06:07Z' } }
  t.equal(ipipAddress(await run({ pools: [leaving] })), undefined, 'being deleted')
})

t.test('an address that is right is kept, and nothing is written', async (t) => {
  const store = await settled()
  const before = [...store.documents.values()]
  const { changes } = await run({ pools: [ipip] }, store)
  t.same(changes, [])
  t.strictSame([...store.documents.values()], before)
})

t.test('an address outside the pools is released and replaced', async (t) => {
  const store = await settled()
  const ran = await run({ pools: [pool('b', '10.67.0.0/28', { blockSize: 30 })] }, store)
  t.equal(ipipAddress(ran), '10.67.0.0')
  t.notOk(store.documents.has('IPAMBlock/10-66-0-0-30'), 'its block is empty then, and in no pool')
  t.same(leftovers(store.documents.values()), [])
})

t.test('with no pool left the address is released and the field goes', async (t) => {
  const store = await settled()
  const { spec } = await run({}, store)
  t.strictSame(spec, { bgp: { ipv4Address: '172.20.0.11/24' } })
  t.notOk(store.documents.has('IPAMHandle/ipip-tunnel-addr-n'))
})

t.test('a bgp section that would say nothing more goes with its last field', async (t) => {
  const store = memoryStore([{ ...node('n'), spec: { addresses: [] } }])
  t.strictSame((await run({ pools: [ipip] }, store)).spec, {
    addresses: [],
    bgp: { ipv4IPIPTunnelAddr: '10.66.0.0' },
  })
  t.strictSame((await run({}, store)).spec, { addresses: [] })
})

t.test('an address that a pod has is left to it', async (t) => {
  const store = await settled()
  const pod = { handle_id: 'k8s-pod-network.1e7a', secondary: { node: 'm', pod: 'web-0' } }
  give(store, pod)
  const ran = await run({ pools: [ipip] }, store)
  t.equal(ipipAddress(ran), '10.66.0.1')
  const { attributes, allocations } = store.documents.get('IPAMBlock/10-66-0-0-30')!.spec as Record<
    string,
    unknown[]
  >
  t.same([attributes![allocations![0] as number], allocations![1]], [pod, 1])
  t.same(store.documents.get('IPAMHandle/ipip-tunnel-addr-n')!.spec, {
    handleID: 'ipip-tunnel-addr-n',
    block: { '10.66.0.0/30': 1 },
    deleted: false,
  })
})

t.test('a pod’s address is left to it also when no pool is left', async (t) => {
  const store = await settled()
  give(store, { handle_id: 'k8s-pod-network.1e7a', secondary: {} })
  t.equal(ipipAddress(await run({}, store)), undefined)
  t.ok(store.documents.has('IPAMBlock/10-66-0-0-30'))
})

t.test('an address from before there were handles gets its handle and stays', async (t) => {
  const store = await settled()
  give(store, {})
  store.documents.delete('IPAMHandle/ipip-tunnel-addr-n')
  const { changes } = await run({ pools: [ipip] }, store)
  t.same(changes, [])
  t.same(leftovers(store.documents.values()), [])
})

t.test('outside the pools it is released instead; and so it is when the handle alone was lost', async (t) => {
  for (const record of [
    {},
    { handle_id: 'ipip-tunnel-addr-n', secondary: { node: 'n', type: 'ipipTunnelAddress' } },
  ]) {
    const store = await settled()
    give(store, record)
    store.documents.delete('IPAMHandle/ipip-tunnel-addr-n')
    await run({}, store)
    const { allocations } = store.documents.get('IPAMBlock/10-66-0-0-30')!.spec as Record<string, unknown[]>
    t.same(allocations, [null, null, null, null])
  }
})

t.test('an address that is free, or rests, is replaced', async (t) => {
  for (const release of [
    { allocations: [null, null, null, null], unallocated: [1, 2, 3, 0], attributes: [] },
    { attributes: [{ releasedAt: '2026-03-04T05:06:07Z' }] },
  ]) {
    const store = await settled()
    edit(store, 'IPAMBlock/10-66-0-0-30', (spec: object) => ({ ...spec, ...release }))
    const ran = await run({ pools: [ipip], config: { ipCooldownSeconds: 30 } }, store)
    t.equal(ipipAddress(ran), '10.66.0.1')
    t.same(leftovers(store.documents.values()), [])
  }
})

t.test('a tunnel address of another node is not ours', async (t) => {
  const store = await settled()
  give(store, { handle_id: 'ipip-tunnel-addr-m', secondary: { node: 'm', type: 'ipipTunnelAddress' } })
  t.equal(ipipAddress(await run({ pools: [ipip] }, store)), '10.66.0.1')
})

t.test('a block keeps its size when the pool has got another one', async (t) => {
  const store = await settled()
  const { changes } = await run({ pools: [pool('a', '10.66.0.0/24', { blockSize: 26 })] }, store)
  t.same(changes, [])
})

t.test('what is no address is replaced', async (t) => {
  const store = memoryStore([node('n', { bgp: { ipv4IPIPTunnelAddr: 'x' } })])
  t.equal(ipipAddress(await run({ pools: [ipip] }, store)), '10.66.0.0')
})

t.test('what somebody else writes to the Node meanwhile stays', async (t) => {
  const store = memoryStore([node('n')])
  const client = store.client({
    before({ verb, id }) {
      const there = store.documents.get('Node/n')!
      if (verb !== 'update' || id !== 'Node/n' || there.metadata.labels?.new) return
      store.put({
        ...there,
        metadata: { ...there.metadata, labels: { new: 'label' } },
        status: { podCIDRs: [] },
      })
    },
  })
  await reconcileTunnelAddresses(ipamOver(client, { pools: [ipip] }), 'n')
  t.match(store.documents.get('Node/n'), {
    metadata: { labels: { new: 'label' } },
    status: { podCIDRs: [] },
    spec: { bgp: { ipv4IPIPTunnelAddr: '10.66.0.0' } },
  })
})

t.test('of two processes of one node the slower one starts over', async (t) => {
  const store = memoryStore([node('n')])
  const other = reconcileTunnelAddresses(ipamOver(store.client(), { pools: [ipip] }), 'n')
  const client = store.client({
    before: async ({ id, verb }) => void (verb === 'update' && id === 'Node/n' && (await other)),
  })
  const slower = reconcileTunnelAddresses(ipamOver(client, { pools: [ipip] }), 'n')
  await t.rejects(slower, { name: 'StoreError', message: /^Node\/n was changed/ })
  await run({ pools: [ipip] }, store)
  t.same(leftovers(store.documents.values()), [])
})

t.test('where nothing is left to be had it is said, and no address that is not ours stays', async (t) => {
  const full = pool('a', '10.66.0.0/32', { blockSize: 32 })
  const store = memoryStore([node('m'), node('n', { bgp: { ipv4IPIPTunnelAddr: '10.66.0.0' } })])
  await run({ pools: [full] }, store, 'm')
  const { problems, spec } = await run({ pools: [full], config: { strictAffinity: true } }, store)
  t.same(problems, ['no address left for the IPIP tunnel in pool a (strictAffinity is on)'])
  t.same(spec, {})
  const { status: _, ...overlapping } = {
    ...ipip,
    status: { conditions: [{ type: 'Allocatable', status: 'False' }] },
  }
  t.same((await run({ pools: [{ ...overlapping, status: _ }] })).problems, [
    'no address left for the IPIP tunnel in pool a',
  ])
})

t.test('a node that is not there is left alone', async (t) => {
  const { changes, problems, store } = await run({ pools: [ipip] }, memoryStore(), 'n')
  t.same([changes, problems, store.documents.size], [[], [], 0])
})
