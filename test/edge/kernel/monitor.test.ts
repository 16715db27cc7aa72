import t from 'tap'
import { type KernelEvent, openMonitor, parseEvent } from '../../../src/edge/kernel/monitor.ts'
import { type Child, openIp, type Program } from '../../../src/edge/kernel/run.ts'
import { namespace } from '../../kit/namespace.ts'
import { needsRoot } from '../../kit/needs-root.ts'
import { until } from '../../kit/until.ts'

// Recorded from iproute2 6.1 on Linux 6.18.
const veth = 'mtu 1500 qdisc noqueue state UP group 0 \\    link/[1] 02:4d:ca:ba:ca:40 brd ff:ff:ff:ff:ff:ff'

t.test('every line of the monitor becomes its event', async (t) => {
  const lines: readonly [string, object][] = [
    [
      `[LINK]3: caliaaa@peera: <BROADCAST,MULTICAST,UP,LOWER_UP> ${veth}`,
      { kind: 'link', deleted: false, index: 3, name: 'caliaaa', up: true, running: true, mtu: 1500 },
    ],
    [
      `[LINK]3: caliaaa@peera: <NO-CARRIER,BROADCAST,MULTICAST,UP,M-DOWN> ${veth}`,
      { kind: 'link', up: true, running: false },
    ],
    [`[LINK]3: caliaaa@NONE: <BROADCAST,MULTICAST> ${veth}`, { kind: 'link', up: false, running: false }],
    [`[LINK]Deleted 3: vxlan.calico: <BROADCAST> ${veth}`, { deleted: true, name: 'vxlan.calico' }],
    [
      '[ADDR]2: eth0    inet 172.18.0.2/16 scope 0 eth0\\       valid_lft forever preferred_lft forever',
      { kind: 'address', device: 'eth0', address: { address: '172.18.0.2', prefix: '172.18.0.0/16' } },
    ],
    [
      '[ADDR]Deleted 3: caliaaa    inet6 fe80::4d:caff:feba:ca40/64 scope 253 tentative \\       valid_lft forever',
      { kind: 'address', deleted: true, device: 'caliaaa', address: { prefix: 'fe80::/64' } },
    ],
    [
      '[ROUTE]6 10.65.0.0/26 table 254 proto 80 scope 0 ',
      { kind: 'route', deleted: false, route: { prefix: '10.65.0.0/26', main: true } },
    ],
    [
      '[ROUTE]Deleted 1 fd10:65::2 dev caliaaa table 254 proto 3 scope 0 metric 1024 pref medium',
      { kind: 'route', deleted: true, route: { prefix: 'fd10:65::2/128', metric: 1024 } },
    ],
    [
      '[NEIGH]Deleted 10.65.0.2 dev caliaaa lladdr 66:3e:ca:a4:db:65 PERMANENT ',
      { kind: 'neighbor', deleted: true, neighbor: { address: '10.65.0.2', device: 'caliaaa' } },
    ],
    [
      '[NEIGH]172.18.0.4 dev vxlan.calico lladdr 66:3e:ca:a4:db:65 NOARP PERMANENT ',
      { kind: 'fdb', deleted: false, entry: { mac: '66:3e:ca:a4:db:65', destination: '172.18.0.4' } },
    ],
  ]
  for (const [line, expected] of lines) t.match(parseEvent(line), expected, line)
})

t.test('lines that say nothing we know are passed over', async (t) => {
  const lines = [
    '',
    'nonsense',
    '[NEXTHOP]id 5 via 172.18.0.9',
    '[LINK]what',
    '[ADDR]',
    '[ROUTE]9',
    '[NEIGH]x dev y',
  ]
  for (const line of lines) t.equal(parseEvent(line), undefined, line)
})

function watch(t: { teardown(run: () => unknown): void }, ip: Program) {
  const events: KernelEvent[] = []
  const lost: string[] = []
  const started: Child[] = []
  const start: Program['start'] = (args, handlers) => {
    const child = ip.start(args, handlers)
    started.push(child)
    return child
  }
  const monitor = openMonitor({ ...ip, start }, ['link', 'address', 'route', 'neigh'], {
    onEvent: (event) => events.push(event),
    onLost: (reason) => lost.push(reason),
  })
  t.teardown(() => monitor.close())
  const routes = () => events.flatMap((event) => (event.kind === 'route' ? event.route.prefix : []))
  return { monitor, events, lost, started, routes }
}

t.test('what happens after it is ready is told', needsRoot, async (t) => {
  const ns = namespace(t)
  const { monitor, events, routes } = watch(t, openIp(ns.name))
  await monitor.ready
  ns.ip(
    'route add blackhole 10.65.0.0/26 proto 80',
    'neigh add 10.65.0.2 lladdr 66:3e:ca:a4:db:65 dev caliaaa nud permanent',
    'addr add 172.18.0.3/16 dev eth0',
    'link del calibbb',
  )
  const kinds = new Set<string>()
  await until('one event of each kind', () => {
    for (const { kind } of events) kinds.add(kind)
    return kinds.size === 4 && events.some(({ kind, deleted }) => kind === 'link' && deleted)
  })
  t.ok(routes().includes('10.65.0.0/26' as never))
})

t.test('a monitor that dies is started again, and says that events may be lost', needsRoot, async (t) => {
  const ns = namespace(t)
  const { monitor, lost, started, routes } = watch(t, openIp(ns.name))
  await monitor.ready
  started[0]!.kill()
  await until('the loss is told', () => lost.length > 0)
  t.match(lost, ['ip monitor ended (ended by SIGTERM)'])
  ns.ip('route add blackhole 10.65.9.0/26 proto 80')
  await until('the new one hears', () => routes().includes('10.65.9.0/26' as never))
})

t.test('events that the kernel had to drop are told as lost', async (t) => {
  const ended = Promise.withResolvers<{ started: boolean; how: string }>()
  const start: Program['start'] = (_, { stderr }) => {
    stderr!('netlink receive error No buffer space available (105)')
    const kill = () => ended.resolve({ started: true, how: 'ended by SIGTERM' })
    return { pid: undefined, write: () => {}, end: () => {}, kill, ended: ended.promise }
  }
  const { monitor, lost } = watch(t, { ...openIp(), start })
  await monitor.ready
  t.same(lost, ['netlink receive error No buffer space available (105)'])
})

t.test('once closed nothing is left running', needsRoot, async (t) => {
  const ns = namespace(t)
  const { monitor, started, lost } = watch(t, openIp(ns.name))
  await monitor.ready
  await monitor.close()
  t.same([started.length, lost], [1, []])
})
