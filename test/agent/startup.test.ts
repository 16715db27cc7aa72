import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { Startup, type StartupOptions } from '../../src/agent/startup.ts'
import { type Document, StoreError } from '../../src/cluster/feed.ts'
import { parseJson } from '../../src/cluster/json.ts'
import { openDatastore } from '../../src/edge/datastore/index.ts'
import type { HostAccess } from '../../src/edge/host/index.ts'
import { address } from '../../src/inet/address.ts'
import { startEtcd } from '../kit/etcd.ts'
import { FakeClock } from '../kit/reconciler.ts'
import { recordings } from '../kit/recordings.ts'
import { document } from '../kit/resources.ts'
import { interfaces, type MemoryStore, memoryStore, sameBytes, settingsOf } from '../kit/startup.ts'
import { until } from '../kit/until.ts'

const eth0 = ['1 lo 127.0.0.1/8 ::1/128', '2 eth0 172.20.0.11/24 fe80::1/64'] as const

interface Bench {
  readonly startup: Startup
  readonly store: MemoryStore
  readonly clock: FakeClock
  /** Names written to the nodename file. */
  readonly recorded: string[]
  readonly warned: object[]
  node(): Record<string, unknown>
}

function bench(
  environment: Record<string, string> = {},
  store = memoryStore(),
  more: Partial<StartupOptions> = {},
): Bench {
  const clock = new FakeClock()
  const recorded: string[] = []
  const warned: object[] = []
  const resolved = settingsOf({ FELIX_IPV6SUPPORT: 'false', ...environment })
  const host: HostAccess = {
    addressTowards: async () => address('172.20.0.11'),
    hasIpv6: () => true,
    recordNodename: async (_, name) => void recorded.push(name),
    randomBytes: sameBytes,
  }
  const log = {
    info: () => {},
    warn: (fields: object) => void warned.push(fields),
  } as unknown as StartupOptions['log']
  const startup = new Startup({ datastore: store, settings: () => resolved, host, clock, log, ...more })
  startup.interfaces(interfaces(...eth0))
  const name = resolved.values.nodename
  const node = () =>
    JSON.parse(store.rows.get(`/calico/resources/v3/projectcalico.org/nodes/${name}`)!.value).spec
  return { startup, store, clock, recorded, warned, node }
}

/** Lets everything that is under way come to its end. */
async function quiet(): Promise<void> {
  for (let i = 0; i < 50; i++) await turn()
}

async function started(...args: Parameters<typeof bench>): Promise<Bench> {
  const made = bench(...args)
  made.startup.allow(true)
  await quiet()
  return made
}

// ---- against what calico-node left

/** Of its start-up; the rest is written by calicoctl and IPAM, or is read by nobody in etcd (see `configurations`). */
const ours = /\/(nodes|ippools|clusterinformations|felixconfigurations|bgpconfigurations)\//

/** Stored objects by key, without what differs from run to run, and without what is empty. */
function essence(kvs: Iterable<{ key: string; value: string }>): Record<string, unknown> {
  const entries = [...kvs].filter(({ key }) => ours.test(key))
  return Object.fromEntries(
    entries.map(({ key, value }) => {
      const { metadata, status, ...rest } = parseJson(value) as Document
      const { uid, creationTimestamp, ...names } = metadata
      const { clusterGUID, calicoVersion, ...spec } = rest.spec as Record<string, unknown>
      const shared = {
        ...rest,
        metadata: names,
        spec,
        ...(Object.keys(status ?? {}).length > 0 && { status }),
      }
      return [key, { ...shared, ...(clusterGUID !== undefined && { clusterGUID: typeof clusterGUID }) }]
    }),
  )
}

const stateOf = (name: string) => recordings.find((recording) => recording.name.startsWith(name))!.kvs
const rowsOf = ({ rows }: MemoryStore) => [...rows].map(([key, { value }]) => ({ key, value }))
const calicoNode = { IP: 'autodetect', CLUSTER_TYPE: 'bgp', FELIX_IPV6SUPPORT: 'true' }

t.test('an empty etcd ends up as calico-node leaves it', async (t) => {
  const { store, startup } = await started({
    ...calicoNode,
    CALICO_IPV4POOL_CIDR: '10.244.0.0/16',
    CALICO_IPV4POOL_IPIP: 'Always',
    CALICO_IPV6POOL_CIDR: 'fdf8:85a0:9044::/48', // a random one there
  })
  t.same(startup.view(), { status: { state: 'done' }, warnings: [] })
  t.same(essence(rowsOf(store)), essence(stateOf('01')))
})

t.test('a second node adds itself and changes nothing else', async (t) => {
  const store = memoryStore(stateOf('02'))
  const second = bench({ ...calicoNode, NODENAME: 'node-b' }, store)
  second.startup.interfaces(interfaces('2 eth0 172.20.0.12/24'))
  second.startup.allow(true)
  await quiet()
  t.same(store.writes, ['create Node/node-b', 'create FelixConfiguration/node.node-b'])
  const expected = structuredClone(essence(stateOf('03')))
  const nodeB = expected['/calico/resources/v3/projectcalico.org/nodes/node-b'] as {
    spec: { bgp: Record<string, unknown> }
  }
  delete nodeB.spec.bgp.ipv4IPIPTunnelAddr // the work of the tunnel address allocator
  t.same(essence(rowsOf(store)), expected)
})

t.test('a node that starts again writes nothing, in any recorded state', async (t) => {
  for (const { name, kvs } of recordings) {
    const { store, startup, recorded } = await started(calicoNode, memoryStore(kvs))
    t.match(startup.view(), { status: { state: 'done' }, warnings: [] }, name)
    t.same(store.writes, [], name)
    t.same(recorded, ['node-a'], name)
  }
})

// ---- when it may write

t.test('nothing is read or written before the datastore is in sync, nor while it is not ready', async (t) => {
  const { startup, store, clock, recorded } = bench()
  const gets = [store.get, store.list]
  store.get = store.list = () => t.fail('read') as never
  startup.allow(false)
  clock.advance(120_000)
  await quiet()
  t.same(startup.view().status, { state: 'waiting' })
  ;[store.get, store.list] = gets as [MemoryStore['get'], MemoryStore['list']]
  startup.allow(true)
  await quiet()
  t.same(startup.view().status, { state: 'done' })
  t.same(recorded, ['node-a'])
})

t.test('datastoreReady: false counts also when the feed has not told of it yet', async (t) => {
  const store = memoryStore()
  store.put(document('ClusterInformation', { datastoreReady: false }))
  const { startup, clock, recorded } = await started({}, store)
  t.same(store.writes, [])
  t.match(startup.view().status, { state: 'waiting', reason: /datastoreReady: false/ })
  t.same(recorded, [], 'the CNI plugin goes on waiting')
  store.put(document('ClusterInformation', { datastoreReady: true }))
  clock.advance(60_000)
  await quiet()
  t.same(startup.view().status, { state: 'done' })
})

t.test('what is under way stops at the next write when the datastore is not ready any more', async (t) => {
  const { startup, store, recorded } = bench()
  store.before = () => startup.allow(false)
  startup.allow(true)
  await quiet()
  t.same(store.writes, ['create Node/node-a'])
  t.same(recorded, [])
  store.before = () => {}
  startup.allow(true)
  await quiet()
  t.same(startup.view().status, { state: 'done' })
})

t.test('in the file datastore people write their configurations themselves', async (t) => {
  const { store } = await started({ DATASTORE_TYPE: 'file' })
  t.same(store.writes, [
    'create Node/node-a',
    'create IPPool/default-ipv4-ippool',
    'create ClusterInformation/default',
  ])
})

// ---- others write, too

t.test('what somebody else changed between our reading and our writing survives', async (t) => {
  const store = memoryStore(stateOf('01'))
  const read = async () => (await store.get('Node', 'node-a'))!
  const labelled = { ...(await read()), metadata: { name: 'node-a', labels: { rack: 'r1' } } }
  let faster = 2
  store.before = ({ kind }) => void (kind === 'Node' && faster-- > 0 && store.put(labelled))
  await started({ ...calicoNode, AS: '64600' }, store)
  const { metadata, spec } = await read()
  t.match(metadata, { labels: { rack: 'r1' } })
  t.match(spec, { bgp: { asNumber: 64600, ipv4Address: '172.20.0.11/24' } })
})

t.test('a pool that another node was faster to make is the pool', async (t) => {
  const { store, startup } = bench()
  const theirs = document('IPPool', { cidr: '10.9.0.0/16' }, { name: 'default-ipv4-ippool' })
  let once = true
  store.before = ({ kind }) => {
    if (kind === 'IPPool' && once) store.put(theirs)
    if (kind === 'IPPool') once = false
  }
  startup.allow(true)
  await quiet()
  t.same(startup.view().status, { state: 'done' })
  t.match(await store.get('IPPool', 'default-ipv4-ippool'), { spec: { cidr: '10.9.0.0/16' } })
})

/** Twelve nodes start at the same moment, each with a client of its own. */
async function together(
  t: Test,
  environment: Record<string, string>,
  open: () => ReturnType<typeof openDatastore>,
) {
  const nodes = Array.from({ length: 12 }, (_, i) => {
    const datastore = open()
    t.teardown(() => datastore.close())
    const settings = { ...environment, NODENAME: `node-${i}`, FELIX_IPV6SUPPORT: 'true' }
    const { startup } = bench(settings, undefined, { datastore })
    startup.interfaces(interfaces(`2 eth0 172.20.0.${i + 1}/24`))
    startup.allow(true)
    return startup
  })
  await until('all have started', () => nodes.every((node) => node.view().status.state !== 'waiting'))
  t.same(
    nodes.map((node) => node.view().status.reason ?? 'done'),
    nodes.map(() => 'done'),
  )
  const datastore = open()
  t.teardown(() => datastore.close())
  t.equal((await datastore.list('Node')).length, 12)
  t.same((await datastore.list('IPPool')).map(({ metadata }) => metadata.name).sort(), [
    'default-ipv4-ippool',
    'default-ipv6-ippool',
  ])
}

t.test('nodes that start together in an empty directory all succeed', async (t) => {
  const path = mkdtempSync(join(tmpdir(), 'caracal-startup-'))
  t.teardown(() => rmSync(path, { recursive: true }))
  await together(t, { DATASTORE_TYPE: 'file', CALICO_DATASTORE_PATH: path }, () =>
    openDatastore({ type: 'file', path }),
  )
})

t.test('nodes that start together in an empty etcd all succeed', async (t) => {
  const { url } = await startEtcd(t)
  await together(t, {}, () => openDatastore({ type: 'etcdv3', endpoints: [url] }))
})

// ---- what goes wrong

t.test('a wrong variable is named with what would be right, and nothing is written', async (t) => {
  const cases: [Record<string, string>, RegExp][] = [
    [{ IP: 'auto' }, /^IP: expected autodetect, none, or an IPv4 address such as .*, got "auto"$/],
    [
      { IP_AUTODETECTION_METHOD: 'interface=(' },
      /^IP_AUTODETECTION_METHOD: expected first-found, can-reach=HOST/,
    ],
    [
      { IP_AUTODETECTION_METHOD: 'interface=eth9' },
      /^IP_AUTODETECTION_METHOD: interface=eth9: there is no such/,
    ],
    [{ AS: 'none' }, /^AS: expected an AS number/],
    [{ CALICO_IPV4POOL_CIDR: '10.0.0.0' }, /^CALICO_IPV4POOL_CIDR: expected an IPv4 CIDR/],
    [
      { CALICO_IPV4POOL_BLOCK_SIZE: '19' },
      /^CALICO_IPV4POOL_BLOCK_SIZE: expected a whole number from 20 to 32/,
    ],
    [{ CALICO_IPV6POOL_VXLAN: 'On' }, /^CALICO_IPV6POOL_VXLAN: expected Never, Always or CrossSubnet/],
    [
      { CALICO_IPV4POOL_IPIP: 'Always', CALICO_IPV4POOL_VXLAN: 'Always' },
      /^CALICO_IPV4POOL_IPIP: is set beside/,
    ],
    [{ CALICO_IPV4POOL_NODE_SELECTOR: '(' }, /^CALICO_IPV4POOL_NODE_SELECTOR: /],
    [{ NO_DEFAULT_POOLS: 'true', CALICO_IPV4POOL_CIDR: '10.0.0.0/16' }, /^NO_DEFAULT_POOLS: expected false/],
  ]
  for (const [environment, reason] of cases) {
    const { startup, store, recorded } = await started(environment)
    t.match(startup.view().status, { state: 'failed', reason }, JSON.stringify(environment))
    t.same([store.writes, recorded], [[], []])
  }
})

t.test('an interval that cannot be read costs only itself', async (t) => {
  const { startup } = await started({ AUTODETECT_POLL_INTERVAL: 'often' })
  t.same(startup.view().status, { state: 'done' })
})

t.test('another node with our address: refused, said once, tried again until it is gone', async (t) => {
  const { startup, store, clock, warned, recorded } = bench()
  store.put(document('Node', { bgp: { ipv4Address: '172.20.0.11/16' } }, { name: 'node-b' }))
  startup.allow(true)
  await quiet()
  t.match(startup.view().status, { state: 'failed', reason: /^IP: Node node-b has 172.20.0.11/ })
  for (let i = 0; i < 10; i++) {
    clock.advance(30_000)
    await quiet()
  }
  t.same([store.writes, recorded, warned.length], [[], [], 1])
  store.put(document('Node', { bgp: { ipv4Address: '172.20.0.12/16' } }, { name: 'node-b' }))
  clock.advance(30_000)
  await quiet()
  t.same(startup.view().status, { state: 'done' })
  t.equal(store.writes[0], 'create Node/node-a')
})

t.test('DISABLE_NODE_IP_CHECK takes the address all the same', async (t) => {
  const store = memoryStore()
  store.put(document('Node', { bgp: { ipv4Address: '172.20.0.11/16' } }, { name: 'node-b' }))
  const { startup } = await started({ DISABLE_NODE_IP_CHECK: 'true' }, store)
  t.same(startup.view().status, { state: 'done' })
})

t.test('an address in conflict that the host has lost is given up', async (t) => {
  const store = memoryStore()
  store.put(document('Node', { bgp: { ipv4Address: '172.20.0.9/24', asNumber: 64600 } }, { name: 'node-a' }))
  store.put(document('Node', { bgp: { ipv4Address: '172.20.0.11/24' } }, { name: 'node-b' }))
  const { startup, node } = await started({ IP: 'autodetect' }, store)
  t.equal(startup.view().status.state, 'failed')
  t.same(node(), { bgp: { asNumber: 64600 } })
})

t.test('a datastore that fails is tried again, later and later', async (t) => {
  const { startup, store, clock } = bench()
  store.failure = new StoreError('unavailable', 'etcd is away')
  startup.allow(true)
  await quiet()
  t.same(startup.view().status, { state: 'failed', reason: 'etcd is away' })
  const waits: number[] = []
  for (let i = 0; i < 8; i++) {
    waits.push(clock.next()! - clock.now())
    clock.advance(waits.at(-1)!)
    await quiet()
  }
  t.same(waits, [500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000])
  store.failure = undefined
  clock.advance(15_000)
  await quiet()
  t.same(startup.view().status, { state: 'done' })
})

// ---- addresses that change while we run

t.test('a new address is taken once the interfaces have been quiet for a while', async (t) => {
  const { startup, store, clock, node } = await started({ IP: 'autodetect' })
  store.writes.length = 0
  startup.interfaces(interfaces('2 eth0'))
  clock.advance(4_000)
  startup.interfaces(interfaces('2 eth0 172.20.0.77/16'))
  clock.advance(4_000)
  await quiet()
  t.same(store.writes, [], 'the burst is not over')
  clock.advance(1_000)
  await quiet()
  t.same(store.writes, ['update Node/node-a'])
  t.same(node(), {
    bgp: { ipv4Address: '172.20.0.77/16' },
    interfaces: [{ name: 'eth0', addresses: ['172.20.0.77'] }],
  })
})

t.test('an address that is lost stays in the resource, with a warning', async (t) => {
  const { startup, clock, node, store } = await started({ IP: 'autodetect' })
  startup.interfaces(interfaces('1 lo 127.0.0.1/8'))
  clock.advance(5_000)
  await quiet()
  t.match(node(), { bgp: { ipv4Address: '172.20.0.11/24' } })
  t.match(startup.view(), {
    status: { state: 'done' },
    warnings: [/first-found.*keeps 172.20.0.11\/24/, /no interface has/],
  })
  t.equal(store.writes.at(-1), 'update Node/node-a', 'the list of interfaces follows')
})

t.test('interfaces of pods are no reason to look again', async (t) => {
  const { startup, store, clock } = await started({ IP: 'autodetect' })
  store.get = () => t.fail('read') as never
  startup.interfaces(interfaces(...eth0, '7 cali0 fe80::ecee:eeff:feee:eeee/64', '8 vethabc'))
  clock.advance(30_000)
  await quiet()
})

t.test('now and then it is looked at again: a resource that somebody deleted comes back', async (t) => {
  const { store, clock } = await started({ AUTODETECT_POLL_INTERVAL: '30s' })
  store.rows.delete('/calico/resources/v3/projectcalico.org/nodes/node-a')
  store.rows.delete('/calico/resources/v3/projectcalico.org/ippools/default-ipv4-ippool')
  store.writes.length = 0
  clock.advance(30_000)
  await quiet()
  t.same(store.writes, ['create Node/node-a'], 'and pools, which are made at the start only, do not')
})

t.test('an AS number edited in the resource holds while we run', async (t) => {
  const { store, clock, node } = await started({ AS: '64600' })
  t.match(node(), { bgp: { asNumber: 64600 } })
  const stored = (await store.get('Node', 'node-a'))!
  store.put({ ...stored, spec: { bgp: { ipv4Address: '172.20.0.11/24', asNumber: 64700 } } })
  clock.advance(60_000)
  await quiet()
  t.match(node(), { bgp: { asNumber: 64700 } })
})

t.test('can-reach asks for each family that has this method', async (t) => {
  const asked: string[] = []
  const host: HostAccess = {
    addressTowards: async (destination, family) => {
      asked.push(`${destination} ${family}`)
      return address('172.20.0.11')
    },
    hasIpv6: () => true,
    recordNodename: async () => {},
    randomBytes: sameBytes,
  }
  const { node } = await started(
    { IP: 'autodetect', IP_AUTODETECTION_METHOD: 'can-reach=gateway' },
    undefined,
    { host },
  )
  t.same(asked, ['gateway ipv4'])
  t.match(node(), { bgp: { ipv4Address: '172.20.0.11/24' } })
})

t.test('once stopped it does nothing more', async (t) => {
  const { startup, store, clock } = await started()
  store.get = () => t.fail('read') as never
  startup.stop()
  clock.advance(600_000)
  await quiet()
})
