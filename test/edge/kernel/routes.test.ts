import t from 'tap'
import { Batch } from '../../../src/edge/kernel/batch.ts'
import { type KernelRoute, type PrintedRoute, sameRoute } from '../../../src/edge/kernel/kernel-route.ts'
import { openRouteTable, type RouteWriter } from '../../../src/edge/kernel/open-route-table.ts'
import { InterruptedReading } from '../../../src/edge/kernel/route-table.ts'
import { Routes } from '../../../src/edge/kernel/routes.ts'
import { openIp } from '../../../src/edge/kernel/run.ts'
import { address } from '../../../src/inet/address.ts'
import { contains, type Prefix, prefix } from '../../../src/inet/prefix.ts'
import { withBoth } from '../../kit/both-writers.ts'
import { type Namespace, namespace } from '../../kit/namespace.ts'

type Test = Parameters<typeof namespace>[0] & { fail(why: string): unknown }

function routesIn(t: Test, ns: Namespace, writer: RouteWriter) {
  const ip = openIp(ns.name)
  const batch = new Batch(ip)
  const onFallback = (reason: string) => t.fail(reason)
  const table = openRouteTable({ writer, ip, batch, namespace: ns.name, onFallback })
  t.teardown(() => Promise.all([table.close(), batch.close()]))
  const claimed = new Set<Prefix>()
  const state = { full: false }
  const pools = [prefix('10.65.0.0/16'), prefix('fd10::/16')]
  const kind = new Routes({
    table,
    ownership: {
      settings: { workloadPrefixes: ['cali'], removeExternalRoutes: true, workloadProtocol: 3 },
      owns: (of) => claimed.has(of) || pools.some((pool) => contains(pool, of)),
    },
    saved: {
      claim: (_, prefixes) => {
        if (state.full) throw new Error('ENOSPC: no space left on device')
        for (const of of prefixes) claimed.add(of)
        return true
      },
      release: (_, prefixes) => {
        for (const of of prefixes) claimed.delete(of)
      },
    },
    graceOf: () => 0,
    onForeign: () => {},
  })
  return { kind, table, claimed, state }
}

function route(text: string, fields: Partial<KernelRoute>): KernelRoute {
  return { prefix: prefix(text), type: 'unicast', protocol: 'bird', because: 'test', ...fields }
}

const blackhole = { type: 'blackhole', protocol: '80' } as const

/** By number of the form, Calico's and BIRD's spelling of it. */
const forms: readonly { name: string; route: KernelRoute; printed: string }[] = [
  {
    name: '1, local workload',
    route: route('10.65.0.2/32', { protocol: 'boot', device: 'caliaaa', scope: 'link' }),
    printed: '10.65.0.2 dev caliaaa scope link',
  },
  {
    name: '3, local block of Felix',
    route: route('10.65.0.0/26', blackhole),
    printed: 'blackhole 10.65.0.0/26 proto 80',
  },
  {
    name: '4, local block of BIRD',
    route: route('10.65.5.0/26', { type: 'blackhole' }),
    printed: 'blackhole 10.65.5.0/26 proto bird',
  },
  {
    name: '7, a tunnel route with its MTU',
    route: route('10.65.3.0/26', {
      protocol: '80',
      gateway: address('192.0.2.5'),
      device: 'eth0',
      onlink: true,
      mtu: 1480,
    }),
    printed: '10.65.3.0/26 via 192.0.2.5 dev eth0 proto 80 onlink mtu 1480',
  },
  {
    name: '9, same subnet, of Felix',
    route: route('10.65.1.0/26', {
      protocol: '80',
      gateway: address('172.18.0.4'),
      device: 'eth0',
      onlink: true,
    }),
    printed: '10.65.1.0/26 via 172.18.0.4 dev eth0 proto 80 onlink',
  },
  {
    name: '10, no encapsulation, of BIRD',
    route: route('10.65.6.0/26', { gateway: address('172.18.0.6'), device: 'eth0' }),
    printed: '10.65.6.0/26 via 172.18.0.6 dev eth0 proto bird',
  },
  {
    name: 'with a source address',
    route: route('10.65.0.3/32', {
      protocol: 'boot',
      device: 'caliaaa',
      scope: 'link',
      source: address('172.18.0.2'),
    }),
    printed: '10.65.0.3 dev caliaaa scope link src 172.18.0.2',
  },
  {
    name: '13, IPv6 workload',
    route: route('fd10:65::2/128', { protocol: 'boot', device: 'caliaaa' }),
    printed: 'fd10:65::2 dev caliaaa metric 1024 pref medium',
  },
  {
    name: '14, IPv6 block',
    route: route('fd10:65::/122', blackhole),
    printed: 'blackhole fd10:65::/122 dev lo proto 80 metric 1024 pref medium',
  },
  {
    name: '16, IPv6 same subnet',
    route: route('fd10:67::/122', {
      protocol: '80',
      gateway: address('fd00::4'),
      device: 'eth0',
      onlink: true,
    }),
    printed: 'fd10:67::/122 via fd00::4 dev eth0 proto 80 metric 1024 onlink pref medium',
  },
  {
    name: 'IPv6 default, learned',
    route: route('::/0', { gateway: address('fd00::4'), device: 'eth0' }),
    printed: 'default via fd00::4 dev eth0 proto bird metric 1024 pref medium',
  },
]

for (const { name, route, printed } of forms) {
  withBoth(
    `form ${name}: printed as Calico's users know it, read back, put twice, removed twice`,
    async (t, writer) => {
      const ns = namespace(t)
      const { kind } = routesIn(t, ns, writer)
      const family = route.prefix.includes(':') ? '-6' : '-4'
      const before = ns.show(`${family} route show`)
      t.same(await kind.put([route]), [])
      t.same(await kind.put([route]), [])
      t.same(
        ns.show(`${family} route show`).filter((line) => !before.includes(line)),
        [printed],
      )
      const [read, ...others] = await kind.read()
      t.same(others, [])
      t.ok(sameRoute(read!, route), `read back as ${JSON.stringify(read)}`)
      t.same(await kind.remove([read!]), [])
      t.same(await kind.remove([read!]), [])
      t.same(ns.show(`${family} route show`), before)
    },
  )
}

withBoth('a changed route is one replace, whoever wrote the old one', async (t, writer) => {
  const ns = namespace(t)
  const { kind } = routesIn(t, ns, writer)
  ns.ip(
    'route add 10.65.6.0/26 via 172.18.0.9 proto static',
    'route add blackhole fd10:65::/122 proto static',
  )
  await kind.put([
    route('10.65.6.0/26', { gateway: address('172.18.0.6'), device: 'eth0' }),
    route('fd10:65::/122', { gateway: address('fd00::4'), device: 'eth0' }),
  ])
  t.same(ns.show('route show 10.65.6.0/26'), ['10.65.6.0/26 via 172.18.0.6 dev eth0 proto bird'])
  t.same(ns.show('-6 route show fd10:65::/122'), [
    'fd10:65::/122 via fd00::4 dev eth0 proto bird metric 1024 pref medium',
  ])
})

withBoth(
  'the routes of a newer Felix, of another metric, are known and removed without ours',
  async (t, writer) => {
    const ns = namespace(t)
    const { kind } = routesIn(t, ns, writer)
    const wanted = route('10.65.0.2/32', { protocol: 'boot', device: 'caliaaa', scope: 'link' })
    ns.ip('route add 10.65.0.2 dev caliaaa scope link metric 1024')
    await kind.put([wanted])
    const read = await kind.read()
    t.same(read.map(kind.key).sort(), ['10.65.0.2/32', '10.65.0.2/32 metric 1024'])
    await kind.remove(read.filter(({ metric }) => metric === 1024))
    t.same(ns.show('route show 10.65.0.2'), ['10.65.0.2 dev caliaaa scope link'])
  },
)

const viaTwo = (to: string, ...gateways: string[]) =>
  route(to, { nexthops: gateways.map((text) => ({ gateway: address(text), device: 'eth0' })) })

withBoth(
  'a route to two routers: one item, read back in any order, one replace from and to every other form',
  async (t, writer) => {
    const ns = namespace(t)
    const { kind } = routesIn(t, ns, writer)
    const [v4, v6] = ['10.65.7.0/26', 'fd10:7::/122']
    const forms = [
      [viaTwo(v4, '172.18.0.6', '172.18.0.7'), viaTwo(v6, 'fd00::6', 'fd00::7')],
      [
        route(v4, { gateway: address('172.18.0.6'), device: 'eth0' }),
        route(v6, { gateway: address('fd00::6'), device: 'eth0' }),
      ],
      [viaTwo(v4, '172.18.0.8', '172.18.0.6'), viaTwo(v6, 'fd00::8', 'fd00::6')],
      [route(v4, blackhole), route(v6, blackhole)],
      [viaTwo(v4, '172.18.0.7', '172.18.0.8', '172.18.0.9'), viaTwo(v6, 'fd00::7', 'fd00::8', 'fd00::9')],
    ]
    for (const form of forms) {
      t.same(await kind.put(form), [])
      t.same(await kind.put(form), [], 'again')
      const read = await kind.read()
      t.equal(read.length, 2)
      for (const [i, one] of form.entries()) t.ok(sameRoute(read[i]!, one), JSON.stringify(read[i]))
    }
    t.same(ns.show('-o route show 10.65.7.0/26'), [
      '10.65.7.0/26 proto bird \\\tnexthop via 172.18.0.7 dev eth0 weight 1 \\\tnexthop via 172.18.0.8 dev eth0 weight 1 \\\tnexthop via 172.18.0.9 dev eth0 weight 1',
    ])
    t.same(await kind.remove(forms.at(-1)!), [])
    t.same(await kind.remove(forms.at(-1)!), [])
    t.same(await kind.read(), [])
    t.same(ns.show('-6 route show fd10:7::/122'), [])
  },
)

withBoth('weights and nexthop objects of others in our place are seen and put right', async (t, writer) => {
  const ns = namespace(t)
  const { kind } = routesIn(t, ns, writer)
  const wanted = viaTwo('10.65.7.0/26', '172.18.0.6', '172.18.0.7')
  ns.ip('route add 10.65.7.0/26 proto bird nexthop via 172.18.0.6 weight 3 nexthop via 172.18.0.7')
  t.notOk(sameRoute((await kind.read())[0]!, wanted))
  await kind.put([wanted])
  t.ok(sameRoute((await kind.read())[0]!, wanted))
  ns.ip(
    'nexthop add id 1 via 172.18.0.6 dev eth0',
    'nexthop add id 2 via 172.18.0.7 dev eth0',
    'nexthop add id 3 group 1/2',
    'route replace 10.65.7.0/26 proto bird nhid 3',
  )
  t.notOk(sameRoute((await kind.read())[0]!, wanted), 'ip -d does not say in one line where a group leads')
  await kind.put([wanted])
  t.ok(sameRoute((await kind.read())[0]!, wanted))
})

t.test('a multipath route hangs on an interface only if all its next hops do', async (t) => {
  const hops = (...devices: string[]) =>
    route('10.65.7.0/26', { nexthops: devices.map((device) => ({ device })) })
  const { kind } = routesIn(t, { name: 'unused' } as Namespace, 'iproute2')
  t.same([kind.device(hops('eth0', 'eth0')), kind.device(hops('eth0', 'eth1'))], ['eth0', undefined])
})

withBoth('a removal names protocol and metric, so that the route of another stays', async (t, writer) => {
  const ns = namespace(t)
  const { kind } = routesIn(t, ns, writer)
  ns.ip('route add 10.65.6.0/26 via 172.18.0.9 proto static')
  t.same(await kind.remove([route('10.65.6.0/26', { gateway: address('172.18.0.6'), device: 'eth0' })]), [])
  t.equal(ns.show('route show 10.65.6.0/26').length, 1)
})

withBoth('refusals are told in the same words', async (t, writer) => {
  const ns = namespace(t)
  ns.ip('link set calibbb down')
  const { kind, table } = routesIn(t, ns, writer)
  const by = (to: string, gateway: string) => route(to, { gateway: address(gateway), device: 'eth0' })
  const on = (to: string, device: string) => route(to, { device, protocol: 'boot' })
  const refused: readonly (readonly [KernelRoute, string])[] = [
    [by('10.65.1.0/26', '192.0.2.1'), 'Error: Nexthop has invalid gateway.'],
    [by('fd10:1::/64', '2001:db8::1'), 'RTNETLINK answers: No route to host'],
    [on('10.65.1.1/32', 'calibbb'), 'Error: Device for nexthop is not up.'],
    [on('fd10:1::1/128', 'calibbb'), 'Error: Nexthop device is not up.'],
    [on('10.65.1.2/32', 'caligone'), 'Cannot find device "caligone"'],
  ]
  const routes = refused.map(([route]) => route)
  t.same(
    (await kind.put(routes)).map(({ reason }) => reason),
    refused.map(([, reason]) => reason),
  )
  t.same(
    new Set(await table.remove(routes)),
    new Set(['RTNETLINK answers: No such process', 'Cannot find device "caligone"']),
  )
  t.same(await kind.read(), [])
})

withBoth('a refused route is named with the kernel’s words, and the others are in', async (t, writer) => {
  const ns = namespace(t)
  const { kind } = routesIn(t, ns, writer)
  const refused = await kind.put([
    route('10.65.1.0/26', { gateway: address('172.18.0.4'), device: 'eth0' }),
    route('10.65.2.0/26', { gateway: address('192.0.2.1'), device: 'eth0' }),
    route('10.65.0.9/32', { protocol: 'boot', device: 'caligone', scope: 'link' }),
    route('10.65.3.0/26', blackhole),
  ])
  t.same(refused, [
    { key: '10.65.2.0/26', reason: 'Error: Nexthop has invalid gateway.', transient: false },
    { key: '10.65.0.9/32', reason: 'Cannot find device "caligone"', transient: true },
  ])
  t.equal((await kind.read()).length, 2)
})

withBoth(
  'what others have in the kernel is neither read as ours nor hidden from the plan',
  async (t, writer) => {
    const ns = namespace(t)
    const { kind } = routesIn(t, ns, writer)
    ns.ip(
      'route add default via 172.18.0.1 metric 100',
      'route add 203.0.113.0/24 via 172.18.0.9 proto bird',
      'route add 10.65.9.0/24 via 172.18.0.9 proto static',
      'route add 10.65.8.0/24 via 172.18.0.9 proto bird table 100',
      'route add 10.65.7.0/24 proto static nexthop via 172.18.0.6 nexthop via 172.18.0.7',
      'route add unreachable 192.0.2.0/24',
      '-6 route add default via fd00::1 metric 1024',
    )
    t.same(await kind.read(), [])
    const foreign = kind
      .foreign()
      .map((r) => `${r.prefix} ${r.gateway ?? '-'} ${r.device ?? '-'} ${r.metric}`)
    t.same(foreign.sort(), [
      '0.0.0.0/0 172.18.0.1 eth0 100',
      '10.65.7.0/24 172.18.0.6 eth0 0',
      '10.65.9.0/24 172.18.0.9 eth0 0',
      '172.18.0.0/16 - eth0 0',
      '192.0.2.0/24 - - 0',
      '203.0.113.0/24 172.18.0.9 eth0 0',
      '::/0 fd00::1 eth0 1024',
      'fd00::/64 - eth0 256',
    ])
  },
)

withBoth(
  'a destination outside all pools is noted before it is written, and forgotten when it is gone',
  async (t, writer) => {
    const ns = namespace(t)
    const { kind, claimed, state } = routesIn(t, ns, writer)
    const outside = route('203.0.113.0/24', { gateway: address('172.18.0.9'), device: 'eth0' })
    const inside = route('10.65.6.0/26', { gateway: address('172.18.0.6'), device: 'eth0' })
    await kind.put([outside, inside])
    t.same([...claimed], ['203.0.113.0/24'])
    t.equal((await kind.read()).length, 2)
    await kind.remove([outside])
    t.same([...claimed], [])
    await kind.put([{ ...outside, device: 'vxlan.calico' }])
    t.same([...claimed], [], 'on a tunnel of ours it is ours anyway')

    state.full = true
    t.same(await kind.put([outside, inside]), [
      {
        key: '203.0.113.0/24',
        reason: 'cannot note that it is ours: ENOSPC: no space left on device',
        transient: false,
      },
    ])
    t.same(ns.show('route show 203.0.113.0/24'), [], 'what cannot be noted is not written')
  },
)

t.test('a table that changes while it is read is read again, but not for ever', async (t) => {
  let interruptions = 0
  const printed: PrintedRoute = {
    type: 6,
    prefix: prefix('10.65.0.0/26'),
    protocol: '80',
    main: true,
    tos: false,
    dead: false,
    metric: 0,
    route: route('10.65.0.0/26', blackhole),
  }
  const kind = new Routes({
    table: {
      async *read() {
        yield [printed] // worth nothing when the rest of it is missing
        if (interruptions-- > 0) throw new InterruptedReading()
      },
      replace: async () => [],
      remove: async () => [],
      close: async () => {},
    },
    ownership: {
      settings: { workloadPrefixes: ['cali'], removeExternalRoutes: true, workloadProtocol: 3 },
      owns: () => true,
    },
    saved: { claim: () => true, release: () => {} },
    graceOf: () => 0,
    onForeign: () => {},
  })
  interruptions = 4
  t.same(await kind.read(), [printed.route])
  interruptions = 5
  await t.rejects(kind.read(), InterruptedReading)
})
