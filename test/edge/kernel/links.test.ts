import t from 'tap'
import { LinkTable } from '../../../src/edge/kernel/link-table.ts'
import { parseLinks, readLinks } from '../../../src/edge/kernel/links.ts'
import { openIp } from '../../../src/edge/kernel/run.ts'
import { namespace } from '../../kit/namespace.ts'
import { needsRoot } from '../../kit/needs-root.ts'

t.test('interfaces are read with their state and their addresses, host bits apart', needsRoot, async (t) => {
  const ns = namespace(t)
  ns.ip('addr add 172.18.0.3/16 dev eth0', 'link set podaaa down', 'link set eth0 mtu 1400')
  const links = await readLinks(openIp(ns.name))
  const eth0 = links.find(({ name }) => name === 'eth0')!
  t.match(eth0, { running: true, mtu: 1400 })
  t.same(
    eth0.addresses
      .filter(({ prefix }) => prefix !== 'fe80::/64')
      .map(({ address, prefix }) => `${address} ${prefix}`),
    ['172.18.0.2 172.18.0.0/16', '172.18.0.3 172.18.0.0/16', 'fd00::2 fd00::/64'],
  )
  t.equal(links.find(({ name }) => name === 'caliaaa')?.running, false, 'up, but its other end is not')
})

t.test('the empty objects that ip prints are no interfaces', async (t) => {
  t.same(parseLinks('[{},{"ifindex":1,"ifname":"lo","flags":["LOOPBACK","UP","LOWER_UP"],"mtu":65536}]'), [
    { name: 'lo', index: 1, running: true, mtu: 65536, addresses: [] },
  ])
})

t.test(
  'an interface that comes, flaps, is renamed or goes is named; the same state again is no news',
  async (t) => {
    const table = new LinkTable()
    t.same(table.set({ index: 3, name: 'cali0', running: true, mtu: 1500 }, 100), ['cali0'])
    t.same(table.set({ index: 3, name: 'cali0', running: true, mtu: 1500 }, 200), [])
    t.same(table.set({ index: 3, name: 'cali0', running: false, mtu: 1500 }, 300), ['cali0'])
    t.equal(table.since('cali0'), 100)
    t.same(table.set({ index: 3, name: 'cali1', running: false, mtu: 1500 }, 400), ['cali0', 'cali1'])
    t.equal(table.since('cali0'), undefined)
    t.same(table.delete(3), ['cali1'])
    t.same(table.delete(3), [])
  },
)

t.test('the end of an old interface says nothing of the new one that has its name', async (t) => {
  const table = new LinkTable()
  table.set({ index: 3, name: 'cali0', running: true, mtu: 1500 }, 100)
  table.set({ index: 4, name: 'cali0', running: true, mtu: 1500 }, 500)
  t.same(table.delete(3), ['cali0'])
  t.equal(table.since('cali0'), 500)
})

t.test('a reading of all finds what events did not tell', async (t) => {
  const table = new LinkTable()
  table.set({ index: 3, name: 'cali0', running: true, mtu: 1500 }, 100)
  table.set({ index: 4, name: 'eth0', running: true, mtu: 1500 }, 100)
  const read = [
    { index: 4, name: 'eth0', running: false, mtu: 1500 },
    { index: 5, name: 'cali0', running: true, mtu: 1500 },
  ]
  t.same(table.replace(read, 200), ['cali0', 'eth0', 'cali0'])
  t.same(table.replace(read, 300), [])
})
