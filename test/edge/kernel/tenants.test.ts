import t from 'tap'
import type { KernelRoute } from '../../../src/edge/kernel/kernel-route.ts'
import { Tenants } from '../../../src/edge/kernel/tenants.ts'
import type { Address } from '../../../src/inet/address.ts'
import { prefix } from '../../../src/inet/prefix.ts'

/** `10.65.0.2/32 cali1`, with `metric 1024` if given. */
function route(text: string): KernelRoute {
  const [to = '', device = '', , metric] = text.split(' ')
  const at = metric === undefined ? {} : { metric: Number(metric) }
  return { prefix: prefix(to), type: 'unicast', protocol: 'boot', device, because: 'test', ...at }
}

/** What is done, in order: `put 10.65.0.2/32 cali1`, `remove …`, `flush 10.65.0.2`. */
function bench(found: readonly string[] = []) {
  const calls: string[] = []
  const pending = new Map<Address, PromiseWithResolvers<void>>()
  const state = { isSlow: false }
  const done = (address: Address): void => {
    pending.get(address)?.resolve()
    pending.delete(address)
  }
  const note = (verb: string, routes: readonly KernelRoute[]): [] => {
    calls.push(...routes.map(({ prefix, device }) => `${verb} ${prefix} ${device}`))
    return []
  }
  const tenants = new Tenants({
    routes: {
      read: async () => found.map(route),
      put: async (routes) => note('put', routes),
      remove: async (routes) => note('remove', routes),
    },
    conntrack: {
      flush: async (address) => {
        calls.push(`flush ${address}`)
        pending.set(address, Promise.withResolvers())
        if (!state.isSlow) done(address)
        await pending.get(address)?.promise
      },
      pending: (address) => pending.get(address)?.promise,
    },
    isWorkloadDevice: (device) => device?.startsWith('cali') === true,
  })
  const put = (...texts: string[]) => tenants.put(texts.map(route))
  const remove = (...texts: string[]) => tenants.remove(texts.map(route))
  return { tenants, calls, put, remove, state, done }
}

t.test(
  'between two tenants: the old route goes, then the connections, then the new route comes',
  async (t) => {
    const { calls, put } = bench()
    await put('10.65.0.2/32 cali1')
    t.same(await put('10.65.0.2/32 cali2', '10.65.0.3/32 cali2'), [])
    t.same(calls.slice(1), [
      'put 10.65.0.3/32 cali2',
      'remove 10.65.0.2/32 cali1',
      'flush 10.65.0.2',
      'put 10.65.0.2/32 cali2',
    ])
  },
)

t.test('an address that moves from a pod of this node into a tunnel is handed over, too', async (t) => {
  const { calls, put } = bench()
  await put('10.65.0.2/32 cali1')
  await put('10.65.0.2/32 tunl0')
  t.same(calls.slice(1), ['remove 10.65.0.2/32 cali1', 'flush 10.65.0.2', 'put 10.65.0.2/32 tunl0'])
})

t.test('connections of a pod that goes are forgotten, by its route or with its interface', async (t) => {
  const { tenants, calls, put, remove } = bench()
  await put('10.65.0.2/32 cali1', 'fd66::2/128 cali1', '10.65.0.3/32 cali2')
  await remove('10.65.0.3/32 cali2')
  tenants.deviceGone('cali1')
  t.same(calls.slice(3), ['remove 10.65.0.3/32 cali2', 'flush 10.65.0.3', 'flush 10.65.0.2', 'flush fd66::2'])
  await put('10.65.0.2/32 cali9')
  t.equal(calls.at(-1), 'put 10.65.0.2/32 cali9', 'nobody lives there any more')
})

const kept: readonly { what: string; found?: string[]; put?: string[]; remove?: string[] }[] = [
  { what: 'a route nobody had before', put: ['10.65.0.2/32 cali1'] },
  {
    what: 'the same interface, by a route of another form',
    found: ['10.65.0.2/32 cali1 metric 1024'],
    put: ['10.65.0.2/32 cali1'],
  },
  {
    what: 'one of two routes of a pod, that of the CNI plugin',
    found: ['10.65.0.2/32 cali1', '10.65.0.2/32 cali1 metric 1024'],
    remove: ['10.65.0.2/32 cali1 metric 1024'],
  },
  { what: 'a remote address that moves', found: ['10.65.1.8/32 tunl0'], put: ['10.65.1.8/32 eth0'] },
  { what: 'a remote address that goes', found: ['10.65.1.8/32 tunl0'], remove: ['10.65.1.8/32 tunl0'] },
  { what: 'a block that goes', found: ['10.65.1.0/26 cali1'], remove: ['10.65.1.0/26 cali1'] },
]

for (const { what, found, put, remove } of kept) {
  t.test(`connections stay: ${what}`, async (t) => {
    const { tenants, calls, ...does } = bench(found)
    await tenants.read()
    await does.put(...(put ?? []))
    await does.remove(...(remove ?? []))
    t.same(
      calls.filter((call) => call.startsWith('flush')),
      [],
    )
  })
}

t.test('who was there when we began counts as tenant', async (t) => {
  const { tenants, calls, put } = bench(['10.65.0.2/32 cali1'])
  await tenants.read()
  await put('10.65.0.2/32 cali2')
  t.same(calls, ['remove 10.65.0.2/32 cali1', 'flush 10.65.0.2', 'put 10.65.0.2/32 cali2'])
})

t.test('connections that take long to forget hold up this address only', async (t) => {
  const { calls, put, remove, state, done } = bench()
  await put('10.65.0.2/32 cali1')
  state.isSlow = true
  await remove('10.65.0.2/32 cali1')
  const refused = await put('10.65.0.2/32 cali2', '10.65.0.4/32 cali4')
  t.match(refused, [{ key: '10.65.0.2/32', reason: /former tenant/, transient: true }])
  t.equal(calls.at(-1), 'put 10.65.0.4/32 cali4')
  done('10.65.0.2' as Address)
  t.same(await put('10.65.0.2/32 cali2'), [])
  t.equal(calls.at(-1), 'put 10.65.0.2/32 cali2')
})
