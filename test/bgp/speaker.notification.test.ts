// What becomes of routes when a session ends with a NOTIFICATION, with whole speakers in virtual time. RFC 8538.

import t from 'tap'
import { encode, initialCodec } from '../../src/bgp/wire/codec.ts'
import type { Message } from '../../src/bgp/wire/message.ts'
import { address } from '../../src/inet/address.ts'
import { type Host, meshPeer, Network } from '../kit/network.ts'
import { announcing } from '../kit/rib.ts'

const SECOND = 1000

const prefixes = (host: Host): string[] => [...host.best.keys()].sort()

/** Two nodes, each with a route of its own that the other has. `a` is who dials. */
function exchanged(restartTime = 120) {
  const network = new Network()
  const a = network.host(['10.0.0.2'])
  const b = network.host(['10.0.0.1'])
  a.peers(meshPeer(a, b, { holdTime: 90, restartTime }))
  b.peers(meshPeer(b, a, { holdTime: 90, restartTime }))
  a.originate('10.244.1.0/26')
  b.originate('10.244.2.0/26')
  network.run(5 * SECOND)
  for (const host of [a, b]) host.changes.length = 0
  return { network, a, b }
}

const unknownType = Uint8Array.of(...new Array(16).fill(0xff), 0, 19, 9)

t.test('an error in the protocol costs the session, and no route', async (t) => {
  const { network, a, b } = exchanged()
  a.step({ kind: 'bytes', connection: a.connection(b)!, chunk: unknownType })
  network.run(SECOND)
  t.same(
    [a.states(), b.states()],
    [['Idle BGP Error: Bad message type'], ['Idle Received: Bad message type']],
  )
  network.run(20 * SECOND)
  t.same([a.states(), b.states()], [['Established'], ['Established']])
  t.same([a.changes, b.changes], [[], []])
})

t.test('what was withdrawn meanwhile goes when the peer has said all it has', async (t) => {
  const { network, a, b } = exchanged()
  a.step({ kind: 'bytes', connection: a.connection(b)!, chunk: unknownType })
  b.step({
    kind: 'originate',
    set: [],
    withdraw: [...a.best.keys()].filter((one) => one === '10.244.2.0/26'),
  })
  network.run(20 * SECOND)
  t.same(a.changes, ['-10.244.2.0/26'])
})

t.test('a reset is a Hard Reset: neither end keeps anything', async (t) => {
  const { network, a, b } = exchanged()
  a.step({ kind: 'reset', peer: a.view(b).name, text: 'ticket 4711' })
  network.run(0.5 * SECOND)
  const last = a.sentTo.findLast(({ kind }) => kind === 'notification')
  t.match(last, { code: 6, subcode: 9, data: Uint8Array.of(6, 4, 11, ...Buffer.from('ticket 4711')) })
  t.same(b.states(), ['Passive Received: Administrative reset ("ticket 4711")'])
  t.same([prefixes(a).length, prefixes(b).length], [1, 1], 'but its own')
})

t.test('the routes of a peer that falls silent are a last resort, for the restart time', async (t) => {
  const { network, a, b } = exchanged(60)
  network.cutOff.add(b.addresses[0]!)
  network.run(92 * SECOND)
  t.equal(a.view(b).lastError, 'BGP Error: Hold timer expired')
  t.same(a.best.get(prefixes(a)[1] as never)?.attributes.communities, [0xffff0006])
  const other = network.host(['10.0.0.3'])
  other.peers(meshPeer(other, a))
  a.peers(meshPeer(a, other))
  other.originate('10.244.2.0/26')
  network.run(5 * SECOND)
  t.equal(a.best.get(prefixes(a)[1] as never)?.peer, '10.0.0.3', 'any other is better')
  network.run(60 * SECOND)
  t.equal(a.view(b).received, 0)
})

t.test('a peer that does not know of it loses its routes with any NOTIFICATION', async (t) => {
  for (const [notification, left] of [
    [true, 1],
    [false, 0],
  ] as const) /* biome-ignore format: a pair each */ {
    const network = new Network()
    const a = network.host(['10.0.0.1'])
    const b = network.host(['10.0.0.2'])
    a.peers(meshPeer(a, b, { passive: true }))
    const { connection } = a.accept(b.addresses[0]!)
    const say = (message: Message) =>
      a.step({
        kind: 'bytes',
        connection,
        chunk: encode(message, { ...initialCodec, peerType: 'internal' }),
      })
    const families = [{ family: 'ipv4', forwarding: true }] as const
    say({
      kind: 'open',
      asn: 64512,
      holdTime: 240,
      routerId: address('10.0.0.2'),
      capabilities: [
        { code: 'graceful-restart', restarting: false, notification, restartTime: 120, families },
      ],
    })
    say({ kind: 'keepalive' })
    say(announcing(['10.1.0.0/26']))
    t.equal(a.best.size, 1)
    say({ kind: 'notification', code: 6, subcode: 6, data: new Uint8Array() })
    t.equal(a.best.size, left)
  }
})

t.test('a session that is shut down tells the other end why, and stays down', async (t) => {
  const { network, a, b } = exchanged()
  const shutdown = 'rack 4 moves, ticket 4711'
  a.peers(meshPeer(a, b, { shutdown, held: `shut down by an operator: ${shutdown}` }))
  network.run(60 * SECOND)
  t.same(a.states(), [`Idle shut down by an operator: ${shutdown}`])
  t.same(b.states(), [`Passive Received: Administrative shutdown ("${shutdown}")`])
  t.equal(b.view(a).received, 0)
  a.peers(meshPeer(a, b))
  network.run(5 * SECOND)
  t.same([a.states(), b.states()], [['Established'], ['Established']])
})
