import t from 'tap'
import { resetOf } from '../../src/agent/resets.ts'
import type { PeerView } from '../../src/bgp/types.ts'
import { QuestionError } from '../../src/edge/control/api.ts'
import { address } from '../../src/inet/address.ts'

const up: PeerView = {
  name: '10.0.0.1',
  kind: 'global',
  address: address('10.0.0.1'),
  port: 179,
  asn: 65000,
  families: ['ipv4', 'ipv6'],
  state: 'Established',
  since: 0,
  lastError: undefined,
  agreed: ['route refresh'],
  received: 0,
  advertised: 0,
  stale: 0,
  limit: { prefixes: 1_000_000, warnPercent: 75 },
  faults: 0,
  because: 'BGPPeer tor',
}
const down: PeerView = { ...up, state: 'Idle', agreed: [] }

function refusal(peer: PeerView, how: string, message?: string): string {
  try {
    return `done: ${resetOf(peer, { how, message }).done}`
  } catch (error) {
    if (!(error instanceof QuestionError)) throw error
    return error.message
  }
}

t.test('a hard reset says why to the other end, and ends the wait of a peer that is down', async (t) => {
  t.same(resetOf(up, { how: 'hard', message: 'ticket 4711' }), {
    done: '10.0.0.1: ended, to begin anew',
    events: [{ kind: 'reset', peer: '10.0.0.1', text: 'ticket 4711' }],
  })
  t.same(resetOf(down, { how: 'hard' }).events, [{ kind: 'reset', peer: '10.0.0.1' }])
})

t.test('a soft one has each family sent again', async (t) => {
  t.same(resetOf(up, { how: 'in' }).events, [
    { kind: 'refresh-in', peer: '10.0.0.1', family: 'ipv4' },
    { kind: 'refresh-in', peer: '10.0.0.1', family: 'ipv6' },
  ])
  t.same(
    resetOf(up, { how: 'out' }).events.map(({ kind }) => kind),
    ['resend', 'resend'],
  )
})

t.test('what cannot be done is refused, with what can', async (t) => {
  t.equal(refusal(up, 'gently'), 'gently is no way to reset a peer; there are hard, in, out')
  t.equal(refusal(up, 'constructor'), 'constructor is no way to reset a peer; there are hard, in, out')
  t.equal(refusal(down, 'in'), 'there is no session with 10.0.0.1: it is Idle')
  t.match(refusal({ ...up, agreed: [] }, 'in'), /does not know route refresh; a reset without --soft/)
  t.match(refusal(up, 'out', 'tea'), /leave out --soft/)
  t.match(refusal({ ...down, held: 'BGPFilter x does not exist' }, 'hard'), /BGPFilter x does not exist/)
  t.match(refusal(up, 'hard', 'ä'.repeat(128)), /255 octets \(RFC 9003\), this one has 256/)
})
