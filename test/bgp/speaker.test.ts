// Whole speakers on a network in virtual time.

import t from 'tap'
import type { ConnectionId } from '../../src/bgp/events.ts'
import type { PeerConfig } from '../../src/bgp/types.ts'
import { encode, initialCodec } from '../../src/bgp/wire/codec.ts'
import type { Capability, Open, Update } from '../../src/bgp/wire/message.ts'
import { address } from '../../src/inet/address.ts'
import { prefix } from '../../src/inet/prefix.ts'
import { type Host, meshPeer, Network } from '../kit/network.ts'
import { announcing, withdrawing } from '../kit/rib.ts'

const SECOND = 1000

/** Two nodes of a mesh. By Calico's rule the one with the greater address dials: `a`. */
function pair(over: Partial<PeerConfig> = {}) {
  const network = new Network()
  const a = network.host(['10.0.0.2'])
  const b = network.host(['10.0.0.1'])
  a.peers(meshPeer(a, b, over))
  b.peers(meshPeer(b, a, over))
  return { network, a, b }
}

/** As `pair`, before either knows the other. */
function strangers() {
  const network = new Network()
  return { network, a: network.host(['10.0.0.2']), b: network.host(['10.0.0.1']) }
}

function establishedPair(over: Partial<PeerConfig> = {}) {
  const cast = pair(over)
  cast.network.run(3 * SECOND)
  return cast
}

/** A peer that is not a speaker of ours dials `to`, and its session comes up. */
function introduce(from: Host, to: Host, ...capabilities: Capability[]): ConnectionId {
  const { connection } = to.accept(from.addresses[0]!)
  const open: Open = { kind: 'open', asn: 64512, holdTime: 240, routerId: from.addresses[0]!, capabilities }
  for (const message of [open, { kind: 'keepalive' } as const])
    to.step({ kind: 'bytes', connection, chunk: encode(message, initialCodec) })
  return connection
}

const prefixes = (host: Host): string[] => [...host.best.keys()].sort()
const notifications = (host: Host): unknown[] => host.sentTo.filter(({ kind }) => kind === 'notification')

t.test(
  'the end with the greater address dials after the connect delay, and the session comes up',
  async (t) => {
    const { network, a, b } = pair()
    t.same([a.states(), b.states()], [['Active'], ['Passive']])
    network.run(1.7 * SECOND)
    t.same(a.states(), ['Active'], 'the delay is 2 s, with jitter 0.5 it is 1.75 s')
    network.run(SECOND)
    t.same([a.states(), b.states()], [['Established'], ['Established']])
    t.same([a.dials.length, b.dials.length], [1, 0])
  },
)

t.test('routes of both families travel over a session each', async (t) => {
  const network = new Network()
  const a = network.host(['10.0.0.1', 'fd00::1'])
  const b = network.host(['10.0.0.2', 'fd00::2'])
  for (const [host, peer] of [[a, b], [b, a]] as const) // biome-ignore format: a pair each
    host.peers(meshPeer(host, peer), meshPeer(host, peer, { families: ['ipv6'] }))
  a.originate('10.244.1.0/26', 'fd10:1::/122')
  network.run(3 * SECOND)
  b.originate('10.244.2.0/26')
  network.run(SECOND)
  t.same(prefixes(b), ['10.244.1.0/26', '10.244.2.0/26', 'fd10:1::/122'])
  t.same(b.best.get(prefix('10.244.1.0/26'))?.nextHop, '10.0.0.1')
  t.same(b.best.get(prefix('fd10:1::/122'))?.nextHop, 'fd00::1')
  t.same(prefixes(a), ['10.244.1.0/26', '10.244.2.0/26', 'fd10:1::/122'])
  t.same([a.view(b).advertised, a.view(b).received], [1, 1])
})

t.test('a withdrawn route goes, and so do all when the peer is no longer wanted', async (t) => {
  const { network, a, b } = establishedPair()
  a.originate('10.244.1.0/26', '10.244.3.0/26')
  network.run(SECOND)
  a.step({ kind: 'originate', set: [], withdraw: [prefix('10.244.1.0/26')] })
  network.run(SECOND)
  t.same(prefixes(b), ['10.244.3.0/26'])
  a.step({ kind: 'peers', set: [], remove: [address('10.0.0.1')] })
  network.run(SECOND)
  t.same([prefixes(b), b.states()], [[], ['Passive Received: Peer de-configured']])
})

t.test('a mesh session that a BGPPeer takes over goes on, and so does it back in the mesh', async (t) => {
  const { network, a, b } = establishedPair()
  a.originate('10.244.1.0/26')
  network.run(SECOND)
  const { since } = b.view(a)
  const changes = b.changes.length
  for (const kind of ['node', 'mesh'] as const) {
    for (const [host, peer] of [[a, b], [b, a]] as const) // biome-ignore format: a pair each
      host.peers(meshPeer(host, peer, kind === 'node' ? { kind, passive: false, because: 'BGPPeer x' } : {}))
    network.run(10 * SECOND)
    t.match(b.view(a), { kind, state: 'Established', since }, kind)
    t.match(a.view(b), { kind, state: 'Established' }, kind)
  }
  t.equal(b.changes.length, changes)
})

t.test('a peer that waited for the other to dial dials itself as soon as it may', async (t) => {
  const network = new Network()
  const [a, b] = [network.host(['10.0.0.1']), network.host(['10.0.0.2'])]
  a.peers(meshPeer(a, b, { passive: true }))
  b.peers(meshPeer(b, a, { passive: true }))
  network.run(10 * SECOND)
  t.same([a.states(), b.states()], [['Passive'], ['Passive']])
  a.peers(meshPeer(a, b, { passive: false }))
  network.run(3 * SECOND)
  t.same([a.states(), b.states()], [['Established'], ['Established']])
})

t.test('a table that needs many messages arrives whole', async (t) => {
  const { network, a, b } = establishedPair()
  const blocks = Array.from({ length: 10_000 }, (_, i) => `10.${i >> 8}.${i & 255}.0/26`)
  a.originate(...blocks)
  network.run(SECOND)
  t.equal(b.best.size, 10_000)
  t.same(prefixes(b), blocks.toSorted())
  t.same([b.view(a).faults, a.view(b).advertised, b.view(a).received], [0, 10_000, 10_000])
})

t.test('between two who know extended messages it needs few (RFC 8654)', async (t) => {
  const updates = (kind: PeerConfig['kind']) => {
    const { network, a, b } = establishedPair({ kind })
    const before = a.sentTo.length
    a.originate(...Array.from({ length: 2000 }, (_, i) => `10.${i >> 8}.${i & 255}.0/26`))
    network.run(SECOND)
    t.equal(b.best.size, 2000)
    return a.sentTo.slice(before).filter((message) => message.kind === 'update').length
  }
  t.same([updates('mesh'), updates('node')], [3, 1])
})

t.test('a session lives on keepalives, and an idle hour changes nothing', async (t) => {
  const { network, a, b } = establishedPair()
  const { since } = a.view(b)
  network.run(3600 * SECOND)
  t.same(a.view(b).since, since)
  t.same([a.states(), b.states()], [['Established'], ['Established']])
})

t.test('hold time 0 is legal, and needs no keepalive', async (t) => {
  const { network, a, b } = establishedPair({ holdTime: 0 })
  const sent = a.sentTo.length
  network.run(3600 * SECOND)
  t.same([a.states(), a.sentTo.length], [['Established'], sent])
  t.same(b.states(), ['Established'])
})

t.test('a peer that falls silent is dropped after the full hold time, and not before', async (t) => {
  const { network, a, b } = establishedPair({ holdTime: 90 })
  b.originate('10.244.2.0/26')
  network.run(SECOND)
  network.cutOff.add(b.addresses[0]!)
  network.run(60 * SECOND)
  t.same([a.states(), prefixes(a)], [['Established'], ['10.244.2.0/26']])
  network.run(31 * SECOND)
  t.same(a.states(), ['Idle BGP Error: Hold timer expired'])
})

t.test('a dial that hangs is given up, and one that is refused is tried again', async (t) => {
  const { network, a, b } = pair()
  network.cutOff.add(b.addresses[0]!)
  network.run(6.5 * SECOND)
  t.same(a.states(), ['Active Socket: Connection timed out'])
  network.cutOff.clear()
  b.listening = false
  network.run(2 * SECOND)
  t.same(a.states(), ['Active Socket: Connection refused'])
  b.listening = true
  network.run(4 * SECOND)
  t.same(a.states(), ['Established'])
  t.same(
    a.notes.map(({ message, fields }) => fields.reason ?? message),
    ['Socket: Connection timed out', 'Socket: Connection refused', 'session up'],
  )
})

t.test('a wrong AS is refused with 2/2 and the AS, and tried again less and less often', async (t) => {
  const { network, a, b } = pair()
  a.peers(meshPeer(a, b, { peerAsn: 65001 }))
  network.run(3 * SECOND)
  t.same(a.states(), ['Idle BGP Error: Bad peer AS'])
  t.match(b.states(), ['Idle Received: Bad peer AS'])
  t.match(notifications(a), [{ code: 2, subcode: 2, data: Uint8Array.of(0, 0, 0xfc, 0) }])
  const dials = (seconds: number) => {
    const before = a.dials.length
    network.run(seconds * SECOND)
    return a.dials.length - before
  }
  t.ok(dials(120) <= 6, 'waits 5, 10, 20 and 30 seconds')
})

t.test('a peer that lets nobody in after an error has said why before', async (t) => {
  const { network, a, b } = pair()
  a.peers(meshPeer(a, b, { peerAsn: 65001 }))
  network.run(3 * SECOND)
  b.step({ kind: 'peers', set: [], remove: [a.addresses[0]!] })
  const dials = a.dials.length
  network.run(60 * SECOND)
  t.ok(a.dials.length > dials, 'it is refused again')
  t.match(a.view(b), { lastError: 'BGP Error: Bad peer AS', advice: /correct asNumber/ })
  network.run(300 * SECOND)
  t.equal(a.view(b).lastError, 'Socket: Connection closed', 'errors are forgotten after five minutes')
})

t.test('equal router ids are refused within an AS, and legal across (RFC 6286)', async (t) => {
  const same = { routerId: address('10.9.9.9') }
  const inside = establishedPair(same)
  t.match(inside.a.states(), [/BGP Error: Bad BGP identifier|Received: Bad BGP identifier/])
  const { network, a, b } = pair()
  a.peers(meshPeer(a, b, { ...same, peerAsn: 65001 }))
  b.peers(meshPeer(b, a, { ...same, localAsn: 65001 }))
  network.run(10 * SECOND)
  t.same([a.states(), b.states()], [['Established'], ['Established']])
})

t.test('a configuration that says the same costs nothing, another restarts that session only', async (t) => {
  const { network, a, b } = establishedPair()
  const c = network.host(['10.0.0.3'])
  c.peers(meshPeer(c, a))
  a.peers(meshPeer(a, c))
  network.run(3 * SECOND)
  const before = c.view(a).since
  a.peers(meshPeer(a, b, { because: 'said otherwise', kind: 'node' }))
  t.same([a.view(b).state, a.view(b).because], ['Established', 'said otherwise'])
  a.peers(meshPeer(a, b, { families: ['ipv4', 'ipv6'] }))
  network.run(0.1 * SECOND)
  t.same(b.states(), ['Passive Received: Other configuration change'])
  t.equal(c.view(a).since, before)
  network.run(3 * SECOND)
  t.same(b.states(), ['Established'])
})

t.test('another router id or hold time makes the session anew, and no route is touched', async (t) => {
  const { network, a, b } = establishedPair()
  a.originate('10.244.1.0/26')
  b.originate('10.244.2.0/26')
  network.run(SECOND)
  for (const host of [a, b]) host.changes.length = 0
  a.peers(meshPeer(a, b, { routerId: address('192.0.2.1'), holdTime: 90 }))
  network.run(0.1 * SECOND)
  t.same(b.states(), ['Passive Socket: Connection closed'], 'without NOTIFICATION: b keeps our routes')
  network.run(3 * SECOND)
  t.same([a.states(), b.states()], [['Established'], ['Established']])
  t.same([a.changes, b.changes], [[], []])
  b.step({ kind: 'originate', set: [], withdraw: [prefix('10.244.2.0/26')] })
  network.run(SECOND)
  t.same(a.changes, ['-10.244.2.0/26'], 'a route kept is a route like any other')
})

t.test('other filters set right what was heard and told, and the session stays', async (t) => {
  const { network, a, b } = establishedPair()
  a.originate('10.244.1.0/26')
  b.originate('10.244.2.0/26')
  network.run(SECOND)
  const { since } = a.view(b)
  for (const host of [a, b]) host.changes.length = 0
  const rule = { because: 'no blocks', accept: false, conditions: [], operations: [] }
  const rules = { ipv4: [rule], ipv6: [] }
  a.peers(meshPeer(a, b, { filters: { import: rules, export: rules } }))
  network.run(SECOND)
  t.same([a.changes, b.changes], [['-10.244.2.0/26'], ['-10.244.1.0/26']])
  t.same(
    a.speaker.rib.paths(prefix('10.244.2.0/26')).map(({ lostBy }) => lostBy),
    ['no blocks'],
  )
  a.peers(meshPeer(a, b))
  network.run(SECOND)
  t.same([a.changes.at(-1), b.changes.at(-1)], ['10.244.2.0/26', '10.244.1.0/26'])
  t.same([a.view(b).state, a.view(b).since], ['Established', since])
})

t.test('a peer without graceful restart is told that its session begins anew', async (t) => {
  const { network, a, b } = strangers()
  b.peers(meshPeer(b, a))
  introduce(a, b)
  t.same(b.states(), ['Established'])
  b.peers(meshPeer(b, a, { holdTime: 90 }))
  network.run(SECOND)
  t.match(notifications(b), [{ code: 6, subcode: 6 }])
})

t.test('a reset ends the session, which begins anew; a soft one sends all again', async (t) => {
  const { network, a, b } = establishedPair()
  a.originate('10.244.1.0/26')
  network.run(SECOND)
  const before = b.sentTo.length
  const name = a.view(b).name
  const announced = () => a.sentTo.filter(({ kind }) => kind === 'update').length
  const sofar = announced()
  b.step({ kind: 'refresh-in', peer: b.view(a).name, family: 'ipv4' })
  network.run(SECOND)
  t.ok(announced() > sofar, 'asked for')
  const asked = announced()
  a.step({ kind: 'resend', peer: name, family: 'ipv4' })
  network.run(SECOND)
  t.ok(announced() > asked, 'sent')
  t.ok(b.sentTo.length > before)
  a.step({ kind: 'reset', peer: name })
  network.run(0.1 * SECOND)
  t.same(b.states(), ['Passive Received: Administrative reset ("reset by an operator of the node")'])
  network.run(5 * SECOND)
  t.same([a.states(), b.states()], [['Established'], ['Established']])
})

t.test('a path that has failed ends the session at once, and its routes with it', async (t) => {
  const { network, a, b } = establishedPair()
  b.originate('10.244.2.0/26')
  network.run(SECOND)
  t.equal(a.view(b).received, 1)
  a.step({ kind: 'path-down', peer: a.view(b).name })
  t.equal(a.view(b).received, 0, 'nothing is kept for a restart of the peer')
  t.equal(a.view(b).lastError, 'BGP Error: BFD down')
  t.match(a.view(b).advice, /^BFD missed too many packets in a row/)
  network.run(0.1 * SECOND)
  t.match(notifications(a), [{ code: 6, subcode: 9, data: Uint8Array.of(6, 10) }], 'in a Hard Reset')
  t.same(b.states(), ['Passive Received: BFD down'])
  network.run(5 * SECOND)
  t.same([a.states(), b.states()], [['Established'], ['Established']], 'and it comes up again')
})

t.test('a path that fails before there is a session is found out without being told', async (t) => {
  const { a, b } = pair()
  a.step({ kind: 'path-down', peer: a.view(b).name })
  t.same([a.view(b).state, a.view(b).lastError], ['Active', undefined])
})

t.test('to watch a path, or no longer, does not touch the session', async (t) => {
  const { network, a, b } = establishedPair()
  const { since } = a.view(b)
  const pathWatch = { intervalMs: 300, multiplier: 3, multihop: false }
  a.peers(meshPeer(a, b, { pathWatch }))
  a.peers(meshPeer(a, b))
  network.run(SECOND)
  t.same([a.view(b).state, a.view(b).since], ['Established', since])
})

t.test('connections of strangers are closed at once', async (t) => {
  const { a } = establishedPair()
  const stranger = a.accept(address('192.0.2.66'))
  t.ok(stranger.closed())
  t.same(a.states(), ['Established'])
})

t.test('garbage from a peer costs that connection, not the session', async (t) => {
  const { network, a, b } = establishedPair()
  const { since } = b.view(a)
  const garbage = b.accept(a.addresses[0]!)
  b.step({ kind: 'bytes', connection: garbage.connection, chunk: new Uint8Array(100).fill(0x47) })
  network.run(10 * SECOND)
  t.ok(garbage.closed())
  t.same([b.states(), b.view(a).since], [['Established'], since])
})

t.test('a connection that says nothing gives way to the next of the same peer', async (t) => {
  const { network, a, b } = pair()
  const silent = b.accept(a.addresses[0]!)
  t.same(b.states(), ['OpenSent'])
  network.run(3 * SECOND)
  t.ok(silent.closed())
  t.same([a.states(), b.states()], [['Established'], ['Established']])
})

t.test('when both dial, one session comes of it, whoever is first', async (t) => {
  for (const [there, back] of [[1, 1], [1, 20], [20, 1], [300, 10], [10, 300]] as const) // biome-ignore format: a pair each
    for (const head of [0, 5, 50, 400]) {
      const { network, a, b } = strangers()
      network.latency = (from) => (from === a.addresses[0] ? there : back)
      a.peers(meshPeer(a, b, { passive: false }))
      network.run(head)
      b.peers(meshPeer(b, a, { passive: false }))
      a.originate('10.244.1.0/26')
      network.run(30 * SECOND)
      const name = `${there} ms there, ${back} ms back, ${head} ms ahead`
      t.same(
        [a.states(), b.states(), prefixes(b)],
        [['Established'], ['Established'], ['10.244.1.0/26']],
        name,
      )
      const ups = a.notes.filter(({ message }) => message === 'session up').length
      t.ok(ups <= 2, `${name}: came up ${ups} times`)
      const settled = a.view(b).since
      network.run(600 * SECOND)
      t.equal(a.view(b).since, settled, `${name}: and stays`)
    }
})

t.test('a dial is put off when the peer connects, but only once', async (t) => {
  const { network, a, b } = strangers()
  a.listening = false
  b.peers(meshPeer(b, a, { passive: false }))
  network.run(1.7 * SECOND)
  b.accept(a.addresses[0]!)
  network.run(1.7 * SECOND)
  t.same(b.dials, [], 'the delay is 2 s, with jitter 0.5 it is 1.75 s')
  b.accept(a.addresses[0]!)
  network.run(0.1 * SECOND)
  t.same(b.dials, a.addresses)
})

t.test('once one connection has passed OPEN, no other is dialled', async (t) => {
  const { network, a, b } = strangers()
  a.peers(meshPeer(a, b, { passive: false }))
  network.run(SECOND)
  b.peers(meshPeer(b, a, { passive: false }))
  network.run(600 * SECOND)
  t.same([a.states(), b.states()], [['Established'], ['Established']])
  t.same([a.dials.length, b.dials.length], [1, 0])
})

t.test('a dial that comes through after all is closed before OPEN', async (t) => {
  const { network, a, b } = strangers()
  network.latency = (from, to) => (from === a.addresses[0] && to === b.addresses[0] ? 1 : 1000)
  b.peers(meshPeer(b, a, { passive: false }))
  network.run(900)
  a.peers(meshPeer(a, b, { passive: false }))
  network.run(100)
  b.accept(a.addresses[0]!) // its dial is put off, and so not again
  network.run(30 * SECOND)
  t.same([a.states(), b.states()], [['Established'], ['Established']])
  t.same([a.dials.length, b.dials.length], [1, 1])
  t.equal(b.sentTo.filter(({ kind }) => kind === 'open').length, 2, 'to each that came in')
})

t.test('a peer that dies and comes back with graceful restart is not noticed by the routes', async (t) => {
  const { network, a, b } = establishedPair()
  a.originate('10.244.1.0/26', '10.244.3.0/26')
  network.run(SECOND)
  b.changes.length = 0
  a.die()
  network.run(10 * SECOND)
  t.same(
    [b.states(), prefixes(b)],
    [['Passive Socket: Connection closed'], ['10.244.1.0/26', '10.244.3.0/26']],
  )
  t.match(b.view(a), { received: 2, stale: 2 })
  a.revive()
  a.peers(meshPeer(a, b))
  a.originate('10.244.1.0/26')
  network.run(10 * SECOND)
  t.same([b.states(), b.changes], [['Established'], []], 'until it has caught up, nothing is forgotten')
  t.match(b.view(a), { received: 2, stale: 1 })
  a.step({ kind: 'restarted' })
  network.run(SECOND)
  t.match(b.view(a), { received: 1, stale: 0 })
  t.same(b.changes, ['-10.244.3.0/26'], 'what it did not announce again goes with End-of-RIB')
})

t.test('a peer that has caught up before the first session is back is not noticed either', async (t) => {
  const { network, a, b } = establishedPair()
  a.originate('10.244.1.0/26')
  network.run(SECOND)
  b.changes.length = 0
  a.die()
  network.run(SECOND)
  a.revive()
  a.originate('10.244.1.0/26')
  a.step({ kind: 'restarted' })
  a.peers(meshPeer(a, b))
  network.run(10 * SECOND)
  t.same([b.states(), b.changes], [['Established'], []])
})

t.test('a peer that does not come back is forgotten after its restart time', async (t) => {
  const { network, a, b } = establishedPair()
  a.originate('10.244.1.0/26')
  network.run(SECOND)
  a.die()
  network.run(119 * SECOND)
  t.same(prefixes(b), ['10.244.1.0/26'])
  network.run(2 * SECOND)
  t.same(prefixes(b), [])
})

/** Speaks for a peer that cannot be reached any more once `gone`. */
function actor(network: Network, to: Host, of: string, ...capabilities: Capability[]) {
  const host = network.host([of])
  host.listening = false
  to.peers(meshPeer(to, host, { passive: true }))
  const connection = introduce(host, to, ...capabilities)
  const say = (update: Update) =>
    to.step({ kind: 'bytes', connection, chunk: encode(update, { ...initialCodec, peerType: 'internal' }) })
  return { say, gone: () => to.step({ kind: 'closed', connection }) }
}

const restarts = {
  code: 'graceful-restart',
  restarting: false,
  notification: false,
  restartTime: 120,
  families: [{ family: 'ipv4', forwarding: true }],
} as const
const patience = {
  code: 'long-lived-graceful-restart',
  families: [{ family: 'ipv4', forwarding: true, staleTime: 3600 }],
} as const

t.test(
  'a peer that asked for more patience is a last resort after its restart time (RFC 9494)',
  async (t) => {
    const network = new Network()
    const a = network.host(['10.0.0.1'])
    const away = actor(network, a, '10.0.0.2', restarts, patience)
    away.say(announcing(['10.1.0.0/26'], { localPref: 500 }))
    away.say(announcing(['10.2.0.0/26'], { localPref: 500, communities: [0xffff0007] }))
    away.gone()
    network.run(119 * SECOND)
    t.same(prefixes(a), ['10.1.0.0/26', '10.2.0.0/26'])
    network.run(2 * SECOND)
    t.match(
      a.best,
      new Map([[prefix('10.1.0.0/26'), { attributes: { communities: [0xffff0006] } }]]),
      'but for what is not to be kept that long',
    )
    const other = actor(network, a, '10.0.0.3')
    other.say(announcing(['10.1.0.0/26'], { localPref: 1 }))
    t.match(a.best, new Map([[prefix('10.1.0.0/26'), { peer: '10.0.0.3' }]]), 'anything else is better')
    other.say(withdrawing('10.1.0.0/26'))
    t.match(a.best, new Map([[prefix('10.1.0.0/26'), { peer: '10.0.0.2' }]]))
    network.run(3598 * SECOND)
    t.same(prefixes(a), ['10.1.0.0/26'])
    network.run(SECOND)
    t.same(prefixes(a), [])
  },
)

t.test('a peer that comes back from long away announces as if nothing had been', async (t) => {
  const network = new Network()
  const a = network.host(['10.0.0.1'])
  const away = actor(network, a, '10.0.0.2', restarts, patience)
  away.say(announcing(['10.1.0.0/26', '10.2.0.0/26']))
  away.gone()
  network.run(200 * SECOND)
  const back = actor(network, a, '10.0.0.2', restarts, patience)
  back.say(announcing(['10.1.0.0/26']))
  t.equal(a.best.get(prefix('10.1.0.0/26'))!.attributes.communities, undefined)
  t.same(prefixes(a), ['10.1.0.0/26', '10.2.0.0/26'])
  back.say(withdrawing())
  t.same(prefixes(a), ['10.1.0.0/26'], 'and End-of-RIB ends the rest')
})

t.test(
  'what a parting peer taught is a last resort for a while; neither end withdraws at once',
  async (t) => {
    const { network, a, b } = establishedPair()
    a.originate('10.244.1.0/26')
    b.originate('10.244.2.0/26')
    network.run(SECOND)
    for (const host of [a, b]) host.changes.length = 0
    b.step({ kind: 'peers', set: [], remove: [], part: [address('10.0.0.2')] })
    network.run(10 * SECOND)
    t.same([notifications(b), a.changes], [[], []], 'the other end has not heard of it yet')
    t.same(b.speaker.peers(), [])
    a.step({ kind: 'peers', set: [], remove: [], part: [address('10.0.0.1')] })
    network.run(100 * SECOND)
    t.same(
      [prefixes(a), prefixes(b)],
      [
        ['10.244.1.0/26', '10.244.2.0/26'],
        ['10.244.1.0/26', '10.244.2.0/26'],
      ],
    )
    t.ok(b.speaker.heardAll, 'nobody waits for those that have parted')
    network.run(30 * SECOND)
    t.same([prefixes(a), prefixes(b)], [['10.244.1.0/26'], ['10.244.2.0/26']])
  },
)

t.test('a peer that parts and is wanted again goes on with what it had', async (t) => {
  const { network, a, b } = establishedPair()
  a.originate('10.244.1.0/26')
  network.run(SECOND)
  b.step({ kind: 'peers', set: [], remove: [], part: [address('10.0.0.2')] })
  network.run(10 * SECOND)
  b.changes.length = 0
  b.peers(meshPeer(b, a))
  network.run(200 * SECOND)
  t.same([prefixes(b), b.changes.filter((of) => of.startsWith('-'))], [['10.244.1.0/26'], []])
  t.equal(b.best.get(prefix('10.244.1.0/26'))!.attributes.communities, undefined)
})

t.test('stopping sends no NOTIFICATION, so that peers keep our routes', async (t) => {
  const { network, a, b } = establishedPair()
  a.originate('10.244.1.0/26')
  network.run(SECOND)
  const actions = a.step({ kind: 'stop' })
  t.same([...new Set(actions.map(({ kind }) => kind))], ['close', 'disarm'])
  network.run(60 * SECOND)
  t.same([b.states(), prefixes(b)], [['Passive Socket: Connection closed'], ['10.244.1.0/26']])
  t.same(a.step({ kind: 'flush' }), [], 'and that was the end')
})

t.test(
  'a new connection of an Established peer with graceful restart takes the place of the old',
  async (t) => {
    const { network, a, b } = establishedPair()
    a.originate('10.244.1.0/26')
    network.run(SECOND)
    b.changes.length = 0
    network.cutOff.add(a.addresses[0]!)
    a.die()
    network.run(SECOND)
    network.cutOff.clear()
    t.same(b.states(), ['Established'], 'it died without a word')
    a.revive()
    a.originate('10.244.1.0/26')
    a.peers(meshPeer(a, b))
    network.run(5 * SECOND)
    a.step({ kind: 'restarted' })
    network.run(SECOND)
    t.same([a.states(), b.states(), b.changes], [['Established'], ['Established'], []])
  },
)

t.test('ROUTE-REFRESH is answered with all routes, between its borders, after End-of-RIB', async (t) => {
  const { network, a, b } = establishedPair()
  a.originate('10.244.1.0/26', '10.244.3.0/26')
  network.run(SECOND)
  a.sentTo.length = 0
  b.changes.length = 0
  b.step({ kind: 'refresh-in', peer: '10.0.0.2', family: 'ipv4' })
  network.run(SECOND)
  t.match(a.sentTo, [
    { kind: 'route-refresh', family: 'ipv4', subtype: 1 },
    { kind: 'update', nlri: [{ prefix: '10.244.1.0/26' }, { prefix: '10.244.3.0/26' }] },
    { kind: 'route-refresh', family: 'ipv4', subtype: 2 },
  ])
  t.same(b.changes, [], 'nobody else notices')
})

t.test('what a peer leaves out between the borders of a refresh is swept', async (t) => {
  const { network, a, b } = establishedPair()
  a.originate('10.244.1.0/26')
  network.run(SECOND)
  for (const subtype of [1, 2]) b.hear(a, { kind: 'route-refresh', family: 'ipv4', subtype })
  t.same(prefixes(b), [])
})

t.test('the first feed ends with End-of-RIB, with an empty table too', async (t) => {
  const { a } = establishedPair()
  t.same(
    a.sentTo.map(({ kind }) => kind),
    ['open', 'keepalive', 'update'],
  )
})

t.test('all is heard when every peer has sent End-of-RIB, and anew after a session was lost', async (t) => {
  const network = new Network()
  const a = network.host(['10.0.0.1'])
  const quick = network.host(['10.0.0.2'])
  const slow = network.host(['10.0.0.3'], { restarting: true })
  for (const peer of [quick, slow]) {
    a.peers(meshPeer(a, peer))
    peer.peers(meshPeer(peer, a))
  }
  network.run(3 * SECOND)
  t.same(a.states(), ['Established', 'Established'])
  t.notOk(a.speaker.heardAll)
  a.log.length = 0
  slow.step({ kind: 'restarted' })
  network.run(SECOND)
  t.ok(a.speaker.heardAll)
  t.ok(a.log.some(({ kind }) => kind === 'heard'))
  quick.die()
  network.run(SECOND)
  t.notOk(a.speaker.heardAll)
})

const endsTo = (host: Host, connection: ConnectionId): number =>
  host.log.filter(
    (action) =>
      action.kind === 'send' &&
      action.connection === connection &&
      Buffer.from(action.bytes).equals(encode(withdrawing(), initialCodec)),
  ).length

/** A reflector that comes back, its clients, and the node of another AS that it peers with. */
function reflector() {
  const network = new Network()
  const rr = network.host(['10.0.0.1'], { restarting: true })
  const reflects = { passive: true, reflector: { clusterId: address('1.0.0.1'), client: true } } as const
  const hosts = ['10.0.0.2', '10.0.0.3', '10.0.0.4'].map((of) => network.host([of]))
  for (const host of hosts) rr.peers(meshPeer(rr, host, reflects))
  return { network, rr, hosts: hosts as [Host, Host, Host] }
}

const helper = { code: 'graceful-restart', notification: false, restartTime: 120, families: [] } as const
const eor = encode(withdrawing(), initialCodec)

t.test(
  'a reflector tells a client that it has said all when it has heard all others (RFC 4724 §4.1)',
  async (t) => {
    const {
      network,
      rr,
      hosts: [steady, restarting, plain],
    } = reflector()
    rr.step({ kind: 'restarted' })
    const third = introduce(plain, rr)
    const one = introduce(steady, rr, { ...helper, restarting: false })
    const two = introduce(restarting, rr, { ...helper, restarting: true })
    const ends = (): number[] => [one, two, third].map((to) => endsTo(rr, to))
    network.run(SECOND)
    t.same(ends(), [0, 0, 0])
    rr.step({ kind: 'bytes', connection: two, chunk: eor })
    network.run(SECOND)
    t.same(ends(), [1, 0, 0], 'one that knows no graceful restart is not waited for')
    rr.step({ kind: 'bytes', connection: one, chunk: eor })
    network.run(SECOND)
    t.same(ends(), [1, 1, 1])
  },
)

t.test('End-of-RIB waits for what is our own, and for others until that has been long enough', async (t) => {
  const { network, rr, hosts } = reflector()
  const [one, two] = hosts.slice(0, 2).map((of) => introduce(of, rr, { ...helper, restarting: false }))
  const ends = (): number[] => [endsTo(rr, one!), endsTo(rr, two!)]
  for (const connection of [one!, two!]) rr.step({ kind: 'bytes', connection, chunk: eor })
  network.run(SECOND)
  t.same(ends(), [0, 0], 'not all is originated')
  rr.step({ kind: 'restarted' })
  network.run(SECOND)
  t.same(ends(), [0, 0], 'the third is still away')
  rr.step({ kind: 'heard-enough' })
  network.run(SECOND)
  t.same(ends(), [1, 1])
})

t.test('nodes of a mesh wait for nobody: they do not pass on what they hear of each other', async (t) => {
  const network = new Network()
  const a = network.host(['10.0.0.1'], { restarting: true })
  const [b, c] = [network.host(['10.0.0.2']), network.host(['10.0.0.3'])]
  for (const peer of [b, c]) a.peers(meshPeer(a, peer, { passive: true }))
  const connection = introduce(b, a, { ...helper, restarting: true })
  network.run(SECOND)
  t.equal(endsTo(a, connection), 0)
  a.step({ kind: 'restarted' })
  network.run(SECOND)
  t.equal(endsTo(a, connection), 1, 'though another has not come yet')
})

t.test(
  'a peer that dies again before it has said all is forgiven, for as long as the first time',
  async (t) => {
    const { network, a, b } = establishedPair()
    a.originate('10.244.1.0/26')
    network.run(SECOND)
    b.changes.length = 0
    for (let crash = 0; crash < 6; crash++) {
      a.die()
      network.run(SECOND)
      a.revive()
      a.peers(meshPeer(a, b))
      network.run(70 * SECOND)
      t.same([b.states(), b.changes], [['Established'], []])
    }
    a.die()
    network.run(119 * SECOND)
    t.same(b.changes, ['-10.244.1.0/26'], 'eight minutes: its restart time, and six to say all')
  },
)

t.test('OPEN says what we honour, and the Restart bit until we have caught up', async (t) => {
  const network = new Network()
  const a = network.host(['10.0.0.2'], { restarting: true })
  const b = network.host(['10.0.0.1'])
  a.peers(meshPeer(a, b))
  b.peers(meshPeer(b, a))
  network.run(3 * SECOND)
  const open = (host: Host) => host.sentTo.findLast(({ kind }) => kind === 'open') as Open
  t.same(open(a).capabilities, [
    { code: 'multiprotocol', family: 'ipv4' },
    { code: 'route-refresh' },
    {
      code: 'graceful-restart',
      restarting: true,
      notification: true,
      restartTime: 120,
      families: [{ family: 'ipv4', forwarding: true }],
    },
    { code: 'as4', asn: 64512 },
    { code: 'enhanced-route-refresh' },
    { code: 'long-lived-graceful-restart', families: [] },
  ])
  t.match(open(b).capabilities[2], { restarting: false, families: [{ forwarding: false }] })
})

t.test('a peer that does not read what it is sent is dropped after eight minutes (RFC 9687)', async (t) => {
  const { network, a, b } = establishedPair()
  const connection = a.connection(b)!
  a.step({ kind: 'blocked', connection })
  network.run(479 * SECOND)
  t.same(a.states(), ['Established'])
  a.step({ kind: 'drained', connection })
  network.run(60 * SECOND)
  t.same(a.states(), ['Established'])
  a.step({ kind: 'blocked', connection })
  network.run(481 * SECOND)
  t.match(notifications(a), [{ code: 8, subcode: 0 }])
  network.run(60 * SECOND)
  t.same([a.states(), b.states()], [['Established'], ['Established']], 'and has its next chance')
})

t.test('a message that has no place in the state ends the session with its own subcode', async (t) => {
  const { network, a, b } = establishedPair()
  const open = a.sentTo.find(({ kind }) => kind === 'open')!
  b.hear(a, open)
  t.match(notifications(b), [{ code: 5, subcode: 3 }])
  network.run(SECOND)
  t.match(a.states(), [/Received: Unexpected message in Established state/])
})

t.test('the same events give the same actions', async (t) => {
  const record = () => {
    const { network, a, b } = establishedPair()
    a.originate('10.244.1.0/26')
    network.run(200 * SECOND)
    return [a.log, b.log]
  }
  t.same(record(), record())
})

t.test('thirty nodes in full mesh all learn each block, by one session per pair', async (t) => {
  const network = new Network()
  const hosts = Array.from({ length: 30 }, (_, i) => network.host([`10.0.0.${i + 1}`]))
  let last = 1
  network.latency = () => {
    last = (last * 48271) % 0x7fffffff
    return 1 + (last % 40)
  }
  for (const [i, host] of hosts.entries()) {
    host.peers(...hosts.filter((other) => other !== host).map((other) => meshPeer(host, other)))
    host.originate(`10.244.${i}.0/26`)
  }
  network.run(10 * SECOND)
  for (const host of hosts) {
    t.same(new Set(host.states()), new Set(['Established']))
    t.equal(host.best.size, 30)
  }
  const dials = hosts.reduce((sum, host) => sum + host.dials.length, 0)
  t.equal(dials, (30 * 29) / 2)
})
