import t from 'tap'
import { prefix } from '../../../src/inet/prefix.ts'
import type { TunnelName } from '../../../src/plan/wanted.ts'
import { node, pool } from '../../kit/documents.ts'
import { Cluster, settings } from '../../kit/plan.ts'

const spec = { ipv4VXLANTunnelAddr: '10.65.0.0', ipv6VXLANTunnelAddr: 'fd10::' }
const ipv6Address = 'fd20::1/64'
const silent = node('localhostname', '10.0.0.1/24', { ipv6Address })
/** Publishes the addresses of its tunnels. */
const self = node('localhostname', '10.0.0.1/24', { ipv6Address, ipv4IPIPTunnelAddr: '10.65.0.1', spec })

const ipip = pool('ipip', '10.65.0.0/16', { ipipMode: 'Always' })
const vxlan = pool('vxlan', '10.66.0.0/16', { vxlanMode: 'CrossSubnet' })
const vxlan6 = pool('vxlan6', 'fd10::/64', { vxlanMode: 'Always' })

function host(): Cluster {
  return new Cluster('localhostname').link('eth0', '10.0.0.1/24', 'fd20::1/64').set(silent)
}

function devices(cluster: Cluster): TunnelName[] {
  cluster.settle()
  return [...cluster.plan.tunnels.keys()].sort()
}

t.test(
  'a pool that needs a device makes it, also a disabled one, and its reason names the pool',
  async (t) => {
    t.same(devices(host().set(pool('bare', '10.67.0.0/16'))), [])
    t.same(devices(host().set(pool('ipip', '10.65.0.0/16', { ipipMode: 'CrossSubnet', disabled: true }))), [
      'tunl0',
    ])
    const cluster = host().set(ipip, vxlan, vxlan6)
    t.same(devices(cluster), ['tunl0', 'vxlan-v6.calico', 'vxlan.calico'])
    t.equal(cluster.plan.tunnels.get('tunl0')?.because, 'IPIP of pool ipip')
    t.same([...cluster.delete(ipip).settle().tunnels], [['tunl0', undefined]])
  },
)

t.test('devices have the properties that other nodes count on', async (t) => {
  const cluster = host().set(self, ipip, vxlan, vxlan6)
  cluster.settle()
  const { tunnels } = cluster.plan
  t.match(tunnels.get('tunl0'), { mtu: 1480, address: '10.65.0.1', checksumOffload: true })
  t.equal(tunnels.get('tunl0')?.vxlan, undefined)
  const properties = { vni: 4096, port: 4789, parent: 'eth0' }
  t.match(tunnels.get('vxlan.calico'), {
    mtu: 1450,
    address: '10.65.0.0',
    vxlan: { ...properties, local: '10.0.0.1', mac: '66:48:f6:56:dc:f1' },
  })
  t.match(tunnels.get('vxlan-v6.calico'), {
    mtu: 1430,
    address: 'fd10::',
    vxlan: { ...properties, local: 'fd20::1', mac: '66:e7:df:bb:1a:68' },
  })
})

t.test('a device stays until this node publishes no address for it any more', async (t) => {
  const cluster = host().set(self, ipip, vxlan, vxlan6).delete(ipip, vxlan, vxlan6)
  t.same(devices(cluster), ['tunl0', 'vxlan-v6.calico', 'vxlan.calico'])
  const because = 'node localhostname still publishes 10.65.0.1, the address of tunl0'
  t.equal(cluster.plan.tunnels.get('tunl0')?.because, because)
  t.same(cluster.plan.explain(prefix('10.65.0.1/32')), [
    { source: 'own tunnel', offer: { declined: `it is the address of tunl0: ${because}` } },
  ])
  t.same(devices(cluster.tunnels({ ipipEnabled: false })), ['vxlan-v6.calico', 'vxlan.calico'], 'a setting')
  t.same(devices(cluster.tunnels({ ipipEnabled: undefined }).set(silent)), [])
})

t.test('with USE_POD_CIDR an address is published also where there is no tunnel', async (t) => {
  const cluster = new Cluster('localhostname', { ...settings, usePodCidr: true })
  t.same(devices(cluster.link('eth0', '10.0.0.1/24').set(self)), [])
})

t.test('settings come before pools; that of VXLAN leaves IPv6 alone, as in Calico', async (t) => {
  t.same(devices(host().tunnels({ ipipEnabled: true, vxlanEnabled: true })), ['tunl0', 'vxlan.calico'])
  const off = host().set(ipip, vxlan, vxlan6).tunnels({ ipipEnabled: false, vxlanEnabled: false })
  t.same(devices(off), ['vxlan-v6.calico'])
  t.same(devices(off.tunnels({ enabled: false })), [])
  const changed = host().set(vxlan).tunnels({ vxlanPort: 4790, vxlanVni: 4097, checksumOffload: false })
  changed.settle()
  t.match(changed.plan.tunnels.get('vxlan.calico'), {
    checksumOffload: false,
    vxlan: { port: 4790, vni: 4097 },
  })
})

t.test(
  'devices are there before they have an address, which invites packets; a VXLAN device waits for the interface of ours',
  async (t) => {
    const cluster = host().set(ipip, vxlan, vxlan6)
    t.same(devices(cluster), ['tunl0', 'vxlan-v6.calico', 'vxlan.calico'])
    for (const tunnel of cluster.plan.tunnels.values()) t.notOk('address' in tunnel)
    cluster.set(self)
    t.same(devices(cluster), ['tunl0', 'vxlan-v6.calico', 'vxlan.calico'])
    t.same(devices(cluster.unlink('eth0')), ['tunl0'])
  },
)

t.test('no tunnel is its own parent, nor is the interface of kube-proxy', async (t) => {
  const cluster = new Cluster('localhostname')
    .link('vxlan.calico', '10.0.0.1/32')
    .link('kube-ipvs0', '10.0.0.1/32')
    .set(silent, vxlan)
  t.same(devices(cluster), [])
  cluster.link('eth1', '10.0.0.1/24')
  t.same(devices(cluster), ['vxlan.calico'])
  t.equal(cluster.plan.tunnels.get('vxlan.calico')?.vxlan?.parent, 'eth1')
})

t.test(
  'the MTU is that of the smallest interface that counts and is up, less the header, or what is set',
  async (t) => {
    const cluster = host().set(ipip, vxlan, vxlan6)
    const mtus = () => {
      cluster.settle()
      return ['tunl0', 'vxlan.calico', 'vxlan-v6.calico'].map(
        (name) => cluster.plan.tunnels.get(name as TunnelName)?.mtu,
      )
    }
    t.same(mtus(), [1480, 1450, 1430])
    cluster.mtu('eth0', 9001)
    t.same(mtus(), [8981, 8951, 8931])
    cluster.link('eth1').mtu('eth1', 1400).link('docker0').mtu('docker0', 600)
    t.same(mtus(), [1380, 1350, 1330])
    cluster.down('eth1')
    t.same(mtus(), [8981, 8951, 8931])
    cluster.tunnels({ mtuInterfaces: /^docker/ })
    t.same(mtus(), [580, 550, 530])
    cluster.tunnels({ mtuInterfaces: /^nothing/ })
    t.same(mtus(), [1440, 1410, 1390])
    cluster.tunnels({ ipipMtu: 1300, vxlanMtu: 1301, vxlanMtuV6: 1302 })
    t.same(mtus(), [1300, 1301, 1302])
  },
)

t.test(
  'a kernel without a kind of device keeps the device wanted, and the routes of its pools from being written',
  async (t) => {
    const cluster = host().set(self, ipip, vxlan, vxlan6).unsupported('ipip')
    t.same(devices(cluster), ['tunl0', 'vxlan-v6.calico', 'vxlan.calico'])
    t.match(cluster.plan.warnings, [/^pool ipip \(IPIP Always\) is not in force: .*load the module ipip/])
    t.same(cluster.unsupported().plan.warnings.length, 1, 'not settled yet')
    cluster.settle()
    t.same(cluster.plan.warnings, [])
  },
)

t.test('the families share nothing but the code', async (t) => {
  const cluster = host().set(vxlan, vxlan6)
  cluster.settle()
  t.same([...cluster.delete(vxlan).settle().tunnels.keys()], ['vxlan.calico'])
  t.same(devices(cluster), ['vxlan-v6.calico'])
})
