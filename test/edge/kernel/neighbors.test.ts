import t from 'tap'
import { Batch } from '../../../src/edge/kernel/batch.ts'
import { Neighbors, parseNeighbor } from '../../../src/edge/kernel/neighbors.ts'
import { openBridge, openIp } from '../../../src/edge/kernel/run.ts'
import { address } from '../../../src/inet/address.ts'
import type { Neighbor } from '../../../src/plan/wanted.ts'
import { namespace } from '../../kit/namespace.ts'
import { needsRoot } from '../../kit/needs-root.ts'

const because = 'found in the kernel'
const mac = '66:3e:ca:a4:db:65'

t.test('a permanent entry is read, and an entry in any other state only as its key', async (t) => {
  const [device, of] = ['caliaaa', address('10.65.0.2')]
  t.same(parseNeighbor(`10.65.0.2 dev caliaaa lladdr ${mac} PERMANENT `), {
    address: of,
    device,
    permanent: { address: of, mac, device, because },
  })
  t.same(parseNeighbor('10.65.0.2 dev caliaaa FAILED '), { address: of, device })
  t.same(parseNeighbor(`10.65.0.2 dev caliaaa lladdr ${mac} STALE`), { address: of, device })
  t.equal(parseNeighbor('10.65.0.2 dev caliaaa  proxy'), undefined)
  t.equal(parseNeighbor(''), undefined)
})

t.test('put twice, changed, removed twice; those of others stay', needsRoot, async (t) => {
  const ns = namespace(t)
  const ip = openIp(ns.name)
  const batch = new Batch(ip)
  t.teardown(() => batch.close())
  const kind = new Neighbors(ip, batch, {
    settings: { workloadPrefixes: ['cali'], removeExternalRoutes: true, workloadProtocol: 3 },
    owns: () => false,
  })
  const entry: Neighbor = { address: address('10.65.0.2'), mac, device: 'caliaaa', because }
  ns.ip(
    `neigh add 172.18.0.9 lladdr ${mac} dev eth0 nud permanent`,
    `neigh add 10.65.0.9 lladdr ${mac} dev caliaaa nud stale`,
  )
  t.same(await kind.put([entry]), [])
  t.same(await kind.put([entry]), [])
  t.same(await kind.read(), [entry])
  t.same(ns.show('neigh show 10.65.0.2'), [`10.65.0.2 dev caliaaa lladdr ${mac} PERMANENT`])

  const moved = { ...entry, mac: '66:3e:ca:a4:db:66' }
  t.equal(kind.same(entry, moved), false)
  await kind.put([moved])
  t.same(await kind.read(), [moved])
  t.same(await kind.remove([moved]), [])
  t.same(await kind.remove([moved]), [])
  t.same(await kind.read(), [])
  t.equal(ns.show('neigh show dev eth0 nud permanent').length, 1)
})

t.test(
  'entries on VXLAN devices are ours in both families, FDB entries are no neighbours',
  needsRoot,
  async (t) => {
    const ns = namespace(t)
    ns.ip('link add vxlan.calico type vxlan id 4096 dstport 4789 local 172.18.0.2 dev eth0 nolearning')
    const ip = openIp(ns.name)
    const batch = new Batch(ip)
    t.teardown(() => batch.close())
    const kind = new Neighbors(ip, batch, {
      settings: { workloadPrefixes: ['cali'], removeExternalRoutes: true, workloadProtocol: 3 },
      owns: () => false,
    })
    await openBridge(ns.name).text(
      ...`fdb add ${mac} dev vxlan.calico dst 172.18.0.4 self permanent`.split(' '),
    )
    const entries = ['10.65.2.0', 'fd66::2:0'].map((of) => ({
      address: address(of),
      mac,
      device: 'vxlan.calico',
      because,
    }))
    t.same(await kind.put(entries), [])
    t.same(await kind.read(), entries)
    t.same(kind.event({ address: address('10.65.9.0'), device: 'vxlan.calico' }, true), {
      key: 'vxlan.calico 10.65.9.0',
      item: undefined,
    })
  },
)

t.test('an entry on an interface that is gone is refused alone, as a race', needsRoot, async (t) => {
  const ns = namespace(t)
  const ip = openIp(ns.name)
  const batch = new Batch(ip)
  t.teardown(() => batch.close())
  const kind = new Neighbors(ip, batch, {
    settings: { workloadPrefixes: ['cali'], removeExternalRoutes: true, workloadProtocol: 3 },
    owns: () => false,
  })
  const entry = (device: string): Neighbor => ({ address: address('10.65.0.2'), mac, device, because })
  t.same(await kind.put([entry('caligone'), entry('caliaaa')]), [
    { key: 'caligone 10.65.0.2', reason: 'Cannot find device "caligone"', transient: true },
  ])
  t.same(await kind.read(), [entry('caliaaa')])
})
