// Stale paths: kept in use while a peer restarts or announces all again. RFC 4724 §4.2, RFC 7313 §4.

import t from 'tap'
import { UNCHANGED } from '../../../src/bgp/rib/filter.ts'
import { Rib } from '../../../src/bgp/rib/rib.ts'
import { prefix } from '../../../src/inet/prefix.ts'
import { announcing, peer, router } from '../../kit/rib.ts'

const [node, tor] = [peer(2), router(5)]
const [kept, gone] = [prefix('10.1.0.0/26'), prefix('10.2.0.0/26')]

/** The tables when `node` has announced both prefixes and was lost. */
function suspended(): Rib {
  const rib = new Rib({ advertise: () => UNCHANGED })
  rib.addPeer(node)
  rib.addPeer(tor)
  rib.receive(node.name, announcing([kept, gone]))
  rib.takeBestChanges()
  rib.takeOutbound(100)
  rib.suspendPeer(node.name)
  return rib
}

t.test('a suspended peer changes no best path, and is sent nothing', async (t) => {
  const rib = suspended()
  rib.receive(tor.name, announcing(['10.3.0.0/26'], { asPath: [{ type: 'sequence', asns: [tor.asn] }] }))
  t.same(
    rib.takeBestChanges().map(({ prefix }) => prefix),
    ['10.3.0.0/26'],
  )
  t.notOk(rib.takeOutbound(100).some(({ to }) => to.includes(node.name)))
  t.equal(rib.received(node.name), 2)
  t.equal(rib.advertised(node.name), 0)
})

t.test('what it announces again stays untouched, the rest goes with the sweep', async (t) => {
  const rib = suspended()
  rib.addPeer(node)
  rib.receive(node.name, announcing([kept]))
  t.same(rib.takeBestChanges(), [])
  rib.sweep(node.name, 'ipv4')
  t.same(rib.takeBestChanges(), [{ prefix: gone, used: [] }])
  t.equal(rib.received(node.name), 1)
})

t.test('a peer that comes up gets the table again', async (t) => {
  const rib = suspended()
  rib.addPeer(node)
  t.same(rib.takeOutbound(100), [{ to: [node.name], family: 'ipv4', endOf: 'rib' }])
})

t.test('what is still stale at a second loss stays so', async (t) => {
  const rib = suspended()
  rib.addPeer(node)
  rib.receive(node.name, announcing([kept]))
  rib.suspendPeer(node.name)
  t.same(rib.takeBestChanges(), [])
  rib.sweep(node.name, 'ipv4')
  t.equal(rib.takeBestChanges().length, 2)
})

t.test('under another BGP Identifier what was kept stays, and is weighed with it', async (t) => {
  const rib = new Rib({ advertise: () => UNCHANGED })
  const rival = peer(3)
  for (const each of [node, rival]) {
    rib.addPeer(each)
    rib.receive(each.name, announcing([kept]))
  }
  t.equal(rib.best(kept)?.peer, node.name)
  rib.takeBestChanges()
  rib.suspendPeer(node.name)
  rib.addPeer({ ...node, routerId: peer(1).routerId })
  t.same([rib.received(node.name), rib.takeBestChanges()], [1, []], 'still the lower one')
  rib.suspendPeer(node.name)
  rib.receive(node.name, announcing([kept]))
  rib.addPeer({ ...node, routerId: peer(9).routerId })
  t.match(rib.takeBestChanges(), [{ prefix: kept, used: [{ peer: rival.name }] }])
})

t.test('from another AS it starts with nothing', async (t) => {
  const rib = suspended()
  rib.addPeer({ ...node, asn: 65009 })
  t.equal(rib.received(node.name), 0)
})

t.test('a peer that does not come back is removed like any other', async (t) => {
  const rib = suspended()
  rib.removePeer(node.name)
  t.equal(rib.takeBestChanges().length, 2)
})

t.test('a sweep of one family leaves the other alone', async (t) => {
  const rib = suspended()
  rib.sweep(node.name, 'ipv6')
  t.equal(rib.received(node.name), 2)
})

t.test('paths that policy refuses are swept too', async (t) => {
  const rib = new Rib({ advertise: () => UNCHANGED })
  rib.addPeer(node)
  const ownPath = { asPath: [{ type: 'sequence', asns: [node.localAsn] }] } as const
  rib.receive(node.name, announcing([kept], ownPath))
  rib.markStale(node.name, 'ipv4')
  rib.sweep(node.name, 'ipv4')
  t.equal(rib.received(node.name), 0)
})
