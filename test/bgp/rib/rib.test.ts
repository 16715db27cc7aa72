import t from 'tap'
import { UNCHANGED } from '../../../src/bgp/rib/filter.ts'
import { type Outbound, Rib, type RibPeer } from '../../../src/bgp/rib/rib.ts'
import type { Origination } from '../../../src/bgp/types.ts'
import { address } from '../../../src/inet/address.ts'
import { prefix } from '../../../src/inet/prefix.ts'
import { announcing, BOTH, LOCAL, nlri, peer, router, sequence, withdrawing } from '../../kit/rib.ts'

const [nodeA, nodeB, nodeC] = [peer(2), peer(3), peer(4)]
const [torA, torB] = [router(5), router(6)]

function tables(...peers: RibPeer[]): Rib {
  const rib = new Rib({ advertise: () => UNCHANGED })
  for (const peer of peers) rib.addPeer(peer)
  drain(rib)
  return rib
}

function drain(rib: Rib, limit = 1000): Outbound[] {
  const all: Outbound[] = []
  while (rib.pendingOutbound) all.push(...rib.takeOutbound(limit))
  return all
}

const own = (...prefixes: string[]): Origination[] =>
  prefixes.map((text) => ({ prefix: prefix(text), localPref: 100, because: 'block of this node' }))

const ownToNodes = { origin: 'igp', asPath: [], nextHop: LOCAL.address, localPref: 100 }

t.test('a peer that comes up gets the table, then End-of-RIB, and the others nothing', async (t) => {
  const rib = tables(nodeA)
  rib.originate(own('10.1.0.0/26', '10.2.0.0/26'), [])
  drain(rib)
  rib.addPeer(nodeB)
  t.same(drain(rib), [
    {
      to: [nodeB.name],
      family: 'ipv4',
      announce: { attributes: ownToNodes, nlri: nlri('10.1.0.0/26', '10.2.0.0/26') },
    },
    { to: [nodeB.name], family: 'ipv4', endOf: 'rib' },
  ])
})

t.test('End-of-RIB comes with an empty table too, once for each family', async (t) => {
  const rib = new Rib({ advertise: () => UNCHANGED })
  rib.addPeer({ ...torA, families: BOTH })
  t.same(drain(rib), [
    { to: [torA.name], family: 'ipv4', endOf: 'rib' },
    { to: [torA.name], family: 'ipv6', endOf: 'rib' },
  ])
})

t.test('End-of-RIB waits for all that was known when the session came up', async (t) => {
  const rib = tables()
  rib.originate(own('10.1.0.0/26', '10.2.0.0/26', '10.3.0.0/26'), [])
  rib.addPeer(nodeA)
  const slices = [rib.takeOutbound(1), rib.takeOutbound(1), rib.takeOutbound(1)].flat()
  t.same(
    slices.map(({ endOf, announce }) => endOf ?? announce?.nlri.length),
    [1, 1, 1, 'rib'],
  )
  t.notOk(rib.pendingOutbound)
})

t.test('End-of-RIB does not wait for what has changed since, nor for what others are due', async (t) => {
  const rib = tables(nodeB)
  rib.originate(own('10.1.0.0/26'), [])
  drain(rib)
  rib.addPeer(torA)
  const slices: Outbound[] = []
  for (const prefix of ['10.2.0.0/26', '10.3.0.0/26']) {
    rib.originate(own(prefix), [])
    slices.push(...rib.takeOutbound(2))
  }
  t.ok(rib.pendingOutbound)
  t.same(
    slices
      .filter(({ to }) => to.includes(torA.name))
      .map(({ endOf, announce }) => endOf ?? announce?.nlri.length),
    [1, 'rib', 1],
  )
})

t.test('peers of one group are told by one message, those who joined together by one feed', async (t) => {
  const rib = tables()
  rib.originate(own('10.1.0.0/26'), [])
  for (const peer of [nodeA, nodeB, nodeC]) rib.addPeer(peer)
  const to = [nodeA.name, nodeB.name, nodeC.name]
  t.same(
    drain(rib).map((outbound) => outbound.to),
    [to, to],
  )
  rib.originate([], [prefix('10.1.0.0/26')])
  t.same(drain(rib), [{ to, family: 'ipv4', withdraw: nlri('10.1.0.0/26') }])
})

t.test('what shapes a message parts the groups', async (t) => {
  const differing: Partial<RibPeer>[] = [
    { encoding: 'as2' },
    { localAsn: 64999, asn: 64999 },
    { localAddress: address('10.0.0.100') },
    { families: BOTH },
    { type: 'external', asn: 65000 },
    { type: 'external', asn: 65001 },
  ]
  const rib = tables(nodeA, ...differing.map((over, i) => peer(20 + i, over)))
  rib.originate(own('10.1.0.0/26'), [])
  t.equal(drain(rib).length, 1 + differing.length)
  const alike = tables(nodeA, peer(9, { allowedLocalAsns: 3, routerId: address('9.9.9.9') }))
  alike.originate(own('10.1.0.0/26'), [])
  t.equal(drain(alike).length, 1)
})

t.test('a path never goes back to where it came from, and is withdrawn there if it takes over', async (t) => {
  const rib = tables(torA, torB)
  rib.receive(torA.name, announcing(['10.9.0.0/24'], { asPath: sequence(65000, 65001) }))
  t.match(drain(rib), [
    { to: [torB.name], announce: { attributes: { asPath: sequence(LOCAL.asn, 65000, 65001) } } },
  ])
  rib.receive(torB.name, announcing(['10.9.0.0/24'], { asPath: sequence(65000) }))
  const sent = drain(rib)
  t.match(
    sent.filter(({ withdraw }) => withdraw),
    [{ to: [torB.name], withdraw: nlri('10.9.0.0/24') }],
  )
  t.match(
    sent.filter(({ announce }) => announce),
    [{ to: [torA.name], announce: { attributes: { asPath: sequence(LOCAL.asn, 65000) } } }],
  )
  t.same([rib.advertised(torA.name), rib.advertised(torB.name)], [1, 0])
})

t.test('a path is not sent to the neighbour that is its next hop', async (t) => {
  const rib = tables(torA, nodeA, nodeB)
  rib.receive(torA.name, announcing(['10.9.0.0/24'], { asPath: sequence(65000), nextHop: nodeA.address }))
  t.match(drain(rib), [
    { to: [nodeB.name], announce: { attributes: { nextHop: nodeA.address, localPref: 100 } } },
  ])
})

t.test('prefixes with equal attributes go together, also when what came in differed', async (t) => {
  const rib = tables(nodeA, torA)
  rib.receive(nodeA.name, announcing(['10.1.0.0/26'], { localPref: 100, med: 1 }))
  rib.receive(nodeA.name, announcing(['10.2.0.0/26'], { localPref: 200, med: 2 }))
  t.match(drain(rib), [
    { to: [torA.name], announce: { attributes: { med: 0 }, nlri: nlri('10.1.0.0/26', '10.2.0.0/26') } },
  ])
})

t.test('the policy decides which learned paths are told on, and may change its mind', async (t) => {
  let allowed = false
  const rib = new Rib({
    advertise: ({ peer }, to) =>
      allowed && peer === nodeA.name && to.type === 'external' ? UNCHANGED : undefined,
  })
  for (const peer of [nodeA, torA]) rib.addPeer(peer)
  rib.receive(nodeA.name, announcing(['10.1.0.0/26']))
  drain(rib)
  t.equal(rib.advertised(torA.name), 0)
  allowed = true
  rib.refilter()
  t.match(drain(rib), [{ to: [torA.name], announce: { nlri: nlri('10.1.0.0/26') } }])
  allowed = false
  rib.refilter()
  t.match(drain(rib), [{ to: [torA.name], withdraw: nlri('10.1.0.0/26') }])
})

t.test('what comes and goes before anyone looked is told to nobody', async (t) => {
  const rib = tables(nodeA, torA)
  rib.receive(nodeA.name, announcing(['10.1.0.0/26']))
  rib.receive(nodeA.name, withdrawing('10.1.0.0/26'))
  t.same([drain(rib), rib.takeBestChanges()], [[], []])
})

t.test('in one UPDATE an announcement outweighs a withdrawal of the same prefix', async (t) => {
  const rib = tables(nodeA)
  rib.receive(nodeA.name, { ...announcing(['10.1.0.0/26']), withdrawn: nlri('10.1.0.0/26') })
  t.equal(rib.best(prefix('10.1.0.0/26'))?.peer, nodeA.name)
})

t.test('IPv6 paths carry their next hop like IPv4 ones, without MP_REACH', async (t) => {
  const v6 = { families: ['ipv6' as const], localAddress: address('fd00::1'), address: address('fd00::2') }
  const rib = tables(peer(2, v6), router(5, { ...v6, address: address('fd00::5') }))
  const mpReach = { family: 'ipv6' as const, nextHop: address('fd00::2'), nlri: nlri('fd00:1::/64') }
  rib.receive(nodeA.name, { ...announcing([]), attributes: { origin: 'igp', asPath: [], mpReach } })
  t.match(rib.best(prefix('fd00:1::/64')), {
    nextHop: 'fd00::2',
    attributes: { nextHop: 'fd00::2', mpReach: undefined },
  })
  const attributes = { origin: 'igp', asPath: sequence(LOCAL.asn), nextHop: address('fd00::1') }
  t.same(drain(rib), [
    { to: [torA.name], family: 'ipv6', announce: { attributes, nlri: nlri('fd00:1::/64') } },
  ])
})

t.test('a refresh repeats one family to the one who asked, without another End-of-RIB', async (t) => {
  const rib = tables(nodeA, nodeB)
  rib.originate(own('10.1.0.0/26'), [])
  drain(rib)
  rib.resend(nodeA.name, 'ipv4')
  t.match(drain(rib), [{ to: [nodeA.name], announce: { nlri: nlri('10.1.0.0/26') } }])
  rib.resend(nodeA.name, 'ipv6')
  t.same(drain(rib), [])
})

t.test('a busy group does not keep another one waiting', async (t) => {
  const rib = tables(nodeA, torA)
  const many = Array.from({ length: 100 }, (_, i) => `10.1.${i}.0/26`)
  rib.receive(nodeA.name, announcing(many))
  drain(rib)
  rib.resend(torA.name, 'ipv4')
  rib.originate(own('10.2.0.0/26'), [])
  const names = rib.takeOutbound(10).flatMap(({ to }) => to)
  t.ok(names.includes(nodeA.name) && names.includes(torA.name))
})

t.test('a session that ends takes its paths along, and a second one starts anew', async (t) => {
  const rib = tables(nodeA, torA)
  rib.receive(nodeA.name, announcing(['10.1.0.0/26']))
  drain(rib)
  rib.takeBestChanges()
  rib.removePeer(nodeA.name)
  rib.removePeer(nodeA.name)
  t.same(rib.takeBestChanges(), [{ prefix: '10.1.0.0/26', used: [] }])
  t.same(drain(rib), [{ to: [torA.name], family: 'ipv4', withdraw: nlri('10.1.0.0/26') }])
  t.same([rib.received(nodeA.name), rib.advertised(nodeA.name)], [0, 0])
  rib.addPeer(nodeA)
  t.same(drain(rib), [{ to: [nodeA.name], family: 'ipv4', endOf: 'rib' }])
})

t.test('paths are shown with what became of them', async (t) => {
  const rib = tables(nodeA, nodeB, torA)
  rib.originate(own('10.1.0.0/26'), [])
  rib.receive(nodeA.name, announcing(['10.1.0.0/26'], { localPref: 500 }))
  rib.receive(torA.name, announcing(['10.1.0.0/26'], { asPath: sequence(65000, LOCAL.asn) }))
  t.match(rib.paths(prefix('10.1.0.0/26')), [
    { path: { peer: null, nextHop: '0.0.0.0' }, eligible: true, lostBy: undefined },
    { path: { peer: nodeA.name }, eligible: true, lostBy: 'not our own' },
    { path: { peer: torA.name }, eligible: false, lostBy: 'own AS in AS_PATH' },
  ])
  t.same([rib.received(torA.name), rib.paths(prefix('10.2.0.0/26'))], [1, []])
})

t.test('an UPDATE for a session that is not there is our own mistake', async (t) => {
  t.throws(() => tables().receive('10.0.0.2', announcing([])), /no session with 10.0.0.2/)
})

t.test(
  'for people: what came from a peer and what became of it, what a peer was told, and all that is best',
  async (t) => {
    const rib = tables(nodeA, nodeB, torA)
    rib.receive(nodeA.name, announcing(['10.1.0.0/26', '10.2.0.0/26']))
    rib.receive(nodeB.name, announcing(['10.1.0.0/26'], { localPref: 50 }))
    rib.receive(torA.name, announcing(['10.3.0.0/26'], { asPath: sequence(LOCAL.asn) }))
    drain(rib)
    const received = (peer: RibPeer) =>
      [...rib.receivedFrom(peer.name)].map(({ path, lostBy }) => [path.prefix, lostBy])
    t.same(received(nodeA), [
      ['10.1.0.0/26', undefined],
      ['10.2.0.0/26', undefined],
    ])
    t.same(received(nodeB), [['10.1.0.0/26', 'lower LOCAL_PREF']])
    t.same(received(torA), [['10.3.0.0/26', 'own AS in AS_PATH']])
    const told = [...rib.advertisedTo(torA.name)]
    t.match(told, [
      { prefix: '10.1.0.0/26', attributes: { asPath: sequence(LOCAL.asn) } },
      { prefix: '10.2.0.0/26' },
    ])
    t.same([...rib.advertisedTo(nodeB.name)], [])
    t.same([...rib.bests()].map(({ prefix }) => prefix).sort(), ['10.1.0.0/26', '10.2.0.0/26'])
  },
)
