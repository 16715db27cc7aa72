import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import t from 'tap'
import { Kernel } from '../../../src/edge/kernel/kernel.ts'
import type { KernelRoute } from '../../../src/edge/kernel/kernel-route.ts'
import { openSavedState } from '../../../src/edge/kernel/saved-state.ts'
import { systemClock } from '../../../src/edge/system-clock.ts'
import { address } from '../../../src/inet/address.ts'
import { prefix } from '../../../src/inet/prefix.ts'
import type { TimerClock } from '../../../src/reconcile/clock.ts'
import { withBoth } from '../../kit/both-writers.ts'
import { follow, settings } from '../../kit/kernel.ts'
import { cable, namespace } from '../../kit/namespace.ts'
import { needsRoot } from '../../kit/needs-root.ts'
import { until } from '../../kit/until.ts'

const because = 'test'
const OVERRUN = 'netlink receive error No buffer space available (105)'
const workload: KernelRoute = {
  prefix: prefix('10.65.0.2/32'),
  type: 'unicast',
  protocol: 'boot',
  device: 'caliaaa',
  scope: 'link',
  because,
}
const workload6: KernelRoute = {
  prefix: prefix('fd10:65::2/128'),
  type: 'unicast',
  protocol: 'boot',
  device: 'caliaaa',
  because,
}
const block: KernelRoute = { prefix: prefix('10.65.0.0/26'), type: 'blackhole', protocol: '80', because }
const learned: KernelRoute = {
  prefix: prefix('10.65.6.0/26'),
  type: 'unicast',
  protocol: 'bird',
  gateway: address('172.18.0.6'),
  device: 'eth0',
  because,
}

withBoth(
  'a route that someone deletes, changes or replaces is back at once, and counted',
  async (t, routeWriter) => {
    const ns = namespace(t)
    const { kernel, want } = await follow(t, ns, undefined, { routeWriter })
    await want(workload, block, learned)
    const isBack = (text: string, form: string) =>
      until(`${text} is back`, () => ns.show(`route show ${text}`).join() === form)

    ns.ip('route del 10.65.0.0/26')
    await isBack('10.65.0.0/26', 'blackhole 10.65.0.0/26 proto 80')
    ns.ip('route change 10.65.6.0/26 via 172.18.0.9 proto bird')
    await isBack('10.65.6.0/26', '10.65.6.0/26 via 172.18.0.6 dev eth0 proto bird')
    ns.ip('route replace 10.65.0.2 dev eth0 proto static')
    await isBack('10.65.0.2', '10.65.0.2 dev caliaaa scope link')
    await until('all counted', () => {
      const { removed, changed } = kernel.routes.view().repairs
      return removed === 2 && changed === 1
    })
  },
)

withBoth('routes that went with their link come back with it', async (t, routeWriter) => {
  const ns = namespace(t)
  const { kernel, want } = await follow(t, ns, undefined, { routeWriter })
  await want(workload, workload6, learned)
  ns.ip('link set caliaaa down')
  await until('the kernel’s silence is understood', () => !kernel.routes.inForce(workload.prefix))
  t.equal(kernel.routes.inForce(learned.prefix), true)
  ns.ip('link set caliaaa up')
  await until(
    'both are back',
    () => kernel.routes.inForce(workload.prefix) && kernel.routes.inForce(workload6.prefix),
  )
  t.same(ns.show('route show dev caliaaa'), ['10.65.0.2 scope link'])
  t.ok(ns.show('-6 route show dev caliaaa').includes('fd10:65::2 metric 1024 pref medium'))
})

withBoth(
  'an interface deleted and made again under its name gets its routes and neighbours',
  async (t, routeWriter) => {
    const ns = namespace(t)
    const { kernel, want } = await follow(t, ns, undefined, { routeWriter })
    const neighbor = { address: address('10.65.0.2'), mac: '66:3e:ca:a4:db:65', device: 'caliaaa', because }
    kernel.neighbors.want('caliaaa 10.65.0.2', neighbor)
    await want(workload)
    ns.ip('link del caliaaa', ...cable('caliaaa', 'podaaa'))
    await until('the route is on the new one', () => ns.show('route show dev caliaaa').length === 1)
    await until('and so is the neighbour', () => ns.show('neigh show dev caliaaa nud permanent').length === 1)
  },
)

withBoth(
  'the next pod with an address does not inherit the connections of the last',
  async (t, routeWriter) => {
    const ns = namespace(t)
    const { want, unwant, kernel } = await follow(t, ns, undefined, { routeWriter })
    const conntrack = (args: string) =>
      execFileSync('ip', ['netns', 'exec', ns.name, 'conntrack', ...args.split(' ')], {
        encoding: 'utf8',
        stdio: 'pipe',
      })
    const connect = () =>
      conntrack('-I -p udp --src 10.65.0.2 --dst 192.0.2.1 --sport 1 --dport 2 --timeout 100')
    const isConnected = () => conntrack('-L').includes('src=10.65.0.2 ')
    await want(workload)
    connect()
    await want({ ...workload, device: 'calibbb' })
    t.notOk(isConnected(), 'it moved to another interface')
    t.same(ns.show('route show 10.65.0.2'), ['10.65.0.2 dev calibbb scope link'])

    connect()
    await want({ ...workload, device: 'calibbb', source: address('172.18.0.2') })
    t.ok(isConnected(), 'the interface is the same')
    ns.ip('link del calibbb')
    await until('forgotten with its interface', () => !isConnected())

    await want(workload)
    connect()
    kernel.allowPrune()
    unwant(workload.prefix)
    await until('forgotten with its route', () => !isConnected())
  },
)

t.test('drift of neighbours is put right too', needsRoot, async (t) => {
  const ns = namespace(t)
  const { kernel } = await follow(t, ns)
  kernel.neighbors.want('caliaaa 10.65.0.2', {
    address: address('10.65.0.2'),
    mac: '66:3e:ca:a4:db:65',
    device: 'caliaaa',
    because,
  })
  kernel.changed()
  await until('in force', () => kernel.neighbors.inForce('caliaaa 10.65.0.2'))
  ns.ip('neigh replace 10.65.0.2 lladdr 66:3e:ca:a4:db:99 dev caliaaa nud reachable')
  await until('permanent again, with its own address', () =>
    ns.show('neigh show 10.65.0.2').includes('10.65.0.2 dev caliaaa lladdr 66:3e:ca:a4:db:65 PERMANENT'),
  )
})

withBoth('nothing foreign is touched, before pruning nothing at all goes', async (t, routeWriter) => {
  const ns = namespace(t)
  const foreign = [
    'route add 203.0.113.0/24 via 172.18.0.9 proto bird',
    'route add 198.51.100.0/24 via 172.18.0.9 proto 80',
    'route add 10.65.9.0/24 via 172.18.0.9 proto static',
    'route add 10.65.8.0/24 via 172.18.0.9 proto bird table 100',
    '-6 route add fd99::/64 via fd00::9 proto bird',
  ]
  ns.ip(...foreign)
  /** Without those of IPv6 that the kernel adds by itself, when it has seen a carrier and is sure of its addresses. */
  const routes = () =>
    [
      ...ns.show('-4 route show table all'),
      ...ns.show('-6 route show table all').filter((line) => !line.includes('proto kernel')),
    ].sort()
  const untouched = routes()
  ns.ip('route add blackhole 10.65.4.0/26 proto bird', 'route add 10.65.5.0/26 via 172.18.0.9 proto bird')
  const { kernel, want } = await follow(t, ns, undefined, { routeWriter })
  await want(block)
  t.equal(ns.show('route show root 10.65.4.0/23').length, 2)
  kernel.allowPrune()
  await until('what an older agent left is gone', () => ns.show('route show root 10.65.4.0/23').length === 0)
  ns.ip('route del 10.65.9.0/24', 'route add 10.65.9.0/24 via 172.18.0.9 proto static')
  kernel.routes.want(block.prefix, undefined)
  kernel.changed()
  await until('ours is gone', () => !ns.show('route show').some((line) => line.includes('10.65.0.0/26')))
  t.same(routes(), untouched)
})

t.test('a route that is adopted as it is makes the kernel say nothing', needsRoot, async (t) => {
  const ns = namespace(t)
  ns.ip('route add blackhole 10.65.0.0/26 proto 80', 'route add 10.65.0.2 dev caliaaa scope link')
  const { kernel, want } = await follow(t, ns)
  await want(block, workload)
  t.same(kernel.routes.diff(), { put: [], remove: [] })
  t.same(kernel.routes.view().repairs, { removed: 0, changed: 0, added: 0, device: 0 })
})

t.test('a fresh process knows what an older one put outside the pools', needsRoot, async (t) => {
  const ns = namespace(t)
  const statePath = join(t.testdir(), 'owned')
  const outside: KernelRoute = { ...learned, prefix: prefix('203.0.113.0/24') }
  const older = await follow(t, ns, statePath)
  await older.want(outside)
  await older.kernel.stop()
  t.equal(ns.show('route show 203.0.113.0/24').length, 1, 'stopping leaves the kernel as it is')

  const fresh = await follow(t, ns, statePath)
  t.same(
    [...fresh.kernel.routes.actual()].map(({ prefix }) => prefix),
    ['203.0.113.0/24'],
  )
  fresh.kernel.allowPrune()
  await until('it goes when nobody wants it', () => ns.show('route show 203.0.113.0/24').length === 0)
  await until('and is forgotten', () => !fresh.saved.owns(outside.prefix))
})

t.test('routes that another agent left in a pool are ours once the pool is known', needsRoot, async (t) => {
  const ns = namespace(t)
  ns.ip('route add 10.77.6.0/26 via 172.18.0.6 proto bird')
  const { kernel, saved } = await follow(t, ns)
  kernel.allowPrune()
  t.same([...kernel.routes.actual()], [])
  if (saved.claim('pool', [prefix('10.77.0.0/16')])) kernel.reread()
  await until('nobody wants it', () => ns.show('route show 10.77.6.0/26').length === 0)
})

t.test('the route that the CNI plugin adds for a new pod is left alone at first', needsRoot, async (t) => {
  const ns = namespace(t)
  const { kernel } = await follow(t, ns)
  kernel.allowPrune()
  ns.ip(...cable('calinew', 'podnew'), 'route add 10.65.0.9 dev calinew scope link')
  await until('it is seen', () => [...kernel.routes.actual()].some(({ device }) => device === 'calinew'))
  t.ok(kernel.routes.nextRetry(), 'its time will come')
  t.equal(kernel.routes.backlog(true), 0)
  t.equal(ns.show('route show dev calinew').length, 1)
})

t.test('while nobody would tell us of a new pod, its route is left alone', needsRoot, async (t) => {
  const ns = namespace(t)
  const hundredfold: TimerClock = {
    ...systemClock,
    now: () => systemClock.now() * 100,
    after: (ms, run) => systemClock.after(ms / 100, run),
  }
  let isInformed = false
  const options = { clock: hundredfold, isInformed: () => isInformed }
  const { kernel } = await follow(t, ns, undefined, options)
  kernel.allowPrune()
  ns.ip(...cable('calinew', 'podnew'), 'route add 10.65.0.9 dev calinew scope link')
  await until('it is seen', () => kernel.routes.nextRetry() !== undefined)
  const grace = kernel.routes.nextRetry()!
  await until('its grace is prolonged', () => kernel.routes.nextRetry()! > grace)
  t.equal(ns.show('route show dev calinew').length, 1)
  isInformed = true
  await until('nobody wants it after all', () => ns.show('route show dev calinew').length === 0)
})

withBoth(
  'interfaces, addresses and routes of others reach the plan as they change',
  async (t, routeWriter) => {
    const ns = namespace(t)
    const { underlay } = await follow(t, ns, undefined, { routeWriter })
    const link = (name: string) => underlay.links.find((one) => one.name === name)
    t.equal(link('eth0')?.running, true)
    ns.ip('route add default via 172.18.0.1 metric 100')
    await until('the default route', () => underlay.foreign.some(({ prefix }) => prefix === '0.0.0.0/0'))
    ns.ip('addr add 192.0.2.7/24 dev eth0')
    await until('the address', () => link('eth0')!.addresses.some(({ address }) => address === '192.0.2.7'))
    ns.ip('link set eth0 down')
    await until('the link', () => link('eth0')?.running === false)
    t.same(
      underlay.foreign
        .filter(({ device }) => device === 'eth0')
        .map(({ prefix }) => prefix)
        .filter((p) => !p.includes(':')),
      [],
      'the kernel dropped them without a word',
    )
  },
)

withBoth('a routes’ flood of ten thousand is in, and then one change is one line', async (t, routeWriter) => {
  const ns = namespace(t)
  const { kernel, want, unwant } = await follow(t, ns, undefined, { routeWriter })
  const many = Array.from({ length: 10_000 }, (_, i) => ({
    ...learned,
    prefix: prefix(`10.65.${i >> 6}.${(i & 63) * 4}/30`),
  }))
  await want(...many)
  t.equal(ns.show('route show proto bird').length, 10_000)
  kernel.allowPrune()
  unwant(many[5]!.prefix)
  await until('it is gone', () => ns.show(`route show ${many[5]!.prefix}`).length === 0)
  await want(block)
  t.same(
    kernel.routes.view().repairs,
    { removed: 0, changed: 0, added: 0, device: 0 },
    'our own echoes are no drift',
  )
})

t.test(
  'what someone did to ours in a flood of events too large to hear is put right',
  needsRoot,
  async (t) => {
    const ns = namespace(t)
    const { want, warnings } = await follow(t, ns, undefined, { routeWriter: 'rtnetlink' })
    await want(block)
    const flood = Array.from({ length: 25_000 }, (_, i) => `route add blackhole 11.${i >> 8}.${i & 255}.0/24`)
    const input = [...flood, `route del blackhole ${block.prefix}`].join('\n')
    execFileSync('ip', ['-n', ns.name, '-batch', '-'], { input }) // while we cannot listen
    await until('it is back', () => ns.show(`route show ${block.prefix}`).length === 1)
    t.same(new Set(warnings), new Set([`events of the kernel may be lost: ${OVERRUN}`]))
  },
)

t.test('without ip(8) it does not start, and says why', async (t) => {
  const path = process.env.PATH
  process.env.PATH = '/nonexistent'
  t.teardown(() => {
    process.env.PATH = path
  })
  const kernel = new Kernel({
    clock: systemClock,
    saved: openSavedState(join(t.testdir(), 'owned')),
    settings,
    routeWriter: 'auto',
    isInformed: () => true,
    onUnderlay: () => {},
    mayPrune: () => true,
    onWritten: () => {},
    onRound: () => {},
    onWarning: () => {},
  })
  t.teardown(() => kernel.stop())
  await t.rejects(kernel.start(), { name: 'CommandError', message: /^ip -j addr show: .*ENOENT/ })
})
