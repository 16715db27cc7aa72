// A run that is cut off, disturbed or left without an answer at any one of its operations: the next one puts all right. The same
// is asked of a neighbour, node m, whose blocks the run may have touched.

import t from 'tap'
import type { Document } from '../../src/cluster/feed.ts'
import { reconcileTunnelAddresses } from '../../src/ipam/tunnel-addresses.ts'
import { type Faults, type MemoryStore, memoryStore, type Operation } from '../kit/datastore/memory.ts'
import { Crash, ipamOver, leftovers, node, pool, type Setting, unavailable, violations } from '../kit/ipam.ts'

t.setTimeout(180_000) // some thousands of runs: seconds, but many where the machine is busy

interface Scene {
  readonly name: string
  /** What is in the store when the run begins. */
  readonly before: () => Promise<MemoryStore>
  readonly setting: Setting
}

const small = pool('a', '10.66.0.0/28', { blockSize: 30 })
const other = pool('b', '10.67.0.0/28', { blockSize: 30 })
const both = { ipipMode: 'Never', vxlanMode: 'CrossSubnet' }

/** A store in which these nodes have their addresses. */
async function settled(nodes: readonly Document[], setting: Setting): Promise<MemoryStore> {
  const store = memoryStore(nodes)
  for (const { metadata } of nodes)
    await reconcileTunnelAddresses(ipamOver(store.client(), setting), metadata.name)
  return store
}

const scenes: readonly Scene[] = [
  { name: 'the first address', before: async () => memoryStore([node('n')]), setting: { pools: [small] } },
  {
    name: 'two tunnels at once',
    before: async () => memoryStore([node('n')]),
    setting: { pools: [small, pool('v', '10.68.0.0/28', { ...both, blockSize: 30 })] },
  },
  {
    name: 'IPIP becomes VXLAN',
    before: () => settled([node('n')], { pools: [small] }),
    setting: { pools: [pool('a', '10.66.0.0/28', { ...both, blockSize: 30 })] },
  },
  {
    name: 'another pool',
    before: () => settled([node('n')], { pools: [small] }),
    setting: { pools: [other] },
  },
  {
    name: 'another pool, and the address rests first',
    before: () => settled([node('n')], { pools: [small] }),
    setting: { pools: [other], config: { ipCooldownSeconds: 30 } },
  },
  {
    name: 'no pool any more',
    before: () => settled([node('n')], { pools: [small] }),
    setting: { pools: [] },
  },
  {
    name: 'borrowing where every block has an owner',
    before: () =>
      settled([node('m')], { pools: [pool('a', '10.66.0.0/30', { blockSize: 30 })] }).then(withNode),
    setting: { pools: [pool('a', '10.66.0.0/30', { blockSize: 30 })] },
  },
  {
    name: 'a block that its owner does not use',
    before: async () => {
      const tiny = pool('a', '10.66.0.0/30', { blockSize: 30 })
      const store = await settled([node('m')], { pools: [tiny], now: () => 1n })
      await reconcileTunnelAddresses(ipamOver(store.client(), {}), 'm')
      return withNode(store)
    },
    setting: { pools: [pool('a', '10.66.0.0/30', { blockSize: 30 })] },
  },
]

function withNode(store: MemoryStore): MemoryStore {
  store.put(node('n'))
  return store
}

/** A run with a fault at its `nth` operation. How many operations there were, to know when all were tried. */
async function attempt(
  store: MemoryStore,
  scene: Scene,
  faults: Faults,
): Promise<{ operations: number; ended: boolean }> {
  let operations = 0
  const client = store.client({
    before(operation) {
      operations++
      return faults.before?.(operation)
    },
    ...(faults.after && { after: faults.after }),
  })
  const run = reconcileTunnelAddresses(ipamOver(client, scene.setting), 'n')
  const ended = await run.then(
    () => true,
    (error) => {
      if (error instanceof Crash || error.reason === 'unavailable') return false
      throw error
    },
  )
  return { operations, ended }
}

const kinds: Readonly<Record<string, (store: MemoryStore, at: number) => Faults>> = {
  'a crash before': (_, at) => ({ before: nth(at, () => raise(new Crash())) }),
  'no answer, nothing written,': (_, at) => ({ before: nth(at, () => raise(unavailable())) }),
  'no answer, though written,': (_, at) => ({ after: nth(at, () => raise(unavailable())) }),
  'somebody else writing the object before': (store, at) => ({
    before: nth(at, ({ id }) => {
      const document = store.documents.get(id)
      if (document) store.put(document)
    }),
  }),
}

function nth(at: number, action: (operation: Operation) => void): (operation: Operation) => void {
  let count = 0
  return (operation) => {
    if (++count === at) action(operation)
  }
}

function raise(error: Error): never {
  throw error
}

for (const scene of scenes) {
  t.test(scene.name, async (t) => {
    const undisturbed = await scene.before()
    const { operations } = await attempt(undisturbed, scene, {})
    t.same(leftovers(undisturbed.documents.values()), [], 'undisturbed')
    for (const [kind, faults] of Object.entries(kinds)) {
      const wrong: string[] = []
      for (let at = 1; at <= operations; at++) {
        const store = await scene.before()
        const { ended } = await attempt(store, scene, faults(store, at))
        const check = ended ? leftovers : violations
        wrong.push(...check(store.documents.values()).map((line) => `${at}, at once: ${line}`))
        await attempt(store, scene, {})
        await reconcileTunnelAddresses(ipamOver(store.client(), scene.setting), 'm')
        wrong.push(...leftovers(store.documents.values()).map((line) => `${at}, next run: ${line}`))
      }
      t.same(wrong, [], `${kind} any of its ${operations} operations`)
    }
  })
}

t.test('two faults in a row', async (t) => {
  for (const scene of scenes.filter(({ name }) => ['the first address', 'another pool'].includes(name))) {
    const { operations } = await attempt(await scene.before(), scene, {})
    const wrong: string[] = []
    for (let first = 1; first <= operations; first++) {
      for (let second = 1; second <= operations; second++) {
        const store = await scene.before()
        await attempt(store, scene, kinds['a crash before']!(store, first))
        await attempt(store, scene, kinds['no answer, though written,']!(store, second))
        await attempt(store, scene, {})
        wrong.push(...leftovers(store.documents.values()).map((line) => `${first}, ${second}: ${line}`))
      }
    }
    t.same(wrong, [], scene.name)
  }
})
