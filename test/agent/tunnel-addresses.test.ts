// When the tunnel addresses are looked after: not before they may be, after everything that concerns them, and again
// when it did not work.

import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { TunnelAddresses, type TunnelAddressesOptions } from '../../src/agent/tunnel-addresses.ts'
import { type Document, resourceId } from '../../src/cluster/feed.ts'
import { ClusterView } from '../../src/cluster/view.ts'
import { type Faults, type MemoryStore, memoryStore } from '../kit/datastore/memory.ts'
import { leftovers, NOW, node, pool, resourceOf, unavailable } from '../kit/ipam.ts'
import { FakeClock } from '../kit/reconciler.ts'

const ipip = pool('a', '10.66.0.0/28', { blockSize: 30 })

interface Bench {
  readonly addresses: TunnelAddresses
  readonly store: MemoryStore
  readonly clock: FakeClock
  readonly view: ClusterView
  readonly faults: Faults
  /** Operations of the agent, and what it said. */
  readonly log: string[]
  /** Lets everything that is under way come to its end, and the feed tell about it. */
  settle(): Promise<void>
  put(document: Document): Promise<void>
  address(): unknown
}

function bench(documents: readonly Document[], options: Partial<TunnelAddressesOptions> = {}): Bench {
  const store = memoryStore()
  const view = new ClusterView()
  const clock = new FakeClock()
  const log: string[] = []
  const faults: Faults = {}
  const datastore = store.client({
    async before(operation) {
      if (operation.isWrite) log.push(`${operation.verb} ${operation.id}`)
      await faults.before?.(operation)
    },
  })
  const say = (fields: object, message: string) => void log.push(`${message} ${JSON.stringify(fields)}`)
  const addresses = new TunnelAddresses({
    datastore,
    view,
    nodename: 'n',
    usePodCidr: false,
    formerPools: () => [],
    clock,
    isPrepared: () => true,
    now: () => NOW,
    log: { info: say, warn: say } as never,
    ...options,
  })
  const told = new Map<string, string | undefined>()

  /** What a feed does. */
  function feed(): void {
    for (const document of store.documents.values()) {
      const { kind, metadata } = document
      const id = resourceId(kind, metadata.name)
      if (told.get(id) === metadata.resourceVersion) continue
      told.set(id, metadata.resourceVersion)
      for (const change of view.apply(document)) addresses.changed(change)
    }
    for (const id of [...told.keys()].filter((id) => !store.documents.has(id))) {
      told.delete(id)
      for (const change of view.remove(id)) addresses.changed(change)
    }
  }

  async function settle(): Promise<void> {
    for (let i = 0; i < 200; i++) {
      feed()
      await turn()
    }
  }

  for (const document of documents) store.put(document)
  return {
    addresses,
    store,
    clock,
    view,
    faults,
    log,
    settle,
    put: async (document) => {
      store.put(document)
      await settle()
    },
    address: () =>
      (store.documents.get('Node/n')!.spec as { bgp?: Record<string, string> }).bgp?.ipv4IPIPTunnelAddr,
  }
}

async function settled(...args: Parameters<typeof bench>): Promise<Bench> {
  const made = bench(...args)
  await made.settle()
  made.addresses.allow(true)
  await made.settle()
  made.log.length = 0
  return made
}

t.test('nothing is done before it may be, and then at once', async (t) => {
  const { addresses, log, settle, address } = bench([node('n'), ipip])
  await settle()
  t.same(log, [])
  addresses.allow(true)
  await settle()
  t.equal(address(), '10.66.0.0')
  t.match(log.at(-1), /^tunnel address \{"tunnel":"IPIP","to":"10.66.0.0"\}/)
  t.same(addresses.warnings, [])
})

t.test('a run under way writes nothing more once it may not', async (t) => {
  const { addresses, log, faults, settle, store } = bench([node('n'), ipip])
  await settle()
  faults.before = ({ verb, id }) => {
    if (verb === 'create' && id.startsWith('IPAMBlock')) addresses.allow(false)
  }
  addresses.allow(true)
  await settle()
  t.same(
    log.filter((line) => /^(create|update|delete)/.test(line)),
    ['create BlockAffinity/n-10-66-0-0-30', 'create IPAMBlock/10-66-0-0-30'],
  )
  t.same(addresses.warnings, [])
  delete faults.before
  addresses.allow(true)
  await settle()
  t.same(leftovers(store.documents.values()), [])
})

t.test('the address of a pool that has changed its encapsulation stays until that is over', async (t) => {
  const former = [resourceOf<'IPPool'>(ipip)]
  const { addresses, put, settle, address, store } = await settled([node('n'), ipip], {
    formerPools: () => former,
  })
  await put(pool('a', '10.66.0.0/28', { blockSize: 30, ipipMode: 'Never', vxlanMode: 'Always' }))
  t.equal(address(), '10.66.0.0')
  t.match(store.documents.get('Node/n')!.spec, { ipv4VXLANTunnelAddr: '10.66.0.1' }, 'beside the new one')
  former.length = 0
  addresses.lookAgain()
  await settle()
  t.equal(address(), undefined)
  t.match(store.documents.get('Node/n')!.spec, { ipv4VXLANTunnelAddr: '10.66.0.1' })
  t.same(leftovers(store.documents.values()), [])
})

t.test(
  'a pool that comes while an address is being looked for has to wait until its device is there',
  async (t) => {
    let isPrepared = true
    const { addresses, put, settle, faults, store, address } = await settled([node('n')], {
      isPrepared: () => isPrepared,
    })
    faults.before = async ({ verb, id }) => {
      if (verb !== 'create' || !id.startsWith('IPAMBlock')) return
      delete faults.before
      isPrepared = false
      await put(pool('b', '10.67.0.0/28', { blockSize: 30, ipipMode: 'Never', vxlanMode: 'Always' }))
    }
    await put(ipip)
    await settle()
    t.equal(address(), '10.66.0.0')
    t.notMatch(store.documents.get('Node/n')!.spec, { ipv4VXLANTunnelAddr: String })
    isPrepared = true
    addresses.prepared()
    await settle()
    t.match(store.documents.get('Node/n')!.spec, { ipv4VXLANTunnelAddr: '10.67.0.0' })
  },
)

t.test('its own writes are no reason to write again', async (t) => {
  const { log, settle } = await settled([node('n'), ipip])
  await settle()
  t.same(log, [])
})

t.test('a pool, the configuration, the node’s labels: each is looked at anew', async (t) => {
  const { put, address, store } = await settled([node('n')])
  await put(pool('a', '10.66.0.0/28', { blockSize: 30, nodeSelector: "rack == 'r1'" }))
  t.equal(address(), undefined)
  const there = store.documents.get('Node/n')!
  await put({ ...there, metadata: { ...there.metadata, labels: { rack: 'r1' } } })
  t.equal(address(), '10.66.0.0')
  await put(pool('a', '10.66.0.0/28', { blockSize: 30, disabled: true }))
  t.equal(address(), undefined)
})

t.test('an address taken away behind our back, in the Node or in its block, is seen to', async (t) => {
  const { put, address, store } = await settled([node('n'), ipip])
  await put({ ...store.documents.get('Node/n')!, spec: { bgp: { ipv4Address: '172.20.0.11/24' } } })
  t.equal(address(), '10.66.0.1', 'the old one is released first, and waits at the end of the queue')
  const block = store.documents.get('IPAMBlock/10-66-0-0-30')!
  await put({
    ...block,
    spec: { ...(block.spec as object), attributes: [{ handle_id: 'pod.1', secondary: { node: 'm' } }] },
  })
  t.equal(address(), '10.66.0.2')
})

t.test('what others do in our block, and other nodes, are nothing to us', async (t) => {
  const { put, store, faults } = await settled([node('n'), ipip])
  faults.before = () => void t.fail('read')
  await put(node('m', {}, { rack: 'r1' }))
  const block = store.documents.get('IPAMBlock/10-66-0-0-30')!
  await put({ ...block, spec: { ...(block.spec as object), affinity: null } })
})

t.test('a datastore that fails is a warning, and tried again, later and later', async (t) => {
  const { addresses, faults, put, clock, settle, address, log } = await settled([node('n')])
  faults.before = () => {
    throw unavailable()
  }
  await put(ipip)
  t.same(addresses.warnings, ['the tunnel addresses cannot be looked after: no answer in time'])
  const waits: number[] = []
  for (let i = 0; i < 7; i++) {
    waits.push(clock.next()! - clock.now())
    clock.advance(waits.at(-1)!)
    await settle()
  }
  t.same(waits, [500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000])
  t.equal(log.filter((line) => line.startsWith('tunnel addresses {')).length, 1, 'said once')
  delete faults.before
  clock.advance(15_000)
  await settle()
  t.same([address(), addresses.warnings], ['10.66.0.0', []])
  t.match(log.at(-1), /^tunnel addresses in order/)
})

for (const kind of ['IPReservation', 'IPAMConfiguration'])
  t.test(`while our role may not read ${kind} no address is taken, and the one there is stays`, async (t) => {
    const { addresses, view, put, clock, settle, address } = await settled([node('n')])
    view.problems.add({ subject: kind, message: 'is forbidden' })
    await put(ipip)
    t.equal(address(), undefined)
    t.same(addresses.warnings, [`the tunnel addresses cannot be looked after: ${kind} cannot be read`])
    view.problems.replace(kind, [])
    clock.advance(30_000)
    await settle()
    t.same([address(), addresses.warnings], ['10.66.0.0', []])
    view.problems.add({ subject: kind, message: 'is forbidden' })
    addresses.lookAgain()
    await settle()
    t.equal(address(), '10.66.0.0')
  })

t.test('where no address is left it is a warning, until one comes free', async (t) => {
  const full = pool('a', '10.66.0.0/32', { blockSize: 32 })
  const { addresses, put, store, clock, settle, address } = await settled([node('n'), full])
  const block = store.documents.get('IPAMBlock/10-66-0-0-32')!
  const pod = { ...(block.spec as object), attributes: [{ handle_id: 'pod.1', secondary: { node: 'm' } }] }
  await put({ ...block, spec: pod })
  t.same(addresses.warnings, ['no address left for the IPIP tunnel in pool a'])
  t.equal(address(), undefined)
  await put({ ...block, spec: { ...pod, allocations: [null], unallocated: [0], attributes: [] } })
  clock.advance(30_000)
  await settle()
  t.same([address(), addresses.warnings], ['10.66.0.0', []])
})

t.test('with pod CIDRs the address is the first of the node’s', async (t) => {
  const status = { podCIDRs: ['fd00:10:244::/64', '10.244.7.0/24'] }
  const { put, address, store, log } = await settled([{ ...node('n'), status }, ipip], { usePodCidr: true })
  t.equal(address(), '10.244.7.1')
  t.notOk(
    [...store.documents.keys()].some((id) => id.startsWith('IPAM')),
    'no block, no handle',
  )
  await put({ ...store.documents.get('Node/n')!, status: { podCIDRs: ['10.244.8.0/24'] } })
  t.equal(address(), '10.244.8.1')
  log.length = 0
  await put({ ...store.documents.get('Node/n')!, status: {} })
  t.same([address(), log], ['10.244.8.1', []], 'without a pod CIDR nobody knows better')
})

t.test('once stopped it does nothing more', async (t) => {
  const { addresses, faults, put, clock, settle } = await settled([node('n')])
  addresses.stop()
  faults.before = () => void t.fail('read')
  await put(ipip)
  clock.advance(600_000)
  await settle()
})
