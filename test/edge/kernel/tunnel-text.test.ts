import t from 'tap'
import {
  addLine,
  bare,
  type KernelTunnel,
  mend,
  needsReplacing,
  parseDevices,
  removeLine,
  sameTunnel,
  tunnelOf,
} from '../../../src/edge/kernel/tunnel-text.ts'
import { address } from '../../../src/inet/address.ts'
import type { Tunnel } from '../../../src/plan/wanted.ts'

const because = 'test'
const ipip: Tunnel = {
  name: 'tunl0',
  mtu: 1480,
  address: address('10.65.0.1'),
  checksumOffload: true,
  because,
}
const vxlan: Tunnel = {
  name: 'vxlan.calico',
  mtu: 1450,
  address: address('10.65.0.0'),
  vxlan: { vni: 4096, port: 4789, local: address('172.18.0.2'), parent: 'eth0', mac: '66:48:f6:56:dc:f1' },
  checksumOffload: true,
  because,
}

// Recorded from iproute2 6.1 on Linux 6.1 (tunl0) and 6.18 (VXLAN), less what is not read.
const printedTunl0 = {
  ifname: 'tunl0',
  flags: ['NOARP', 'UP', 'LOWER_UP'],
  mtu: 1480,
  link_type: 'ipip',
  address: '0.0.0.0',
  linkinfo: {
    info_kind: 'ipip',
    info_data: { proto: 'any', remote: 'any', local: 'any', ttl: 0, pmtudisc: false },
  },
  addr_info: [{ family: 'inet', local: '10.65.0.1', prefixlen: 32, scope: 'global', label: 'tunl0' }],
}
const printedVxlan = {
  ifname: 'vxlan.calico',
  flags: ['BROADCAST', 'MULTICAST', 'UP', 'LOWER_UP'],
  mtu: 1450,
  link_type: 'ether',
  address: '66:48:f6:56:dc:f1',
  linkinfo: {
    info_kind: 'vxlan',
    info_data: { id: 4096, local: '172.18.0.2', link: 'eth0', port: 4789, learning: false, ttl: 0 },
  },
  addr_info: [
    { family: 'inet', local: '10.65.0.0', prefixlen: 32, scope: 'global' },
    { family: 'inet6', local: 'fe80::6448:f6ff:fe56:dcf1', prefixlen: 64, scope: 'link' },
  ],
}
type Printed = Omit<typeof printedVxlan, 'linkinfo'> & { linkinfo?: object }

function found(printed: object): KernelTunnel {
  return tunnelOf(parseDevices(JSON.stringify([printed]))[0]!)!
}

function vxlanWith(over: Partial<Printed>, data: object = {}): KernelTunnel {
  const { linkinfo } = printedVxlan
  return found({
    ...printedVxlan,
    linkinfo: { ...linkinfo, info_data: { ...linkinfo.info_data, ...data } },
    ...over,
  })
}

t.test('a device that is as it should be is left alone', async (t) => {
  t.ok(sameTunnel(found(printedTunl0), ipip))
  t.ok(sameTunnel(vxlanWith({}), vxlan))
  t.ok(sameTunnel(vxlan, { ...vxlan, because: 'another reason' }))
})

t.test('other interfaces and the empty objects that ip prints are no tunnels', async (t) => {
  t.same(parseDevices('[{},{}]'), [])
  t.equal(tunnelOf(parseDevices(JSON.stringify([{ ...printedVxlan, ifname: 'flannel.1' }]))[0]!), undefined)
})

t.test('what the kernel cannot change in place asks for another device', async (t) => {
  const differences: readonly [string, KernelTunnel][] = [
    ['kind', vxlanWith({ linkinfo: { info_kind: 'dummy' } })],
    ['no kind at all', vxlanWith({ linkinfo: {} })],
    ['VNI', vxlanWith({}, { id: 4097 })],
    ['port', vxlanWith({}, { port: 8472 })],
    ['local address', vxlanWith({}, { local: '172.18.0.3' })],
    ['parent', vxlanWith({}, { link: 'eth1' })],
    ['MAC address', vxlanWith({ address: '66:00:00:00:00:01' })],
    ['group', vxlanWith({}, { group: '239.1.1.1' })],
    ['learning', vxlanWith({}, { learning: true })],
    ['l2miss', vxlanWith({}, { l2miss: true })],
    ['external', vxlanWith({}, { external: true })],
    ['group policy', vxlanWith({}, { gbp: true })],
  ]
  for (const [what, tunnel] of differences) {
    t.equal(needsReplacing(tunnel, vxlan), true, what)
    t.equal(sameTunnel(tunnel, vxlan), false, what)
  }
})

t.test('what the kernel does not say is taken for right', async (t) => {
  const { local: _, ...data } = printedVxlan.linkinfo.info_data
  const silent = vxlanWith({ linkinfo: { info_kind: 'vxlan', info_data: { ...data, port: 0 } } })
  t.ok(sameTunnel(silent, vxlan))
})

t.test('MTU, address and state are mended in place, the new address before the old one goes', async (t) => {
  const foreign = { family: 'inet', local: '10.9.9.9', prefixlen: 24 }
  const linkLocal = { family: 'inet', local: '169.254.9.9', prefixlen: 16 }
  const peer = { family: 'inet', local: '10.8.8.8', address: '10.8.8.9', prefixlen: 32 }
  const wrong = found({ ...printedTunl0, mtu: 1400, flags: ['NOARP'], addr_info: [foreign, linkLocal, peer] })
  t.equal(needsReplacing(wrong, ipip), false)
  t.equal(sameTunnel(wrong, ipip), false)
  t.same(mend(wrong, ipip), [
    'link set tunl0 mtu 1480',
    'addr add 10.65.0.1/32 dev tunl0',
    'addr del 10.9.9.9/24 dev tunl0',
    'addr del 169.254.9.9/16 dev tunl0',
    'addr del 10.8.8.8 peer 10.8.8.9/32 dev tunl0',
    'link set tunl0 up',
  ])
})

t.test('a right address stays while others go, and a wrong mask makes another address', async (t) => {
  const right = printedTunl0.addr_info[0]!
  const added = { ...printedTunl0, addr_info: [{ ...right, local: '10.9.9.9' }, right] }
  t.same(mend(found(added), ipip), ['addr del 10.9.9.9/32 dev tunl0'])
  const masked = { ...printedTunl0, addr_info: [{ ...right, prefixlen: 24 }] }
  t.same(mend(found(masked), ipip), ['addr add 10.65.0.1/32 dev tunl0', 'addr del 10.65.0.1/24 dev tunl0'])
})

t.test('without an address assigned the device has none of its family', async (t) => {
  const { address: _, ...unassigned } = ipip
  t.same(mend(found(printedTunl0), unassigned), ['addr del 10.65.0.1/32 dev tunl0'])
})

t.test('devices are made with every property said', async (t) => {
  t.equal(addLine(ipip), 'link add tunl0 type ipip')
  t.equal(
    addLine(vxlan),
    'link add vxlan.calico address 66:48:f6:56:dc:f1 type vxlan id 4096 dstport 4789 local 172.18.0.2 dev eth0 nolearning',
  )
  t.same(mend(bare(ipip), ipip), [
    'link set tunl0 mtu 1480',
    'addr add 10.65.0.1/32 dev tunl0',
    'link set tunl0 up',
  ])
})

t.test('an IPv6 device keeps to its own family, and its address is usable at once', async (t) => {
  const six: Tunnel = { ...vxlan, name: 'vxlan-v6.calico', mtu: 1430, address: address('fd66::') }
  const printed = vxlanWith({
    ifname: 'vxlan-v6.calico',
    addr_info: [
      ...printedVxlan.addr_info,
      { family: 'inet6', local: 'fd99::1', prefixlen: 64, scope: 'global' },
    ],
  })
  t.same(mend(printed, six), [
    'link set vxlan-v6.calico mtu 1430',
    'addr add fd66::/128 dev vxlan-v6.calico nodad noprefixroute',
    'addr del fd99::1/64 dev vxlan-v6.calico',
  ])
})

t.test('tunl0 loses its addresses, VXLAN devices go', async (t) => {
  t.equal(removeLine(ipip), '-4 addr flush dev tunl0')
  t.equal(removeLine(vxlan), 'link del vxlan.calico')
})
