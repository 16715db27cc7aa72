// Several paths to one destination for those who take them (RFC 7911). That they agree with a naive evaluation of policy
// under all that can happen is in rib.model.test.ts.

import t from 'tap'
import { UNCHANGED } from '../../../src/bgp/rib/filter.ts'
import { type Outbound, Rib } from '../../../src/bgp/rib/rib.ts'
import { announcing, peer, router, sequence, withdrawing } from '../../kit/rib.ts'

const MANY = { addPathSend: { ipv4: true, ipv6: true } }
const PREFIX = '10.1.0.0/26'
const taker = peer(99, MANY)

/** Tables with routers 1, 2, … that each have a way to the prefix, the first with the shortest AS path. */
function rib(routers: number, paths = routers): Rib {
  const rib = new Rib({ advertise: () => UNCHANGED })
  for (let host = 1; host <= routers; host++) rib.addPeer(router(host, { asn: 65000 + host }))
  for (let host = 1; host <= paths; host++) rib.receive(`10.0.0.${host}`, via(host))
  return rib
}

const via = (host: number) =>
  announcing([PREFIX], { asPath: sequence(...Array.from({ length: host }, () => 65000 + host)) })

/** `+1 65001` for an announcement under identifier 1, `-2` for a withdrawal, `end` for End-of-RIB. */
function told(rib: Rib, name: string = taker.name): string[] {
  const words: string[] = []
  while (rib.pendingOutbound)
    for (const outbound of rib.takeOutbound(1)) words.push(...wordsOf(outbound, name))
  return words
}

function wordsOf({ to, announce, withdraw = [], endOf }: Outbound, name: string): string[] {
  if (!to.includes(name)) return []
  const first = announce?.attributes.asPath?.[0]?.asns[0]
  const announced = announce?.nlri.map(({ pathId }) => `+${pathId} ${first}`) ?? []
  return [...announced, ...withdraw.map(({ pathId }) => `-${pathId}`), ...(endOf ? ['end'] : [])]
}

t.test('all usable paths are told, the best as 1, and then End-of-RIB, once', async (t) => {
  const tables = rib(3)
  tables.addPeer(taker)
  t.same(told(tables), ['+1 65001', '+2 65002', '+3 65003', 'end'])
  t.equal(tables.advertised(taker.name), 3)
})

t.test('a session without it gets the best, without identifier', async (t) => {
  const tables = rib(3)
  tables.addPeer(peer(98))
  t.same(told(tables, '10.0.0.98'), ['+0 65001', 'end'])
})

t.test('those behind a path that goes move up, and the last place is given back', async (t) => {
  const tables = rib(3)
  tables.addPeer(taker)
  told(tables)
  tables.receive('10.0.0.1', withdrawing(PREFIX))
  t.same(told(tables), ['+1 65002', '+2 65003', '-3'])
})

t.test('a path that comes last disturbs no other', async (t) => {
  const tables = rib(3, 2)
  tables.addPeer(taker)
  t.same(told(tables), ['+1 65001', '+2 65002', 'end'])
  tables.receive('10.0.0.3', via(3))
  t.same(told(tables), ['+3 65003'])
})

t.test('paths that would tell it the same are told once', async (t) => {
  const tables = rib(2, 0)
  tables.addPeer(taker)
  told(tables)
  for (const host of [1, 2]) tables.receive(`10.0.0.${host}`, via(1))
  t.same(told(tables), ['+1 65001'])
})

t.test('no more than sixteen', async (t) => {
  const tables = rib(20)
  tables.addPeer(taker)
  t.equal(told(tables).filter((word) => word.startsWith('+')).length, 16)
})

t.test('one who joins later gets all of it, and disturbs nobody', async (t) => {
  const tables = rib(2)
  tables.addPeer(taker)
  told(tables)
  tables.addPeer(peer(97, MANY))
  const words: string[] = []
  while (tables.pendingOutbound)
    for (const outbound of tables.takeOutbound(1)) {
      t.notOk(outbound.to.includes(taker.name))
      words.push(...wordsOf(outbound, '10.0.0.97'))
    }
  t.same(words, ['+1 65001', '+2 65002', 'end'])
})
