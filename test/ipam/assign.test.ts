// The ways to an address, and what the cluster's configuration makes of them.

import t from 'tap'
import { assign, giveUpUnselected, type Request } from '../../src/ipam/assign.ts'
import type { BlockSpec } from '../../src/ipam/block.ts'
import { settle } from '../../src/ipam/handle.ts'
import { type MemoryStore, memoryStore } from '../kit/datastore/memory.ts'
import { ipamOver, leftovers, NOW, pool, resourceOf, type Setting } from '../kit/ipam.ts'

const small = pool('b', '10.66.0.0/29', { blockSize: 30 })
const MINUTE = 60_000_000_000n

function ask(
  store: MemoryStore,
  host: string,
  setting: Setting = {},
  handle = `pod.${host}`,
): Promise<string | undefined> {
  const pools = setting.pools ?? [small]
  const request: Request = {
    host,
    holder: { handle_id: handle, secondary: { node: host } },
    pools: pools.map((document) => resourceOf<'IPPool'>(document)),
  }
  return assign(ipamOver(store.client(), { ...setting, pools }), request)
}

async function askOften(times: number, ...args: Parameters<typeof ask>): Promise<(string | undefined)[]> {
  const addresses: (string | undefined)[] = []
  for (let i = 0; i < times; i++) addresses.push(await ask(...args))
  return addresses
}

const blockOf = (store: MemoryStore, name: string) =>
  store.documents.get(`IPAMBlock/${name}`)?.spec as BlockSpec | undefined

t.test('an own block first, then another one, and then others’', async (t) => {
  const store = memoryStore()
  t.equal(await ask(store, 'm'), '10.66.0.0')
  const own = ['10.66.0.4', '10.66.0.5', '10.66.0.6', '10.66.0.7']
  t.same(await askOften(5, store, 'n'), [...own, '10.66.0.1'])
  t.same(store.documents.get('IPAMHandle/pod.n')?.spec, {
    handleID: 'pod.n',
    block: { '10.66.0.4/30': 4, '10.66.0.0/30': 1 },
    deleted: false,
  })
  t.equal(blockOf(store, '10-66-0-0-30')?.affinity, 'host:m', 'borrowing changes no owner')
  t.same(await askOften(3, store, 'n'), ['10.66.0.2', '10.66.0.3', undefined])
  t.same(leftovers(store.documents.values()), [])
})

t.test('with strict affinity nothing is borrowed', async (t) => {
  const store = memoryStore()
  const setting = { config: { strictAffinity: true } }
  await ask(store, 'm', setting)
  t.same((await askOften(5, store, 'n', setting)).at(-1), undefined)
})

t.test('a host claims no more blocks than it may, and none where it may not', async (t) => {
  const config = { strictAffinity: true }
  t.same(await askOften(5, memoryStore(), 'n', { config: { ...config, maxBlocksPerHost: 1 } }), [
    '10.66.0.0',
    '10.66.0.1',
    '10.66.0.2',
    '10.66.0.3',
    undefined,
  ])
  t.equal(await ask(memoryStore(), 'n', { config: { ...config, autoAllocateBlocks: false } }), undefined)
  const wide = { config, pools: [pool('a', '10.66.0.0/24', { blockSize: 32 })] }
  t.equal(
    (await askOften(21, memoryStore(), 'n', wide)).filter(Boolean).length,
    20,
    'IPAM has a limit of its own',
  )
})

t.test('pools in the order of their names, whatever order they come in', async (t) => {
  const pools = [pool('z', '10.66.0.0/30', { blockSize: 30 }), pool('a', '10.67.0.0/30', { blockSize: 30 })]
  t.equal((await askOften(5, memoryStore(), 'n', { pools }))[0], '10.67.0.0')
})

t.test('reserved addresses are not handed out', async (t) => {
  const setting = { reservations: ['10.66.0.0/31', '10.66.0.4/30'], config: { strictAffinity: true } }
  t.same(await askOften(3, memoryStore(), 'n', setting), ['10.66.0.2', '10.66.0.3', undefined])
})

t.test('an idle block of another host is taken over, but not in its first minute', async (t) => {
  const store = memoryStore()
  const setting = { pools: [pool('a', '10.66.0.0/30', { blockSize: 30 })], config: { strictAffinity: true } }
  await ask(store, 'm', setting)
  const later = { ...setting, now: () => NOW + MINUTE + 1_000_000n }
  t.equal(await ask(store, 'n', later), undefined, 'it is in use')
  await settle(ipamOver(store.client()), 'pod.m')
  t.equal(await ask(store, 'n', { ...setting, now: () => NOW + MINUTE }), undefined, 'it is too young')
  t.equal(await ask(store, 'n', later), '10.66.0.0')
  t.equal(blockOf(store, '10-66-0-0-30')?.affinity, 'host:n')
  t.notOk(store.documents.has('BlockAffinity/m-10-66-0-0-30'))
  t.same(leftovers(store.documents.values()), [])
})

t.test('blocks without an owner are borrowed from, and go with their last address', async (t) => {
  const store = memoryStore()
  const setting = { pools: [pool('a', '10.66.0.0/30', { blockSize: 30 })] }
  await ask(store, 'm', setting)
  const block = store.documents.get('IPAMBlock/10-66-0-0-30')!
  store.put({ ...block, spec: { ...(block.spec as object), affinity: null } })
  store.documents.delete('BlockAffinity/m-10-66-0-0-30')
  t.equal(await ask(store, 'n', setting), '10.66.0.1')
  await settle(ipamOver(store.client()), 'pod.m')
  t.ok(blockOf(store, '10-66-0-0-30'))
  await settle(ipamOver(store.client()), 'pod.n')
  t.same([...store.documents.keys()], [])
})

t.test('empty blocks in pools that do not select the host any more are given up', async (t) => {
  const store = memoryStore()
  await ask(store, 'n')
  const giveUp = async (nodeSelector: string) => {
    const pools = [pool('b', '10.66.0.0/29', { blockSize: 30, nodeSelector })]
    await giveUpUnselected(ipamOver(store.client(), { pools }), { name: 'n', labels: { rack: 'r1' } }, 'ipv4')
    return [...store.documents.keys()]
  }
  t.equal((await giveUp("rack == 'r2'")).length, 3, 'one in use stays')
  await settle(ipamOver(store.client()), 'pod.n')
  t.equal((await giveUp("rack == 'r1'")).length, 2)
  t.same(await giveUp("rack == 'r2'"), [])
})

t.test('a block whose affinity was lost is still the host’s', async (t) => {
  const store = memoryStore()
  await ask(store, 'n', { config: { strictAffinity: true } })
  store.documents.delete('BlockAffinity/n-10-66-0-0-30')
  t.equal(await ask(store, 'n', { config: { strictAffinity: true } }), '10.66.0.1')
  t.same(leftovers(store.documents.values()), [])
})

t.test('no pool, no address', async (t) => {
  t.equal(await ask(memoryStore(), 'n', { pools: [] }), undefined)
})

t.test('a damaged block costs nobody anything but itself', async (t) => {
  const store = memoryStore()
  await ask(store, 'm')
  const block = store.documents.get('IPAMBlock/10-66-0-0-30')!
  store.put({ ...block, spec: { ...(block.spec as object), allocations: 'x' } })
  t.equal(await ask(store, 'n'), '10.66.0.4')
})
