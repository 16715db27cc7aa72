import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { Startup, type StartupOptions } from '../../src/agent/startup.ts'
import { documentFromEtcd } from '../../src/cluster/etcd-keys.ts'
import { type Document, StoreError } from '../../src/cluster/feed.ts'
import type { Node } from '../../src/cluster/model.ts'
import { openDatastore } from '../../src/edge/datastore/index.ts'
import type { HostAccess } from '../../src/edge/host/index.ts'
import { address } from '../../src/inet/address.ts'
import { type MemoryStore, memoryStore, type Operation } from '../kit/datastore/memory.ts'
import { startEtcd } from '../kit/etcd.ts'
import { FakeClock } from '../kit/reconciler.ts'
import { recordings } from '../kit/recordings.ts'
import { document } from '../kit/resources.ts'
import { interfaces, sameBytes, settingsOf } from '../kit/startup.ts'
import { until } from '../kit/until.ts'

const eth0 = ['1 lo 127.0.0.1/8 ::1/128', '2 eth0 172.20.0.11/24 fe80::1/64'] as const

interface Bench {
  readonly startup: Startup
  readonly store: MemoryStore
  readonly clock: FakeClock
  /** Every read and write so far: `create Node/node-a`. */
  readonly operations: string[]
  readonly writes: string[]
  /** Called before each of them: time for somebody else to be faster, or for a failure. */
  disturb: (operation: Operation) => void
  /** Names written to the nodename file. */
  readonly recorded: string[]
  readonly warned: object[]
  /** The `spec` of this node's resource. */
  node(): unknown
}

function bench(
  environment: Record<string, string> = {},
  store = memoryStore(),
  more: Partial<StartupOptions> = {},
): Bench {
  const resolved = settingsOf({ FELIX_IPV6SUPPORT: 'false', ...environment })
  const clock = new FakeClock()
  const recorded: string[] = []
  const warned: object[] = []
  const log = { info: () => {}, warn: (fields: object) => void warned.push(fields) }
  const datastore = store.client({
    before: (operation) => made.disturb(operation),
    after: ({ verb, id, isWrite }) => {
      made.operations.push(`${verb} ${id}`)
      if (isWrite) made.writes.push(`${verb} ${id}`)
    },
  })
  const host: HostAccess = {
    addressTowards: async () => address('172.20.0.11'),
    hasIpv6: () => true,
    recordNodename: async (_, name) => void recorded.push(name),
    randomBytes: sameBytes,
  }
  const made: Bench = {
    startup: new Startup({ datastore, settings: () => resolved, host, clock, log, ...more }),
    store,
    clock,
    operations: [],
    writes: [],
    disturb: () => {},
    recorded,
    warned,
    node: () => store.documents.get(`Node/${resolved.values.nodename}`)?.spec,
  }
  made.startup.interfaces(interfaces(...eth0))
  return made
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
const ours = ['Node', 'IPPool', 'ClusterInformation', 'FelixConfiguration', 'BGPConfiguration']

/** Documents by name, without what differs from run to run, and without what is empty. */
function essence(documents: Iterable<Document>): Record<string, Document> {
  const list = [...documents].filter(({ kind }) => ours.includes(kind))
  return Object.fromEntries(
    list.map(({ kind, metadata, spec, status, ...rest }) => {
      const { uid, creationTimestamp, resourceVersion, ...names } = metadata
      const { clusterGUID, calicoVersion, ...fields } = spec as Record<string, unknown>
      const isThere = { guid: clusterGUID !== undefined, version: calicoVersion !== undefined }
      const filled = Object.keys(status ?? {}).length > 0 ? { status } : {}
      return [
        `${kind}/${names.name}`,
        { ...rest, ...filled, kind, metadata: names, spec: { ...fields, ...isThere } },
      ]
    }),
  )
}

/** What was in the etcd of a recording. */
function recorded(name: string): Document[] {
  const { kvs } = recordings.find((recording) => recording.name.startsWith(name))!
  return kvs.flatMap(({ key, value }) => documentFromEtcd(key, value, '1') ?? [])
}

const calicoNode = { IP: 'autodetect', CLUSTER_TYPE: 'bgp', FELIX_IPV6SUPPORT: 'true' }

t.test('an empty etcd ends up as calico-node leaves it', async (t) => {
  const { store, startup } = await started({
    ...calicoNode,
    CALICO_IPV4POOL_CIDR: '10.244.0.0/16',
    CALICO_IPV4POOL_IPIP: 'Always',
    CALICO_IPV6POOL_CIDR: 'fdf8:85a0:9044::/48', // a random one there
  })
  t.same(startup.view(), { status: { state: 'done' }, warnings: [] })
  t.same(essence(store.documents.values()), essence(recorded('01')))
})

t.test('a second node adds itself and changes nothing else', async (t) => {
  const store = memoryStore(recorded('02'))
  const second = bench({ ...calicoNode, NODENAME: 'node-b' }, store)
  second.startup.interfaces(interfaces('2 eth0 172.20.0.12/24'))
  second.startup.allow(true)
  await quiet()
  t.same(second.writes, ['create Node/node-b', 'create FelixConfiguration/node.node-b'])
  const expected = structuredClone(essence(recorded('03')))
  const { bgp } = expected['Node/node-b']!.spec as { bgp: Record<string, unknown> }
  delete bgp.ipv4IPIPTunnelAddr // the work of the tunnel address allocator
  t.same(essence(store.documents.values()), expected)
})

t.test('a node that starts again writes nothing, in any recorded state', async (t) => {
  for (const { name } of recordings) {
    const again = await started(calicoNode, memoryStore(recorded(name)))
    t.match(again.startup.view(), { status: { state: 'done' }, warnings: [] }, name)
    t.same([again.writes, again.recorded], [[], ['node-a']], name)
  }
})

// ---- when it may write

t.test('nothing is read or written before the datastore is in sync, nor while it is not ready', async (t) => {
  const { startup, clock, operations, recorded } = bench()
  startup.allow(false)
  clock.advance(120_000)
  await quiet()
  t.same(startup.view().status, { state: 'waiting' })
  t.same([operations, recorded], [[], []])
  startup.allow(true)
  await quiet()
  t.same(startup.view().status, { state: 'done' })
  t.same(recorded, ['node-a'])
})

t.test('datastoreReady: false counts also when the feed has not told of it yet', async (t) => {
  const store = memoryStore([document('ClusterInformation', { datastoreReady: false })])
  const { startup, clock, writes, recorded } = await started({}, store)
  t.match(startup.view().status, { state: 'waiting', reason: /datastoreReady: false/ })
  t.same([writes, recorded], [[], []], 'and the CNI plugin goes on waiting')
  store.put(document('ClusterInformation', { datastoreReady: true }))
  clock.advance(60_000)
  await quiet()
  t.same(startup.view().status, { state: 'done' })
})

t.test('what is under way stops at the next write when the datastore is not ready any more', async (t) => {
  const made = bench()
  made.disturb = ({ isWrite }) => isWrite && made.startup.allow(false)
  made.startup.allow(true)
  await quiet()
  t.same([made.writes, made.recorded], [['create Node/node-a'], []])
  made.disturb = ({ isWrite }) => isWrite && [false, true].map((ready) => made.startup.allow(ready))
  made.startup.allow(true)
  await quiet()
  t.same(made.startup.view().status, { state: 'done' }, 'not ready for no longer than a write takes')
})

t.test('in the file datastore people write their configurations themselves', async (t) => {
  const { writes } = await started({ DATASTORE_TYPE: 'file' })
  t.same(writes, [
    'create Node/node-a',
    'create IPPool/default-ipv4-ippool',
    'create ClusterInformation/default',
  ])
})

// ---- others write, too

t.test('what somebody else changed between our reading and our writing survives', async (t) => {
  const made = bench({ ...calicoNode, AS: '64600' }, memoryStore(recorded('01')))
  const stored = made.store.documents.get('Node/node-a')!
  let faster = 2
  made.disturb = ({ id, isWrite }) => {
    if (!isWrite || id !== 'Node/node-a' || faster-- === 0) return
    made.store.put({ ...stored, metadata: { ...stored.metadata, labels: { rack: 'r1' } } })
  }
  made.startup.allow(true)
  await quiet()
  const { metadata, spec } = made.store.documents.get('Node/node-a')!
  t.match(metadata, { labels: { rack: 'r1' } })
  t.match(spec, { bgp: { asNumber: 64600, ipv4Address: '172.20.0.11/24' } })
})

t.test('a pool that another node was faster to make is the pool', async (t) => {
  const made = bench()
  const theirs = document('IPPool', { cidr: '10.9.0.0/16' }, { name: 'default-ipv4-ippool' })
  made.disturb = ({ id }) => id === 'IPPool/default-ipv4-ippool' && made.store.put(theirs)
  made.startup.allow(true)
  await quiet()
  t.same(made.startup.view().status, { state: 'done' })
  t.match(made.store.documents.get('IPPool/default-ipv4-ippool'), { spec: { cidr: '10.9.0.0/16' } })
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
    const { startup, writes, recorded } = await started(environment)
    t.match(startup.view().status, { state: 'failed', reason }, JSON.stringify(environment))
    t.same([writes, recorded], [[], []])
  }
})

t.test('an interval that cannot be read costs only itself', async (t) => {
  const { startup } = await started({ AUTODETECT_POLL_INTERVAL: 'often' })
  t.same(startup.view().status, { state: 'done' })
})

t.test('another node with our address: refused, said once, tried again until it is gone', async (t) => {
  const { startup, store, clock, writes, warned, recorded } = bench()
  store.put(document('Node', { bgp: { ipv4Address: '172.20.0.11/16' } }, { name: 'node-b' }))
  startup.allow(true)
  await quiet()
  t.match(startup.view().status, { state: 'failed', reason: /^IP: Node node-b has 172.20.0.11/ })
  for (let i = 0; i < 10; i++) {
    clock.advance(30_000)
    await quiet()
  }
  t.same([writes, recorded, warned.length], [[], [], 1])
  store.put(document('Node', { bgp: { ipv4Address: '172.20.0.12/16' } }, { name: 'node-b' }))
  clock.advance(30_000)
  await quiet()
  t.same(startup.view().status, { state: 'done' })
  t.equal(writes[0], 'create Node/node-a')
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
  const made = bench()
  const { startup, clock } = made
  made.disturb = () => {
    throw new StoreError('unavailable', 'etcd is away')
  }
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
  made.disturb = () => {}
  clock.advance(15_000)
  await quiet()
  t.same(startup.view().status, { state: 'done' })
})

// ---- addresses that change while we run

t.test('a new address is taken a little while after the interfaces began to change', async (t) => {
  const { startup, writes, clock, node } = await started({ IP: 'autodetect' })
  writes.length = 0
  startup.interfaces(interfaces('2 eth0'))
  clock.advance(3_000)
  startup.interfaces(interfaces('2 eth0 172.20.0.77/16'))
  clock.advance(1_000)
  await quiet()
  t.same(writes, [], 'more may come')
  clock.advance(1_000)
  await quiet()
  t.same(writes, ['update Node/node-a'])
  t.same(node(), {
    bgp: { ipv4Address: '172.20.0.77/16' },
    interfaces: [{ name: 'eth0', addresses: ['172.20.0.77'] }],
  })
})

t.test('an address that is lost stays in the resource, with a warning', async (t) => {
  const { startup, clock, node, writes } = await started({ IP: 'autodetect' })
  startup.interfaces(interfaces('1 lo 127.0.0.1/8'))
  clock.advance(5_000)
  await quiet()
  t.match(node(), { bgp: { ipv4Address: '172.20.0.11/24' } })
  t.match(startup.view(), {
    status: { state: 'done' },
    warnings: [/first-found.*keeps 172.20.0.11\/24/, /no interface has/],
  })
  t.equal(writes.at(-1), 'update Node/node-a', 'the list of interfaces follows')
})

t.test('interfaces of pods are no reason to look again', async (t) => {
  const { startup, clock, operations } = await started({ IP: 'autodetect' })
  operations.length = 0
  startup.interfaces(interfaces(...eth0, '7 cali0 fe80::ecee:eeff:feee:eeee/64', '8 vethabc'))
  clock.advance(30_000)
  await quiet()
  t.same(operations, [])
})

/** What the feed says when somebody has changed or deleted the Node. */
const ownNode = { kind: 'Node', key: 'Node/node-a', before: {} as Node } as const

t.test('now and then it is looked at again: a resource that somebody deleted comes back', async (t) => {
  const { startup, store, clock, writes } = await started({ AUTODETECT_POLL_INTERVAL: '30s' })
  for (const id of ['Node/node-a', 'IPPool/default-ipv4-ippool']) store.documents.delete(id)
  startup.changed(ownNode)
  writes.length = 0
  clock.advance(30_000)
  await quiet()
  t.same(writes, ['create Node/node-a'], 'and pools, which are made at the start only, do not')
})

t.test('what was missed while the datastore was away is looked at when it is back', async (t) => {
  const { startup, clock, operations, node } = await started({ IP: 'autodetect' })
  startup.allow(false)
  clock.advance(120_000)
  operations.length = 0
  startup.allow(true)
  startup.changed(ownNode)
  clock.advance(59_000)
  await quiet()
  t.same(operations, [])
  clock.advance(1_000)
  await quiet()
  t.not(operations.length, 0, 'now and then goes on')

  startup.allow(false)
  startup.interfaces(interfaces('2 eth0 172.20.0.77/24'))
  clock.advance(60_000)
  startup.allow(true)
  clock.advance(5_000)
  await quiet()
  t.match(node(), { bgp: { ipv4Address: '172.20.0.77/24' } })
})

t.test('while nothing is different the datastore is not asked', async (t) => {
  const { startup, clock, operations } = await started()
  operations.length = 0
  for (let minute = 0; minute < 60; minute++) {
    clock.advance(60_000)
    await quiet()
  }
  t.same(operations, [])
  startup.changed({ kind: 'Node', key: 'Node/node-b', before: undefined })
  clock.advance(60_000)
  await quiet()
  t.same(operations, [], 'other nodes are none of our business')
})

t.test('an AS number edited in the resource holds while we run', async (t) => {
  const { store, clock, node } = await started({ AS: '64600' })
  t.match(node(), { bgp: { asNumber: 64600 } })
  const stored = store.documents.get('Node/node-a')!
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
  const { startup, clock, operations } = await started()
  operations.length = 0
  startup.stop()
  clock.advance(600_000)
  await quiet()
  t.same(operations, [])
})
