import t from 'tap'
import type { KernelRoute } from '../../../src/edge/kernel/kernel-route.ts'
import { deleteLine, parseRoute, replaceLine } from '../../../src/edge/kernel/route-text.ts'
import { address } from '../../../src/inet/address.ts'
import { prefix } from '../../../src/inet/prefix.ts'

const because = 'found in the kernel'

/** One route in three spellings: as `ip -N -o -d route` and its monitor print it, as we hold it, as we write it. */
interface Form {
  readonly name: string
  readonly printed: string
  readonly route: KernelRoute
  readonly put: string
  readonly remove: string
}

const forms: readonly Form[] = [
  {
    name: 'local workload',
    printed: '1 10.65.0.2 dev caliaaa table 254 proto 3 scope 253 ',
    route: {
      prefix: prefix('10.65.0.2/32'),
      type: 'unicast',
      protocol: 'boot',
      device: 'caliaaa',
      scope: 'link',
      because,
    },
    put: 'route replace 10.65.0.2/32 dev caliaaa proto 3 scope link metric 0',
    remove: 'route del 10.65.0.2/32 dev caliaaa proto 3 metric 0',
  },
  {
    name: 'local workload of a newer Felix',
    printed: '1 10.65.0.2 dev caliaaa proto 3 scope 253 metric 1024 ',
    route: {
      prefix: prefix('10.65.0.2/32'),
      type: 'unicast',
      protocol: 'boot',
      device: 'caliaaa',
      scope: 'link',
      metric: 1024,
      because,
    },
    put: 'route replace 10.65.0.2/32 dev caliaaa proto 3 scope link metric 1024',
    remove: 'route del 10.65.0.2/32 dev caliaaa proto 3 metric 1024',
  },
  {
    name: 'local block',
    printed: '6 10.65.0.0/26 proto 80 scope 0 ',
    route: { prefix: prefix('10.65.0.0/26'), type: 'blackhole', protocol: '80', because },
    put: 'route replace blackhole 10.65.0.0/26 proto 80 metric 0',
    remove: 'route del blackhole 10.65.0.0/26 proto 80 metric 0',
  },
  {
    name: 'IPv4 by way of IPv6 (RFC 8950)',
    printed: '1 10.65.9.0/26 via inet6 fd00::4 dev eth0 proto 12 scope 0 ',
    route: {
      prefix: prefix('10.65.9.0/26'),
      type: 'unicast',
      protocol: 'bird',
      gateway: address('fd00::4'),
      device: 'eth0',
      because,
    },
    put: 'route replace 10.65.9.0/26 via inet6 fd00::4 dev eth0 proto 12 metric 0',
    remove: 'route del 10.65.9.0/26 dev eth0 proto 12 metric 0',
  },
  {
    name: 'remote block over IPIP',
    printed: '1 10.65.3.0/26 via 172.18.0.5 dev tunl0 proto 80 scope 0 onlink mtu 1480 ',
    route: {
      prefix: prefix('10.65.3.0/26'),
      type: 'unicast',
      protocol: '80',
      gateway: address('172.18.0.5'),
      device: 'tunl0',
      onlink: true,
      mtu: 1480,
      because,
    },
    put: 'route replace 10.65.3.0/26 via 172.18.0.5 dev tunl0 proto 80 metric 0 onlink mtu 1480',
    remove: 'route del 10.65.3.0/26 dev tunl0 proto 80 metric 0',
  },
  {
    name: 'remote block learned by BGP',
    printed: '1 10.65.6.0/26 via 172.18.0.6 dev eth0 proto 12 scope 0 ',
    route: {
      prefix: prefix('10.65.6.0/26'),
      type: 'unicast',
      protocol: 'bird',
      gateway: address('172.18.0.6'),
      device: 'eth0',
      because,
    },
    put: 'route replace 10.65.6.0/26 via 172.18.0.6 dev eth0 proto 12 metric 0',
    remove: 'route del 10.65.6.0/26 dev eth0 proto 12 metric 0',
  },
  {
    name: 'a route with a source address',
    printed: '1 10.65.0.3 dev caliaaa proto 3 scope 253 src 172.18.0.2 ',
    route: {
      prefix: prefix('10.65.0.3/32'),
      type: 'unicast',
      protocol: 'boot',
      device: 'caliaaa',
      scope: 'link',
      source: address('172.18.0.2'),
      because,
    },
    put: 'route replace 10.65.0.3/32 dev caliaaa src 172.18.0.2 proto 3 scope link metric 0',
    remove: 'route del 10.65.0.3/32 dev caliaaa proto 3 metric 0',
  },
  {
    name: 'learned from two routers',
    printed:
      '1 10.65.7.0/26 proto 12 scope 0 \\\tnexthop via 172.18.0.6 dev eth0 weight 1 \\\tnexthop via 172.18.0.7 dev tunl0 weight 1 onlink ',
    route: {
      prefix: prefix('10.65.7.0/26'),
      type: 'unicast',
      protocol: 'bird',
      nexthops: [
        { gateway: address('172.18.0.6'), device: 'eth0' },
        { gateway: address('172.18.0.7'), device: 'tunl0', onlink: true },
      ],
      because,
    },
    put: 'route replace 10.65.7.0/26 proto 12 metric 0 nexthop via 172.18.0.6 dev eth0 weight 1 nexthop via 172.18.0.7 dev tunl0 weight 1 onlink',
    remove: 'route del 10.65.7.0/26 proto 12 metric 0',
  },
  {
    name: 'IPv6 workload',
    printed: '1 fd10:65::2 dev caliaaa proto 3 scope 0 metric 1024 pref medium',
    route: {
      prefix: prefix('fd10:65::2/128'),
      type: 'unicast',
      protocol: 'boot',
      device: 'caliaaa',
      because,
    },
    put: 'route replace fd10:65::2/128 dev caliaaa proto 3 metric 1024',
    remove: 'route del fd10:65::2/128 dev caliaaa proto 3 metric 1024',
  },
  {
    name: 'IPv6 block, which the kernel reports on lo',
    printed: '6 fd10:65::/122 dev lo proto 80 scope 0 metric 1024 pref medium',
    route: { prefix: prefix('fd10:65::/122'), type: 'blackhole', protocol: '80', because },
    put: 'route replace blackhole fd10:65::/122 proto 80 metric 1024',
    remove: 'route del blackhole fd10:65::/122 proto 80 metric 1024',
  },
]

for (const { name, printed, route, put, remove } of forms) {
  t.test(`${name}: read, written and removed`, async (t) => {
    t.same(parseRoute(printed)?.route, route)
    t.equal(replaceLine(route), put)
    t.equal(deleteLine(route), remove)
  })
}

t.test('what marks a route of others is read', async (t) => {
  const facts: readonly [string, object][] = [
    ['1 10.99.0.0/16 via 172.18.0.1 dev eth0 table 100 proto 3 scope 0 ', { main: false }],
    ['1 10.10.0.0/24 tos 0x04 dev eth0 table 254 proto 3 scope 253 ', { main: true, tos: true }],
    ['1 10.7.0.0/24 via 172.18.0.9 dev eth0 proto 4 scope 0 dead linkdown ', { dead: true, protocol: '4' }],
    ['7 10.9.0.0/24 proto 3 scope 0 ', { type: 7, route: { device: undefined } }],
    ['1 default via 172.18.0.1 dev eth0 proto 3 scope 0 metric 100 ', { prefix: '0.0.0.0/0', metric: 100 }],
    ['1 default dev eth0 proto 3 scope 0 metric 1024 pref medium', { prefix: '::/0', metric: 1024 }],
    ['1 10.1.0.0/24 via inet6 fd00::7 dev eth0 proto 3 scope 0 ', { route: { gateway: 'fd00::7' } }],
    ['1 10.8.0.0/24 dev eth0 proto 3 scope 253 mtu lock 1400 advmss 1300 ', { route: { mtu: 1400 } }],
    ['1 10.7.0.0/24 nhid 5 via 172.18.0.9 dev eth0 proto 3 scope 0 ', { route: { gateway: '172.18.0.9' } }],
    ['1 10.2.0.0/24 dev via proto 3 scope 253 ', { route: { device: 'via' } }],
    [
      '1 10.65.7.0/26 proto 4 scope 0 \\	nexthop via 172.18.0.6 dev eth0 weight 1 \\	nexthop via 172.18.0.7 dev eth1 weight 1 ',
      { route: { device: undefined, nexthops: [{ gateway: '172.18.0.6' }, { gateway: '172.18.0.7' }] } },
    ],
    [
      '1 10.65.7.0/26 nhid 7 proto 12 scope 0 \\\tnexthop via 172.18.0.6 dev eth0 weight 2 \\\tnexthop via 172.18.0.7 dev eth1 weight 1 dead linkdown ',
      {
        dead: false,
        route: {
          nexthops: [
            { device: 'eth0', weight: 2 },
            { device: 'eth1', dead: true },
          ],
        },
      },
    ],
  ]
  for (const [line, expected] of facts) t.match(parseRoute(line), expected, line)
})

t.test('text that is no route is passed over', async (t) => {
  for (const line of [
    '',
    '    nh_info id 5 via 172.18.0.9 dev eth0',
    'unicast 10.0.0.0/8 dev eth0',
    '1 nonsense',
  ]) {
    t.equal(parseRoute(line), undefined, line)
  }
})
