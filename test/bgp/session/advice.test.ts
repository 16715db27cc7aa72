import t from 'tap'
import { adviceIn, adviceOn } from '../../../src/bgp/session/advice.ts'
import {
  BFD_DOWN,
  type Failure,
  HOLD_TIMER_EXPIRED,
  RESTART,
  socketFailure,
} from '../../../src/bgp/session/failure.ts'
import type { State } from '../../../src/bgp/session/fsm.ts'
import type { PeerConfig } from '../../../src/bgp/types.ts'
import { address } from '../../../src/inet/address.ts'

const peer: PeerConfig = {
  name: address('10.0.0.2'),
  kind: 'global',
  address: address('10.0.0.2'),
  port: 179,
  localAddress: address('10.0.0.1'),
  families: ['ipv4'],
  localAsn: 64512,
  peerAsn: 65001,
  routerId: address('10.0.0.1'),
  passive: false,
  holdTime: 240,
  restartTime: 120,
  allowedLocalAsns: 0,
  because: 'BGPPeer tor',
}
const password = { name: 'bgp', key: 'tor', version: 1 }
const linkLocal = { address: address('fe80::1'), zone: 'eth7' }
const badAs: Failure = { by: 'us', code: 2, subcode: 2, data: Uint8Array.of(0, 0, 0xfd, 0xf3) }

const cases: readonly [Failure, State, Partial<PeerConfig>, RegExp | undefined][] = [
  [socketFailure('Connection refused'), 'Connect', {}, /^nothing listens at 10\.0\.0\.2 port 179: /],
  [socketFailure('Connection timed out'), 'Connect', {}, /firewalls; whether the peer asks for a password$/],
  [socketFailure('Connection timed out'), 'Connect', { password }, /whether both sides have the same/],
  [
    socketFailure('Connection timed out'),
    'Connect',
    { ttlSecurity: 2 },
    /at most 2 hops away and sends with TTL 255/,
  ],
  [socketFailure('Connection reset by peer'), 'OpenSent', {}, /has 10\.0\.0\.1 as a neighbor/],
  [
    socketFailure(),
    'OpenSent',
    { localAddress: undefined! },
    /has the address we connect from as a neighbor/,
  ],
  [socketFailure(), 'Established', {}, undefined],
  [socketFailure('Invalid argument'), 'Connect', linkLocal, /there is an interface eth7/],
  [socketFailure('No route to host'), 'Connect', linkLocal, /answers for fe80::1%eth7/],
  [socketFailure('something new'), 'Connect', {}, undefined],
  [badAs, 'OpenSent', {}, /the peer is in AS 65011, and 65001 was configured/],
  [{ by: 'peer', code: 2, subcode: 2 }, 'OpenSent', {}, /does not expect AS 64512/],
  [{ by: 'peer', code: 6, subcode: 3 }, 'Established', {}, /no longer has this session/],
  [
    { by: 'peer', code: 6, subcode: 7 },
    'OpenConfirm',
    {},
    /a session with 10\.0\.0\.1 already: stop the other/,
  ],
  [BFD_DOWN, 'Established', {}, /^BFD missed too many/],
  [{ by: 'peer', code: 6, subcode: 10 }, 'Established', {}, /^BFD missed too many/],
  [{ by: 'peer', code: 6, subcode: 6 }, 'Established', {}, undefined],
  [HOLD_TIMER_EXPIRED, 'OpenSent', {}, /set ttlSecurity$/],
  [HOLD_TIMER_EXPIRED, 'OpenConfirm', { ttlSecurity: 1 }, /at most 1 hop away and has ttlSecurity too/],
  [HOLD_TIMER_EXPIRED, 'Established', {}, /was up.*whether 10\.0\.0\.2 still runs/],
  [RESTART, 'Established', {}, undefined],
]

t.test('each failure has the advice that fits its peer, or none', async (t) => {
  for (const [failure, from, over, expected] of cases) {
    const advice = adviceOn(failure, from, { ...peer, ...over })
    const name = `${JSON.stringify(failure)} in ${from}`
    if (expected) t.match(advice, expected, name)
    else t.equal(advice, undefined, name)
  }
})

t.test('a session that is stuck has one, and one that is on its way has none', async (t) => {
  t.match(adviceIn('Passive', peer), /the peer is the one who connects.*10\.0\.0\.1/)
  t.match(adviceIn('OpenSent', peer), /connected, but nothing comes through/)
  for (const state of ['Idle', 'Active', 'Connect', 'Established'] as const)
    t.equal(adviceIn(state, peer), undefined)
})
