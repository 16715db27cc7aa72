import t from 'tap'
import { Addresses } from '../../../src/edge/kernel/addresses.ts'
import { Batch } from '../../../src/edge/kernel/batch.ts'
import { parseEvent } from '../../../src/edge/kernel/monitor.ts'
import { openIp } from '../../../src/edge/kernel/run.ts'
import { address } from '../../../src/inet/address.ts'
import type { InterfaceAddress } from '../../../src/plan/wanted.ts'
import { namespace } from '../../kit/namespace.ts'
import { needsRoot } from '../../kit/needs-root.ts'

const because = 'found in the kernel'
const ownership = {
  settings: { workloadPrefixes: ['cali'], removeExternalRoutes: true, workloadProtocol: 3 },
  owns: () => false,
}
const on = (device: string, text: string): InterfaceAddress => ({ device, address: address(text), because })

t.test('put twice, removed twice, in both families; those of others stay', needsRoot, async (t) => {
  const ns = namespace(t)
  const ip = openIp(ns.name)
  const batch = new Batch(ip)
  t.teardown(() => batch.close())
  const kind = new Addresses(ip, batch, ownership)
  ns.ip('addr add 172.18.0.7/32 dev eth0', 'addr add 10.1.0.1/24 dev calibbb')
  const all = [on('caliaaa', '169.254.9.1'), on('caliaaa', 'fd09::1'), on('calibbb', '169.254.9.1')]
  t.same(await kind.put(all), [])
  t.same(await kind.put(all), [])
  t.same(
    (await kind.read()).toSorted((a, b) => (kind.key(a) < kind.key(b) ? -1 : 1)),
    all,
  )
  t.match(ns.show('-o addr show dev caliaaa to 169.254.9.1'), [/inet 169\.254\.9\.1\/32 scope link caliaaa/])
  t.same(await kind.remove(all), [])
  t.same(await kind.remove(all), [])
  t.same(await kind.read(), [])
  t.match(ns.show('-o addr show to 10.1.0.0/24'), [/calibbb/])
  t.match(ns.show('-o addr show to 172.18.0.7'), [/eth0/])
})

t.test('on an interface that is gone it is refused as a race', needsRoot, async (t) => {
  const ip = openIp(namespace(t).name)
  const batch = new Batch(ip)
  t.teardown(() => batch.close())
  t.match(await new Addresses(ip, batch, ownership).put([on('caliccc', '169.254.9.1')]), [
    { key: 'caliccc 169.254.9.1', transient: true },
  ])
})

t.test('events of others say nothing', async (t) => {
  const kind = new Addresses({} as never, {} as never, ownership)
  const saw = (line: string) => {
    const event = parseEvent(line)
    return event?.kind === 'address' ? kind.event(event) : event
  }
  const line =
    '7: caliaaa    inet 169.254.9.1/32 scope link caliaaa\\       valid_lft forever preferred_lft forever'
  const key = 'caliaaa 169.254.9.1'
  t.same(saw(`[ADDR]${line}`), { key, item: on('caliaaa', '169.254.9.1') })
  t.same(saw(`[ADDR]Deleted ${line}`), { key, item: undefined })
  t.equal(saw(`[ADDR]${line.replaceAll('caliaaa', 'eth0')}`), undefined)
  t.equal(saw(`[ADDR]${line.replace('9.1/32', '9.1/16')}`), undefined)
})
