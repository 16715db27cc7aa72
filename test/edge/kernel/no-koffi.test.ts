// Where koffi cannot be loaded: routes go by ip(8), and that is said. Connections go by conntrack(8).

import '../../kit/no-koffi.ts'
import t from 'tap'
import { Batch } from '../../../src/edge/kernel/batch.ts'
import { openConnections } from '../../../src/edge/kernel/connections.ts'
import { openRouteTable, type RouteWriter } from '../../../src/edge/kernel/open-route-table.ts'
import { openIp, openProgram } from '../../../src/edge/kernel/run.ts'
import { address } from '../../../src/inet/address.ts'

function open(writer: RouteWriter) {
  const fallbacks: string[] = []
  const ip = openIp()
  const onFallback = (reason: string) => fallbacks.push(reason)
  const table = openRouteTable({ writer, ip, batch: new Batch(ip), namespace: undefined, onFallback })
  return { table, fallbacks }
}

t.test('auto goes by ip(8), and says why', async (t) => {
  const { table, fallbacks } = open('auto')
  t.equal(table.watch, undefined)
  t.same(fallbacks, ['Cannot find the native Koffi module; did you bundle it correctly?'])
})

t.test('asked for ip(8), nothing is tried', async (t) => {
  t.same(open('iproute2').fallbacks, [])
})

t.test('who insists on rtnetlink is told why not', async (t) => {
  t.throws(() => open('rtnetlink'), { message: /^Cannot find the native Koffi module/ })
})

t.test('connections are forgotten by the program', async (t) => {
  const asked: string[] = []
  const conntrack = {
    ...openProgram('conntrack'),
    text: async (...args: string[]) => {
      asked.push(args.join(' '))
      return ''
    },
  }
  for (const writer of ['auto', 'iproute2'] as const)
    t.equal(await openConnections(writer, conntrack).forget(address('10.65.0.2'), 'reply'), undefined)
  t.same(asked, Array(2).fill('--family ipv4 --delete --reply-src 10.65.0.2'))
})
