import t from 'tap'
import { isOurs } from '../../../src/edge/kernel/ownership.ts'
import { parseRoute } from '../../../src/edge/kernel/route-text.ts'
import { contains, prefix } from '../../../src/inet/prefix.ts'

const pools = [prefix('10.65.0.0/16'), prefix('fd10::/16')]
const ownership = {
  settings: { workloadPrefixes: ['cali'], removeExternalRoutes: true, workloadProtocol: 3 },
  owns: (destination: ReturnType<typeof prefix>) =>
    pools.some((pool) => contains(pool, destination)) || destination === '198.51.100.0/24',
}

const ours = [
  '1 10.65.0.2 dev caliaaa proto 3 scope 253',
  '1 192.0.2.9 dev caliaaa proto 4 scope 253',
  '1 10.65.2.0/26 via 10.65.2.0 dev vxlan.calico proto 3 onlink mtu 1450',
  '1 10.99.0.0/26 via 172.18.0.5 dev tunl0 proto 12 onlink',
  '1 10.65.6.0/26 via 172.18.0.6 dev eth0 proto 12',
  '1 10.65.1.0/26 via 172.18.0.4 dev eth0 proto 80 onlink',
  '1 198.51.100.0/24 via 172.18.0.9 dev eth0 proto 12',
  '1 10.65.6.0/26 proto 12 \\\tnexthop via 172.18.0.6 dev eth0 weight 1 \\\tnexthop via 172.18.0.7 dev eth0 weight 1',
  '1 10.99.1.0/26 proto 12 \\\tnexthop via 172.18.0.6 dev tunl0 weight 1 onlink \\\tnexthop via 172.18.0.7 dev tunl0 weight 1 onlink',
  '6 10.65.0.0/26 proto 80',
  '6 10.65.5.0/26 proto 12',
  '6 fd10:65::/122 dev lo proto 80 metric 1024 pref medium',
]

const foreign = [
  '1 fe80::/64 dev caliaaa proto 2 metric 256 pref medium',
  '1 fe80::/64 dev caliaaa proto 12 metric 1024 pref medium',
  '1 10.65.0.9 dev caliaaa proto 2 scope 253',
  '1 10.65.3.0/26 via 172.18.0.5 dev tunl0 proto 4 onlink',
  '1 203.0.113.0/24 via 172.18.0.6 dev eth0 proto 12',
  '1 203.0.113.0/24 via 172.18.0.6 dev eth0 proto 80',
  '6 203.0.113.0/24 proto 12',
  '1 10.65.6.0/26 via 172.18.0.6 dev eth0 proto 4',
  '6 10.65.6.0/26 proto 4',
  '7 10.65.6.0/26 proto 80',
  '1 10.65.6.0/26 via 172.18.0.6 dev eth0 table 100 proto 12',
  '1 10.65.6.0/26 tos 0x04 via 172.18.0.6 dev eth0 proto 12',
  '1 10.65.6.0/26 proto 4 \\\tnexthop via 172.18.0.6 dev eth0 weight 1 \\\tnexthop via 172.18.0.7 dev eth0 weight 1',
  '1 10.99.1.0/26 proto 12 \\\tnexthop via 172.18.0.6 dev tunl0 weight 1 onlink \\\tnexthop via 172.18.0.7 dev eth0 weight 1',
]

t.test('what we or another agent of the cluster made is ours', async (t) => {
  for (const line of ours) t.equal(isOurs(parseRoute(line)!, ownership), true, line)
})

t.test('everything else is not', async (t) => {
  for (const line of foreign) t.equal(isOurs(parseRoute(line)!, ownership), false, line)
})

t.test('with removeExternalRoutes off, routes of others on workload interfaces stay theirs', async (t) => {
  const settings = { workloadPrefixes: ['cali'], removeExternalRoutes: false, workloadProtocol: 99 }
  const verdict = (protocol: number) =>
    isOurs(parseRoute(`1 192.0.2.9 dev caliaaa proto ${protocol} scope 253`)!, { ...ownership, settings })
  t.same([3, 80, 99, 4].map(verdict), [true, true, true, false])
})
