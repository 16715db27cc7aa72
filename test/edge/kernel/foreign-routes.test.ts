import t from 'tap'
import { ForeignRoutes } from '../../../src/edge/kernel/foreign-routes.ts'
import { parseRoute } from '../../../src/edge/kernel/route-text.ts'
import { prefix } from '../../../src/inet/prefix.ts'

// As `ip -N -o -d route` prints them: type 1 is unicast, 2 local, 6 blackhole, 7 unreachable.
const waysOut = [
  '1 0.0.0.0/0 via 172.18.0.1 dev eth0 proto 3 scope 0 metric 100',
  '1 fd00::/64 dev eth0 proto 2 scope 0 metric 256 pref medium',
  '6 192.0.2.0/24 proto 4 scope 0',
  '7 198.51.100.0/24 proto 4 scope 0',
]

const others = [
  '2 172.18.0.2 dev eth0 table 255 proto 2 scope 254',
  '1 203.0.113.0/24 via 172.18.0.9 dev eth0 table 100 proto 4 scope 0',
  '1 203.0.113.0/24 tos 0x10 via 172.18.0.9 dev eth0 proto 4 scope 0',
  '1 203.0.113.0/24 via 172.18.0.9 dev eth0 proto 4 scope 0 dead linkdown',
  '1 fe80::/64 dev eth0 proto 2 scope 0 metric 256 pref medium',
  '1 ff00::/8 dev eth0 proto 2 scope 0 metric 256 pref medium',
]

function foreign(lines: readonly string[]) {
  const routes = new ForeignRoutes()
  const taken = lines.filter((line) => routes.add(parseRoute(line)!))
  return { routes, taken }
}

t.test('what all packets to a destination follow or end at is taken, and nothing else', async (t) => {
  const { routes, taken } = foreign([...waysOut, ...others])
  t.same(taken, waysOut)
  t.equal(routes.all().length, waysOut.length)
})

t.test('a route takes the place of another of its prefix and metric only', async (t) => {
  const { routes } = foreign([
    '1 203.0.113.0/24 via 172.18.0.8 dev eth0 proto 4 scope 0',
    '1 203.0.113.0/24 via 172.18.0.9 dev eth0 proto 4 scope 0',
    '1 203.0.113.0/24 via 172.18.0.7 dev eth1 proto 4 scope 0 metric 50',
  ])
  t.same(
    routes.all().map(({ gateway }) => gateway),
    ['172.18.0.9', '172.18.0.7'],
  )
  const destination = prefix('203.0.113.0/24')
  t.same(
    [0, 50, 50].map((metric) => routes.delete(destination, metric)),
    [true, true, false],
  )
  t.same(routes.all(), [])
})

t.test('an interface takes its routes along', async (t) => {
  const { routes } = foreign([
    '1 203.0.113.0/24 dev eth0 proto 4 scope 0',
    '1 198.51.100.0/24 dev eth1 proto 4 scope 0',
  ])
  routes.deviceDown('eth0')
  t.same(
    routes.all().map(({ device }) => device),
    ['eth1'],
  )
})

t.test('a multipath route leads where its first living next hop does', async (t) => {
  const hops = 'nexthop via 172.18.0.6 dev eth0 weight 1 dead nexthop via 172.18.0.7 dev eth1 weight 1'
  const { routes } = foreign([`1 203.0.113.0/24 proto 4 scope 0 ${hops}`])
  t.match(routes.all(), [{ gateway: '172.18.0.7', device: 'eth1' }])
})
