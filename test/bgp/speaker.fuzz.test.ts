// Whatever a peer sends: an answer, and never an error of ours.

import fc from 'fast-check'
import t from 'tap'
import { fuzz } from '../kit/fuzz.ts'
import { meshPeer, Network } from '../kit/network.ts'

const SECOND = 1000

/** Messages as they went over a session on which all kinds were sent. */
function traffic(): Uint8Array[] {
  const { network, a, b } = session()
  b.step({ kind: 'refresh-in', peer: '10.0.0.2', family: 'ipv4' })
  network.run(SECOND)
  a.peers(meshPeer(a, b, { holdTime: 90 })) // ends in a NOTIFICATION
  return a.log.flatMap((action) => (action.kind === 'send' ? [action.bytes] : []))
}

function session() {
  const network = new Network()
  const [a, b] = [network.host(['10.0.0.2']), network.host(['10.0.0.1'])]
  a.peers(meshPeer(a, b))
  b.peers(meshPeer(b, a))
  a.originate('10.244.1.0/26', '10.244.3.0/26')
  network.run(3 * SECOND)
  return { network, a, b }
}

const messages = traffic()

/** A message of which some octets, not of the marker, are others, and the length is right again. */
const damaged = fc
  .tuple(
    fc.constantFrom(...messages),
    fc.array(fc.tuple(fc.nat({ max: 120 }), fc.nat({ max: 255 })), { maxLength: 8 }),
    fc.uint8Array({ maxLength: 20 }),
  )
  .map(([message, changes, more]) => {
    const bytes = Uint8Array.from([...message, ...more])
    for (const [at, value] of changes) if (18 + at < bytes.length) bytes[18 + at] = value
    new DataView(bytes.buffer).setUint16(16, bytes.length)
    return bytes
  })

t.test('damaged messages and noise are answered, and other peers do not notice', async (t) => {
  const { network, a, b } = session()
  const c = network.host(['10.0.0.3'])
  b.peers(meshPeer(b, c))
  c.peers(meshPeer(c, b))
  network.run(3 * SECOND)
  const { since } = b.view(c)
  const anyChunk = fc.oneof(damaged, fc.uint8Array({ minLength: 1, maxLength: 300 }))
  fuzz(
    t,
    fc.property(fc.array(anyChunk, { minLength: 1, maxLength: 5 }), fc.boolean(), (chunks, early) => {
      network.run(60 * SECOND) // whatever the run before did, there is a session again
      const connection = early ? b.accept(a.addresses[0]!).connection : b.connection(a)!
      for (const chunk of chunks) b.step({ kind: 'bytes', connection, chunk })
    }),
  )
  network.run(60 * SECOND)
  t.same([b.view(c).state, b.view(c).since], ['Established', since])
  t.equal(b.view(a).state, 'Established')
})
