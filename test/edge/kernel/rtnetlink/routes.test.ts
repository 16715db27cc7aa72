// What only rtnetlink can get wrong; what it shares with ip(8) is in ../routes.test.ts and ../kernel.test.ts.

import { readdirSync } from 'node:fs'
import { constants } from 'node:os'
import t, { type Test } from 'tap'
import type { KernelRoute, PrintedRoute } from '../../../../src/edge/kernel/kernel-route.ts'
import type { KernelEvent, LinkEvent } from '../../../../src/edge/kernel/monitor.ts'
import type { RouteTable } from '../../../../src/edge/kernel/route-table.ts'
import { rtnetlinkRoutes } from '../../../../src/edge/kernel/rtnetlink/routes.ts'
import { address } from '../../../../src/inet/address.ts'
import { prefix } from '../../../../src/inet/prefix.ts'
import { type Namespace, namespace } from '../../../kit/namespace.ts'
import { needsRoot } from '../../../kit/needs-root.ts'
import { until } from '../../../kit/until.ts'

function open(t: Test, ns: Namespace, answers?: number): RouteTable {
  const table = rtnetlinkRoutes(ns.name, answers)
  t.teardown(() => table.close())
  return table
}

function watch(t: Test, table: RouteTable) {
  const told: string[] = []
  const lost: string[] = []
  const links: LinkEvent[] = []
  const news = table.watch!({
    onEvent: (event: KernelEvent) => {
      if (event.kind === 'route') told.push(`${event.deleted ? '-' : '+'}${event.route.prefix}`)
      if (event.kind === 'link') links.push(event)
      if (event.kind === 'link' && event.deleted) told.push(`-${event.name}`)
      else if (event.kind === 'link' && event.running) told.push(`+${event.name}`)
    },
    onLost: (reason) => lost.push(reason),
  })
  t.teardown(() => news.close())
  return { news, told, lost, links }
}

const blackhole = (text: string): KernelRoute => ({
  prefix: prefix(text),
  type: 'blackhole',
  protocol: '80',
  because: 'test',
})

const nowhere = (i: number): KernelRoute => ({
  prefix: prefix(`10.65.${i}.0/24`),
  type: 'unicast',
  protocol: 'bird',
  gateway: address('192.0.2.1'),
  device: 'eth0',
  because: 'test',
})

async function all(table: RouteTable): Promise<PrintedRoute[]> {
  return (await Array.fromAsync(table.read())).flat()
}

t.test('many at once, every other one refused: each is answered for itself', needsRoot, async (t) => {
  const table = open(t, namespace(t))
  const routes = Array.from({ length: 1_000 }, (_, i) =>
    i % 2
      ? { ...nowhere(0), prefix: prefix(`10.${i >> 8}.${i & 255}.0/24`) }
      : blackhole(`11.${i >> 8}.${i & 255}.0/24`),
  )
  const outcomes = await table.replace(routes)
  t.equal(outcomes.length, 1_000)
  t.same(new Set(outcomes.filter((_, i) => i % 2 === 1)), new Set(['Error: Nexthop has invalid gateway.']))
  t.same(new Set(outcomes.filter((_, i) => i % 2 === 0)), new Set([undefined]))
  t.equal((await all(table)).filter(({ protocol }) => protocol === '80').length, 500)
  t.same(new Set(await table.remove(routes.filter((_, i) => i % 2 === 0))), new Set([undefined]))
})

t.test('where answers are lost, nothing is taken for done', needsRoot, async (t) => {
  const table = open(t, namespace(t), 1)
  const outcomes = await table.replace(Array.from({ length: 200 }, (_, i) => nowhere(i)))
  const words = new Set(outcomes)
  t.ok(words.has('RTNETLINK answers: No buffer space available'))
  t.notOk(words.has(undefined))
  t.same(await table.replace([blackhole('10.65.0.0/26'), nowhere(1)]), [
    undefined,
    'Error: Nexthop has invalid gateway.',
  ])
})

t.test('the doings of others are told in order, our own are not', needsRoot, async (t) => {
  const ns = namespace(t)
  const table = open(t, ns)
  const { told, news } = watch(t, table)
  ns.ip('route add blackhole 10.65.1.0/24')
  await table.replace([blackhole('10.65.2.0/24')])
  await table.remove([blackhole('10.65.2.0/24')])
  ns.ip('route del blackhole 10.65.1.0/24', '-6 route add blackhole fd10:65::/64')
  await until('the last is told', () => told.some((line) => line === '+fd10:65::/64'))
  t.same(told, ['+10.65.1.0/24', '-10.65.1.0/24', '+fd10:65::/64'])

  ns.ip('route add blackhole 10.65.3.0/24')
  news.catchUp()
  t.equal(told.at(-1), '+10.65.3.0/24', 'at once, when it is asked')
})

t.test(
  'an interface and what is put on it are told in the order in which it happened',
  needsRoot,
  async (t) => {
    const ns = namespace(t)
    const { told, links } = watch(t, open(t, ns))
    ns.ip('link add cali1 mtu 1400 type veth peer name peer')
    ns.ip('link set peer up')
    ns.ip('link set cali1 up')
    ns.ip('route add 10.65.0.1 dev cali1')
    ns.ip('link del cali1')
    ns.ip('route add blackhole 10.66.0.0/26')
    await until('all is told', () => told.includes('+10.66.0.0/26'))
    const order = ['+cali1', '+10.65.0.1/32', '-cali1', '+10.66.0.0/26'].map((what) => told.indexOf(what))
    t.same(
      order,
      order.toSorted((a, b) => a - b),
      told.join(' '),
    )
    t.notOk(order.includes(-1))
    const first = links.find(({ name }) => name === 'cali1')
    t.match(first, { deleted: false, up: false, running: false, mtu: 1400 })
    t.match(links.findLast(({ name, deleted }) => name === 'cali1' && !deleted)?.index, first?.index)
  },
)

t.test('once closed no descriptor is left open', needsRoot, async (t) => {
  const ns = namespace(t)
  const count = () => readdirSync('/proc/self/fd').length
  const before = count()
  const table = rtnetlinkRoutes(ns.name)
  const news = table.watch!({ onEvent: () => {}, onLost: () => {} })
  await all(table)
  await Promise.all([news.close(), table.close()])
  t.equal(count(), before)
})

t.test('the signal that wakes us is listened to by each of its names', needsRoot, async (t) => {
  watch(t, open(t, namespace(t)))
  const { signals } = constants
  const names = (Object.keys(signals) as NodeJS.Signals[]).filter((name) => signals[name] === signals.SIGIO)
  t.same(names, ['SIGIO', 'SIGPOLL'])
  // As a program does that ends its children when nobody else wants the signal that has come.
  for (const name of names)
    t.ok(
      process.listeners(name).some(({ name }) => /^wake|^ignore/.test(name)),
      name,
    )
})
