import { join } from 'node:path'
import t from 'tap'
import type { Kernel } from '../../../src/edge/kernel/kernel.ts'
import type { KernelRoute } from '../../../src/edge/kernel/kernel-route.ts'
import { address } from '../../../src/inet/address.ts'
import { prefix } from '../../../src/inet/prefix.ts'
import type { FdbEntry, Neighbor, Tunnel } from '../../../src/plan/wanted.ts'
import { follow } from '../../kit/kernel.ts'
import { type Namespace, namespace } from '../../kit/namespace.ts'
import { needsRoot } from '../../kit/needs-root.ts'
import { until } from '../../kit/until.ts'

const because = 'test'
const NONE = { removed: 0, changed: 0, added: 0, device: 0 }

/** What one remote node needs: a device, a neighbour, an FDB entry, a route. */
interface Way {
  readonly tunnel: Tunnel
  readonly neighbor: Neighbor
  readonly fdb: FdbEntry
  readonly route: KernelRoute
}

const four: Way = {
  tunnel: {
    name: 'vxlan.calico',
    mtu: 1450,
    address: address('10.65.0.0'),
    vxlan: { vni: 4096, port: 4789, local: address('172.18.0.2'), parent: 'eth0', mac: '66:48:f6:56:dc:f1' },
    checksumOffload: true,
    because,
  },
  neighbor: { address: address('10.65.2.0'), mac: '66:3e:ca:a4:db:65', device: 'vxlan.calico', because },
  fdb: { mac: '66:3e:ca:a4:db:65', device: 'vxlan.calico', destination: address('172.18.0.4'), because },
  route: {
    prefix: prefix('10.65.2.0/26'),
    type: 'unicast',
    protocol: 'boot',
    gateway: address('10.65.2.0'),
    device: 'vxlan.calico',
    onlink: true,
    mtu: 1450,
    because,
  },
}

const six: Way = {
  tunnel: {
    ...four.tunnel,
    name: 'vxlan-v6.calico',
    mtu: 1430,
    address: address('fd10:66::'),
    vxlan: { ...four.tunnel.vxlan!, local: address('fd00::2'), mac: '66:e7:df:bb:1a:68' },
  },
  neighbor: { ...four.neighbor, address: address('fd10:66::1:0'), device: 'vxlan-v6.calico' },
  fdb: { ...four.fdb, device: 'vxlan-v6.calico', destination: address('fd00::4') },
  route: {
    ...four.route,
    prefix: prefix('fd10:66::1:0/122'),
    gateway: address('fd10:66::1:0'),
    device: 'vxlan-v6.calico',
    mtu: 1430,
  },
}

/** Each kind with the keys of a way in it, and their items. */
function partsOf(kernel: Kernel, { tunnel, neighbor, fdb, route }: Way) {
  return [
    { of: kernel.tunnels, key: tunnel.name, want: () => kernel.tunnels.want(tunnel.name, tunnel) },
    {
      of: kernel.neighbors,
      key: `${neighbor.device} ${neighbor.address}`,
      want: () => kernel.neighbors.want(`${neighbor.device} ${neighbor.address}`, neighbor),
    },
    {
      of: kernel.fdb,
      key: `${fdb.device} ${fdb.mac}`,
      want: () => kernel.fdb.want(`${fdb.device} ${fdb.mac}`, fdb),
    },
    { of: kernel.routes, key: route.prefix, want: () => kernel.routes.want(route.prefix, route) },
  ]
}

function want(kernel: Kernel, way: Way): Promise<void> {
  for (const part of partsOf(kernel, way)) part.want()
  kernel.changed()
  return inForce(kernel, way)
}

function inForce(kernel: Kernel, way: Way): Promise<void> {
  const parts = partsOf(kernel, way)
  return until('all of the way in force', () => parts.every(({ of, key }) => of.inForce(key)))
}

function unwant(kernel: Kernel, way: Way): void {
  for (const { of, key } of partsOf(kernel, way)) of.want(key, undefined)
  kernel.changed()
}

function repairs(kernel: Kernel) {
  const { tunnels, neighbors, fdb, routes } = kernel
  return [tunnels, neighbors, fdb, routes].map((kind) => kind.view().repairs)
}

/** What a packet needs on its way, as ip and bridge print it. */
function printed(ns: Namespace, device = 'vxlan.calico') {
  const family = device === 'vxlan.calico' ? '-4' : '-6'
  return {
    link: ns
      .show(`-o link show ${device}`)[0]!
      .replace(/^\d+: /, '')
      .split(' qdisc')[0],
    address: ns.show(`-o ${family} addr show dev ${device} scope global`).map((line) => line.split(/\s+/)[3]),
    neighbors: ns.show(`${family} neigh show dev ${device} nud permanent`),
    fdb: ns.bridge(`fdb show dev ${device}`),
    routes: ns.show(`${family} route show dev ${device}`).filter((line) => !line.includes('fe80')),
  }
}

const fourPrinted = {
  link: 'vxlan.calico: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1450',
  address: ['10.65.0.0/32'],
  neighbors: ['10.65.2.0 lladdr 66:3e:ca:a4:db:65 PERMANENT'],
  fdb: ['66:3e:ca:a4:db:65 dst 172.18.0.4 self permanent'],
  routes: ['10.65.2.0/26 via 10.65.2.0 onlink mtu 1450'],
}

function isRight(ns: Namespace): boolean {
  return JSON.stringify(printed(ns)) === JSON.stringify(fourPrinted)
}

t.test(
  'a way through VXLAN is made from nothing in both families, and nothing twice',
  needsRoot,
  async (t) => {
    const ns = namespace(t)
    const { kernel } = await follow(t, ns)
    await Promise.all([want(kernel, four), want(kernel, six)])
    t.same(printed(ns), fourPrinted)
    t.same(printed(ns, 'vxlan-v6.calico'), {
      link: 'vxlan-v6.calico: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1430',
      address: ['fd10:66::/128'],
      neighbors: ['fd10:66::1:0 lladdr 66:3e:ca:a4:db:65 PERMANENT'],
      fdb: ['66:3e:ca:a4:db:65 dst fd00::4 self permanent'],
      routes: ['fd10:66::1:0/122 via fd10:66::1:0 metric 1024 onlink mtu 1430 pref medium'],
    })
    t.same(repairs(kernel), [NONE, NONE, NONE, NONE])
  },
)

t.test(
  'a device that someone deletes is back with all that hung on it, and counted',
  needsRoot,
  async (t) => {
    const ns = namespace(t)
    const { kernel } = await follow(t, ns)
    await want(kernel, four)
    ns.ip('link del vxlan.calico')
    await until('all counted', () => repairs(kernel).every(({ removed, device }) => removed + device === 1))
    await inForce(kernel, four)
    t.same(printed(ns), fourPrinted)
  },
)

t.test('what someone does to a device is put right at once, and the device stays', needsRoot, async (t) => {
  const ns = namespace(t)
  const { kernel } = await follow(t, ns)
  await want(kernel, four)
  const index = ns.show('-o link show vxlan.calico')[0]!.split(':')[0]
  const doings = [
    'link set vxlan.calico down',
    'link set vxlan.calico mtu 1300',
    'addr add 10.9.9.9/24 dev vxlan.calico',
    'addr del 10.65.0.0/32 dev vxlan.calico',
  ]
  for (const [count, doing] of doings.entries()) {
    ns.ip(doing)
    await until(`${doing}: counted`, () => kernel.tunnels.view().repairs.changed === count + 1)
    await until(`${doing}: put right`, () => isRight(ns))
  }
  t.equal(ns.show('-o link show vxlan.calico')[0]!.split(':')[0], index)
})

t.test('drift of neighbours and FDB entries of VTEPs is put right, and counted', needsRoot, async (t) => {
  const ns = namespace(t)
  const { kernel } = await follow(t, ns)
  await want(kernel, four)
  ns.ip('neigh del 10.65.2.0 dev vxlan.calico')
  await until('the neighbour', () => kernel.neighbors.view().repairs.removed === 1)
  ns.bridge('fdb del 66:3e:ca:a4:db:65 dev vxlan.calico self')
  await until('the entry', () => kernel.fdb.view().repairs.removed === 1)
  ns.bridge('fdb replace 66:3e:ca:a4:db:65 dev vxlan.calico dst 172.18.0.9 self permanent')
  await until('its destination', () => kernel.fdb.view().repairs.changed === 1)
  await inForce(kernel, four)
  t.same(printed(ns), fourPrinted)
})

t.test(
  'another VNI makes another device, with all that hangs on it, and nothing is counted',
  needsRoot,
  async (t) => {
    const ns = namespace(t)
    const { kernel } = await follow(t, ns)
    await want(kernel, four)
    const { vxlan } = four.tunnel
    await want(kernel, { ...four, tunnel: { ...four.tunnel, vxlan: { ...vxlan!, vni: 5000 } } })
    t.same(printed(ns), fourPrinted)
    t.match(ns.show('-d link show vxlan.calico').join(), /vxlan id 5000/)
    t.same(repairs(kernel), [NONE, NONE, NONE, NONE])
  },
)

t.test('a parent that goes takes the device along; back again, it carries it again', needsRoot, async (t) => {
  const ns = namespace(t)
  const { kernel } = await follow(t, ns)
  await want(kernel, four)
  ns.ip('link del eth0')
  await until('nothing is in force', () => !kernel.tunnels.inForce('vxlan.calico'))
  ns.ip('link add eth0 type veth peer name wire', 'link set eth0 up', 'link set wire up')
  await inForce(kernel, four)
  t.same(printed(ns), fourPrinted)
})

t.test('one family goes without the other, and removes nothing of others', needsRoot, async (t) => {
  const ns = namespace(t)
  ns.ip('link add flannel.1 type vxlan id 1 dstport 8472 local 172.18.0.2 dev eth0')
  const { kernel } = await follow(t, ns)
  await Promise.all([want(kernel, four), want(kernel, six)])
  kernel.allowPrune()
  unwant(kernel, four)
  await until('the device is gone', () => ns.show('-o link show type vxlan').length === 2)
  await inForce(kernel, six)
  const kinds = [kernel.tunnels, kernel.neighbors, kernel.fdb, kernel.routes]
  await until('nothing is left to remove', () => kinds.every((kind) => kind.diff().remove.length === 0))
})

t.test(
  'what an older process left is adopted as it is, or goes when nobody wants it',
  needsRoot,
  async (t) => {
    const ns = namespace(t)
    const statePath = join(t.testdir(), 'owned')
    const older = await follow(t, ns, statePath)
    await Promise.all([want(older.kernel, four), want(older.kernel, six)])
    await older.kernel.stop()
    const index = ns.show('-o link show vxlan.calico')[0]!.split(':')[0]

    const { kernel } = await follow(t, ns, statePath)
    await want(kernel, four)
    t.equal(ns.show('-o link show vxlan.calico')[0]!.split(':')[0], index)
    kernel.allowPrune()
    await until('the other device is gone', () => ns.show('-o link show type vxlan').length === 1)
    t.same(printed(ns), fourPrinted)
    t.same(repairs(kernel), [NONE, NONE, NONE, NONE])
  },
)

t.test('a kernel without IPIP says so, and everything else works', needsRoot, async (t) => {
  const ns = namespace(t)
  const ipip: Tunnel = {
    name: 'tunl0',
    mtu: 1480,
    address: address('10.65.0.1'),
    checksumOffload: true,
    because,
  }
  const { kernel } = await follow(t, ns)
  kernel.tunnels.want('tunl0', ipip)
  await want(kernel, four)
  if (kernel.tunnels.inForce('tunl0')) return t.same([...kernel.unsupported], [], 'this kernel has it')
  t.match(kernel.tunnels.view().refused, [
    { key: 'tunl0', reason: /^Error: Unknown device type\. This kernel has no IPIP: load the module/ },
  ])
  t.same([...kernel.unsupported], ['ipip'])
  t.same(printed(ns), fourPrinted)
})

t.test('another MTU of the parent reaches the plan', needsRoot, async (t) => {
  const ns = namespace(t)
  const { underlay } = await follow(t, ns)
  ns.ip('link set eth0 mtu 1400')
  await until('the MTU', () => underlay.links.find(({ name }) => name === 'eth0')?.mtu === 1400)
})
