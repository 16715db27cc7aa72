import t from 'tap'
import { CommandError, openIp, openProgram, type Program } from '../../../src/edge/kernel/run.ts'
import { Tunnels } from '../../../src/edge/kernel/tunnels.ts'
import { address } from '../../../src/inet/address.ts'
import type { Tunnel, VxlanProperties } from '../../../src/plan/wanted.ts'
import { type Namespace, namespace } from '../../kit/namespace.ts'
import { needsRoot } from '../../kit/needs-root.ts'

const because = 'test'
const properties: VxlanProperties = {
  vni: 4096,
  port: 4789,
  local: address('172.18.0.2'),
  parent: 'eth0',
  mac: '66:48:f6:56:dc:f1',
}
const four: Tunnel = {
  name: 'vxlan.calico',
  mtu: 1450,
  address: address('10.65.0.0'),
  vxlan: properties,
  checksumOffload: true,
  because,
}
const six: Tunnel = {
  name: 'vxlan-v6.calico',
  mtu: 1430,
  address: address('fd66::'),
  vxlan: { ...properties, local: address('fd00::2'), mac: '66:e7:df:bb:1a:68' },
  checksumOffload: true,
  because,
}
const ipip: Tunnel = {
  name: 'tunl0',
  mtu: 1480,
  address: address('10.65.0.1'),
  checksumOffload: true,
  because,
}

function kindIn(ns: Namespace) {
  const made: string[] = []
  const ethtool = openProgram('ethtool', ns.name)
  const kind = new Tunnels({
    ip: openIp(ns.name),
    ethtool,
    onMaking: (name) => made.push(name),
    onMade: async () => {},
  })
  return { kind, made, fits: async (...wanted: Tunnel[]) => matches(kind, wanted) }
}

async function matches(kind: Tunnels, wanted: readonly Tunnel[]): Promise<boolean> {
  const found = await kind.read()
  return (
    found.length === wanted.length &&
    wanted.every((one) => found.some((tunnel) => kind.key(tunnel) === one.name && kind.same(tunnel, one)))
  )
}

t.test('a pair of VXLAN devices is made, put again for nothing, and removed twice', needsRoot, async (t) => {
  const ns = namespace(t)
  const { kind, made, fits } = kindIn(ns)
  t.same(await kind.put([four, six]), [])
  t.ok(await fits(four, six))
  t.match(
    ns.show('-d link show vxlan.calico').join(' '),
    /mtu 1450.*vxlan id 4096 local 172.18.0.2 dev eth0.*nolearning/,
  )
  t.match(ns.show('-d link show vxlan-v6.calico').join(' '), /mtu 1430.*vxlan id 4096 local fd00::2 dev eth0/)
  const before = ns.show('-o link show vxlan.calico')
  t.same(await kind.put([four, six]), [])
  t.same(ns.show('-o link show vxlan.calico'), before, 'the same interface')
  t.same(made, ['vxlan.calico', 'vxlan-v6.calico'])
  t.same(await kind.remove([four, six]), [])
  t.same(await kind.remove([four, six]), [])
  t.same(await kind.read(), [])
})

t.test('a device with other properties is made anew, under the same name', needsRoot, async (t) => {
  const ns = namespace(t)
  const others = [
    'link add vxlan.calico type veth peer name other',
    'link add vxlan.calico type vxlan id 4096 dstport 8472 local 172.18.0.2 dev eth0 nolearning',
    'link add vxlan.calico type vxlan id 4096 dstport 4789 group 239.1.1.1 dev eth0',
    'link add vxlan.calico type vxlan dstport 4789 external',
  ]
  for (const other of others) {
    const { kind, made, fits } = kindIn(ns)
    ns.ip(other)
    t.equal(await fits(four), false, other)
    t.same(await kind.put([four]), [], other)
    t.ok(await fits(four), other)
    t.same(made, ['vxlan.calico'], other)
    ns.ip('link del vxlan.calico')
  }
})

t.test('MTU, address and state are put right without another device', needsRoot, async (t) => {
  const ns = namespace(t)
  const { kind, made, fits } = kindIn(ns)
  await kind.put([four])
  const index = ns.show('-o link show vxlan.calico')[0]!.split(':')[0]
  ns.ip(
    'link set vxlan.calico mtu 1300 down',
    'addr add 10.9.9.9/24 dev vxlan.calico',
    'addr del 10.65.0.0/32 dev vxlan.calico',
  )
  t.equal(await fits(four), false)
  t.same(await kind.put([four]), [])
  t.ok(await fits(four))
  t.equal(ns.show('-o link show vxlan.calico')[0]!.split(':')[0], index)
  t.equal(ns.show('-6 -o addr show dev vxlan.calico scope link').length, 1, 'link-local addresses stay')
  t.same(made, ['vxlan.calico'])
})

t.test('a VNI and port that are taken name their owner; the other device is made', needsRoot, async (t) => {
  const ns = namespace(t)
  const { kind, fits } = kindIn(ns)
  ns.ip('link add flannel.1 type vxlan id 4096 dstport 4789 local 172.18.0.2 dev eth0')
  t.same(await kind.put([four, six]), [
    {
      key: 'vxlan.calico',
      reason:
        'Error: A VXLAN device with the specified VNI already exists. ' +
        'flannel.1 has VNI 4096 on port 4789: remove it, or give vxlan.calico another vxlanVNI or vxlanPort',
      transient: false,
    },
  ])
  t.ok(await fits(six))
  ns.ip('link del flannel.1')
  t.same(await kind.put([four]), [])
})

t.test('a parent that is not there is waited for', needsRoot, async (t) => {
  const ns = namespace(t)
  const { kind } = kindIn(ns)
  t.same(await kind.put([{ ...four, vxlan: { ...properties, parent: 'bond0' } }]), [
    { key: 'vxlan.calico', reason: 'Cannot find device "bond0"', transient: true },
  ])
})

t.test('an MTU the kernel refuses keeps the device from nothing else', needsRoot, async (t) => {
  const ns = namespace(t)
  const { kind } = kindIn(ns)
  t.same(await kind.put([{ ...four, mtu: 9000 }]), [
    {
      key: 'vxlan.calico',
      reason: 'ip link set vxlan.calico mtu 9000: RTNETLINK answers: Invalid argument',
      transient: false,
    },
  ])
  t.match(ns.show('-o link show vxlan.calico')[0], /[<,]UP[,>]/)
  t.equal(ns.show('-4 -o addr show dev vxlan.calico').length, 1)
})

t.test('checksum offload is switched off where asked, and on again', needsRoot, async (t) => {
  const ns = namespace(t)
  const { kind, fits } = kindIn(ns)
  const careful = { ...four, checksumOffload: false }
  const offload = () => openProgram('ethtool', ns.name).text('-k', 'vxlan.calico')
  t.same(await kind.put([careful]), [])
  t.match(await offload(), /^tx-checksumming: off/m)
  t.ok(await fits(careful))
  t.same(await kind.put([four]), [])
  t.match(await offload(), /^tx-checksumming: on/m)
  t.ok(await fits(four))
})

/** Answers like the ip(8) of a machine that has these devices; keeps the lines that change something. */
function scripted(devices: object[], words: Readonly<Record<string, string>> = {}) {
  const lines: string[] = []
  const text = async (...args: string[]): Promise<string> => {
    if (args.includes('show')) return JSON.stringify(args.includes('dev') ? [tunl0] : devices)
    const line = args.join(' ')
    lines.push(line)
    if (words[line] === undefined) return ''
    throw new CommandError(['ip', ...args], words[line], undefined)
  }
  const ip: Program = { ...openIp(), text }
  const ethtool = openProgram('ethtool')
  return { lines, kind: new Tunnels({ ip, ethtool, onMaking: () => {}, onMade: async () => {} }) }
}

const tunl0 = {
  ifindex: 9,
  ifname: 'tunl0',
  flags: ['NOARP'],
  mtu: 1480,
  link_type: 'ipip',
  linkinfo: { info_kind: 'ipip', info_data: { proto: 'any', remote: 'any', local: 'any' } },
}
const rest = ['addr add 10.65.0.1/32 dev tunl0', 'link set tunl0 up']

t.test('tunl0 that came with its module is used as it is', async (t) => {
  const { kind, lines } = scripted([tunl0])
  t.same(await kind.read(), [], 'unused and without addresses it is not ours')
  t.same(await kind.put([ipip]), [])
  t.same(lines, rest)
  t.equal((await kind.read()).length, 1, 'used, it is ours even without its address')
})

t.test('tunl0 that comes with its module while we add it is no failure', async (t) => {
  const { kind, lines } = scripted([], { 'link add tunl0 type ipip': 'RTNETLINK answers: File exists\n' })
  t.same(await kind.put([ipip]), [])
  t.same(lines, ['link add tunl0 type ipip', 'link set tunl0 mtu 1480', ...rest])
})

t.test('tunl0 is never removed, only its IPv4 addresses go', async (t) => {
  const addr_info = [{ family: 'inet', local: '10.65.0.1', prefixlen: 32 }]
  const { kind, lines } = scripted([{ ...tunl0, addr_info }])
  const [found] = await kind.read()
  t.same(await kind.remove([found!]), [])
  t.same(lines, ['-4 addr flush dev tunl0'])
})

t.test('an interface of another kind that is called tunl0 is left alone, and named', async (t) => {
  const { kind, lines } = scripted([{ ...tunl0, linkinfo: { info_kind: 'dummy' } }])
  t.same(await kind.read(), [])
  t.match(await kind.put([ipip]), [
    { key: 'tunl0', reason: 'tunl0 is of kind dummy: it is not ours to remove; give it another name' },
  ])
  t.same(lines, [])
})

t.test('a kernel without IPIP says so, with the cure, until it has it', async (t) => {
  const words: Record<string, string> = { 'link add tunl0 type ipip': 'Error: Unknown device type.\n' }
  const { kind } = scripted([], words)
  t.same(await kind.put([ipip]), [
    {
      key: 'tunl0',
      reason:
        'Error: Unknown device type. This kernel has no IPIP: load the module (modprobe ipip), or have the pools do without',
      transient: false,
    },
  ])
  t.same([...kind.unsupported()], ['ipip'])
  delete words['link add tunl0 type ipip']
  t.same(await kind.put([ipip]), [])
  t.same([...kind.unsupported()], [])
})
