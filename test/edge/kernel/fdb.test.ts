import t from 'tap'
import { Batch } from '../../../src/edge/kernel/batch.ts'
import { Fdb, type KernelFdbEntry, parseFdb, parseFdbEvent } from '../../../src/edge/kernel/fdb.ts'
import { openBridge } from '../../../src/edge/kernel/run.ts'
import { address } from '../../../src/inet/address.ts'
import { type Namespace, namespace } from '../../kit/namespace.ts'
import { needsRoot } from '../../kit/needs-root.ts'

const because = 'found in the kernel'
const [mac, device, destination] = ['66:3e:ca:a4:db:65', 'vxlan.calico', address('172.18.0.4')]
const entry: KernelFdbEntry = { mac, device, destination, because }
const VXLAN = 'link add vxlan.calico type vxlan id 4096 dstport 4789 local 172.18.0.2 dev eth0 nolearning'

function kindIn(t: { teardown(run: () => unknown): void }, ns: Namespace) {
  const bridge = openBridge(ns.name)
  const batch = new Batch(bridge)
  t.teardown(() => batch.close())
  return { kind: new Fdb(bridge, batch), bridge }
}

// Recorded from iproute2 6.1 on Linux 6.18.
t.test('permanent entries with a destination are read, learned ones and others are not', async (t) => {
  const printed = [
    { mac, dst: destination, flags: ['self'], state: 'permanent' },
    { mac: '66:00:00:00:00:01', dst: '172.18.0.5', flags: ['self'], state: '' },
    { mac: '33:33:00:00:00:01', flags: ['self'], state: 'permanent' },
    { mac: '66:00:00:00:00:02', dst: '172.18.0.6', port: 999, vni: 7, flags: ['self'], state: 'permanent' },
  ]
  t.same(parseFdb(JSON.stringify(printed), device), [
    entry,
    { mac: '66:00:00:00:00:02', device, destination: '172.18.0.6', because, detour: true },
  ])
  t.same(parseFdb('', device), [])
})

t.test('an event of an entry has two states, that of a neighbour one', async (t) => {
  t.same(parseFdbEvent('172.18.0.4 dev vxlan.calico lladdr 66:3e:ca:a4:db:65 NOARP PERMANENT '), entry)
  t.equal(parseFdbEvent('10.65.2.0 dev vxlan.calico lladdr 66:3e:ca:a4:db:65 PERMANENT '), undefined)
  t.equal(parseFdbEvent('ff02::16 dev vxlan.calico lladdr 33:33:00:00:00:16 NOARP '), undefined)
})

t.test('put twice, moved, removed twice', needsRoot, async (t) => {
  const ns = namespace(t)
  ns.ip(VXLAN)
  const { kind, bridge } = kindIn(t, ns)
  t.same(await kind.put([entry]), [])
  t.same(await kind.put([entry]), [])
  t.same(await kind.read(), [entry])
  t.equal(await bridge.text('fdb', 'show', 'dev', device), `${mac} dst 172.18.0.4 self permanent`)
  const moved = { ...entry, destination: address('172.18.0.5') }
  t.equal(kind.same(entry, moved), false)
  t.same(await kind.put([moved]), [])
  t.same(await kind.read(), [moved], 'it has not two destinations now')
  t.same(await kind.remove([moved]), [])
  t.same(await kind.remove([moved]), [])
  t.same(await kind.read(), [])
})

t.test('an entry with a port of its own is put right', needsRoot, async (t) => {
  const ns = namespace(t)
  ns.ip(VXLAN)
  const { kind, bridge } = kindIn(t, ns)
  await bridge.text(...`fdb add ${mac} dev ${device} dst 172.18.0.4 port 999 self permanent`.split(' '))
  const [found] = await kind.read()
  t.equal(kind.same(found!, entry), false)
  t.same(await kind.put([entry]), [])
  t.same(await kind.read(), [entry])
})

t.test(
  'without a device there is nothing to read, and an entry is refused as a race',
  needsRoot,
  async (t) => {
    const ns = namespace(t)
    const { kind } = kindIn(t, ns)
    t.same(await kind.read(), [])
    t.same(await kind.put([entry]), [
      { key: `${device} ${mac}`, reason: 'Cannot find device "vxlan.calico"', transient: true },
    ])
    t.same(await kind.remove([entry]), [])
  },
)

t.test('one bad entry costs only itself', needsRoot, async (t) => {
  const ns = namespace(t)
  ns.ip(VXLAN)
  const { kind } = kindIn(t, ns)
  const six = { ...entry, mac: '66:00:00:00:00:06', destination: address('fd00::4') }
  t.match(await kind.put([six, entry]), [{ key: `${device} 66:00:00:00:00:06`, transient: false }])
  t.same(await kind.read(), [entry])
})
