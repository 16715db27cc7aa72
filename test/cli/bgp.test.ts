import t from 'tap'
import type { PeerView } from '../../src/bgp/types.ts'
import { advertised, peer, peers, received, reset, routes } from '../../src/cli/bgp.ts'
import type { PathView, PeerAnswer } from '../../src/edge/control/api.ts'
import { address } from '../../src/inet/address.ts'
import { prefix } from '../../src/inet/prefix.ts'
import { golden } from './golden.ts'

const up: PeerView = {
  name: '172.20.0.12',
  kind: 'mesh',
  address: address('172.20.0.12'),
  port: 179,
  asn: 64512,
  families: ['ipv4'],
  state: 'Established',
  since: 0,
  lastError: undefined,
  agreed: ['hold time 90 s', 'route refresh'],
  received: 2,
  advertised: 1,
  stale: 0,
  limit: { prefixes: 1_000_000, warnPercent: 75 },
  faults: 0,
  because: 'node node-b, node-to-node mesh',
}
const down: PeerView = {
  ...up,
  name: '10.0.0.1',
  address: address('10.0.0.1'),
  asn: 65000,
  state: 'Active',
  lastError: 'Socket: Connection refused',
  agreed: [],
  advice: 'nothing listens at 10.0.0.1 port 179: start the speaker there, or correct address or port',
  received: 3,
  stale: 3,
  limit: { prefixes: 1000, warnPercent: 80, restartAfter: 300 },
  advertised: 0,
  because: 'BGPPeer tor',
}
const paths: PathView[] = [
  {
    prefix: prefix('172.18.0.64/26'),
    peer: '172.20.0.12',
    attributes: { nextHop: address('172.20.0.12'), localPref: 2147482623, asPath: [] },
  },
  {
    prefix: prefix('172.18.0.64/26'),
    peer: '10.0.0.1',
    attributes: {
      nextHop: address('10.0.0.1'),
      localPref: 100,
      asPath: [
        { type: 'sequence', asns: [65000, 65001] },
        { type: 'set', asns: [1, 2] },
      ],
      communities: [64512 * 65536 + 7],
      largeCommunities: ['1:2:3'],
    },
    lostBy: 'lower LOCAL_PREF',
  },
]

/** Times are shown in the zone of whoever asks. */
const zoneless = (text: string): string => text.replaceAll(/\d\d:\d\d:\d\d/g, 'HH:MM:SS')

t.test('what each command prints', async (t) => {
  golden(t, 'bgp-peers', zoneless(peers.text([up, down], 0)))
  golden(t, 'bgp-peer', zoneless(peer.text([down], 0)))
  const bfd = { intervalMs: 300, multiplier: 3, multihop: false }
  const watched: PeerAnswer[] = [
    { ...up, bfd: { ...bfd, state: 'Up' } },
    { ...down, bfd: { ...bfd, state: 'Down', multihop: true, trouble: 'control detection time expired' } },
  ]
  golden(t, 'bgp-peer-bfd', zoneless(peer.text(watched, 0)))
  golden(t, 'bgp-routes', routes.text(paths, 0))
  const [own, learned] = paths.map(({ prefix, attributes }) => ({ prefix, attributes }))
  const sent = [{ ...own!, because: 'block of this node' }, learned!]
  golden(t, 'bgp-advertised', advertised.text(sent, 0))
  t.same(
    [received.text([], 0), routes.text([], 0), peers.text([], 0)],
    ['Nothing.\n', 'No paths.\n', 'No peers.\n'],
  )
  t.equal(reset.text({ done: '10.0.0.1: ended' }, 0), '10.0.0.1: ended\n')
})

t.test('bad is a session that is not established, and a prefix that has no path', async (t) => {
  t.same([peers.good([up]), peers.good([up, down]), peer.good([down])], [true, false, false])
  t.same([routes.good(paths), routes.good([])], [true, false])
})

t.test('a session near its limit says so, and so does one that is held down', async (t) => {
  const warning = 'announces 80 of at most 100 IPv4 prefixes'
  t.match(peer.text([{ ...up, warning }], 0), /^warning: +announces 80 of at most 100 IPv4 prefixes$/m)
  const held = 'shut down by an operator: ticket 4711'
  t.match(
    peer.text([{ ...down, state: 'Idle', lastError: held, held }], 0),
    /^last error: shut down by an operator: ticket 4711$/m,
  )
})
