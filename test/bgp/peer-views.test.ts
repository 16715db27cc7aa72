// What each setting of a peer costs when it changes under a session that is up: with whole speakers, in virtual time.

import t from 'tap'
import type { PeerConfig } from '../../src/bgp/types.ts'
import { address } from '../../src/inet/address.ts'
import { type Host, meshPeer, Network } from '../kit/network.ts'

const SECOND = 1000

/** `stays`: the same session. `anew`: another session, and no route is touched. `gone`: what was heard goes with it. */
type Outcome = 'stays' | 'anew' | 'gone'

const rule = { because: 'all', accept: true, conditions: [], operations: [] }
const rules = { ipv4: [rule], ipv6: [] }

/** As a user calls it, what the plan makes of it, and what becomes of session and routes. */
const rows: readonly [setting: string, change: Partial<PeerConfig>, becomes: Outcome][] = [
  ['another BGPPeer for the same peer', { kind: 'global', because: 'BGPPeer tor' }, 'stays'],
  ['reachableBy', { reachableBy: address('10.0.0.254') }, 'stays'],
  ['BFD', { pathWatch: { intervalMs: 300, multiplier: 3, multihop: false } }, 'stays'],
  ['filters', { filters: { import: rules, export: rules } }, 'stays'],
  ['numAllowedLocalASNumbers', { allowedLocalAsns: 1 }, 'stays'],
  ['nextHopMode', { nextHopMode: 'self' }, 'stays'],
  ['routeReflectorClusterID', { reflector: { clusterId: address('244.0.0.1'), client: true } }, 'stays'],
  ['who is to dial', { passive: true }, 'stays'],
  ['keepaliveTime', { keepaliveTime: 20 }, 'anew'],
  ['maxRestartTime', { restartTime: 300 }, 'anew'],
  ['ttlSecurity', { ttlSecurity: 1 }, 'anew'],
  ['password', { password: { name: 'bgp', key: 'tor', version: 1 } }, 'anew'],
  ['listenPort of the peer', { port: 1790 }, 'anew'],
  ['sourceAddress: None', { localAddress: undefined! }, 'anew'],
  ['ADD-PATH', { addPath: 'both' }, 'anew'],
  ['the router ID of this node', { routerId: address('192.0.2.1') }, 'anew'],
  ['asNumber of the peer', { peerAsn: 65001 }, 'gone'],
  ['asNumber of this node', { localAsn: 65001 }, 'gone'],
]

/** Two nodes with a session, a route each way, and nothing noted yet. */
function establishedPair(): { network: Network; a: Host; b: Host } {
  const network = new Network()
  const a = network.host(['10.0.0.2'])
  const b = network.host(['10.0.0.1'])
  a.peers(meshPeer(a, b))
  b.peers(meshPeer(b, a))
  a.originate('10.244.1.0/26')
  b.originate('10.244.2.0/26')
  network.run(5 * SECOND)
  for (const host of [a, b]) host.changes.length = 0
  return { network, a, b }
}

for (const [setting, change, becomes] of rows) {
  t.test(`${setting}: the session and its routes, ${becomes}`, async (t) => {
    const { network, a, b } = establishedPair()
    const before = a.view(b)
    t.match(before, { state: 'Established', received: 1 })
    a.peers(meshPeer(a, b, change))
    network.run(10 * SECOND)
    const after = a.view(b)
    const routes = [a.changes, b.changes]
    if (becomes === 'gone') t.strictSame(a.changes, ['-10.244.2.0/26'])
    else {
      t.strictSame(routes, [[], []], 'no route was touched on either side')
      t.match(after, { state: 'Established', received: 1 })
      t.equal(after.since === before.since, becomes === 'stays')
    }
  })
}

t.test('a setting that is written again as it is costs nothing', async (t) => {
  const change = Object.assign(
    {},
    ...rows.filter(([, , becomes]) => becomes !== 'gone').map(([, one]) => one),
  )
  const { network, a, b } = establishedPair()
  a.peers(meshPeer(a, b, { ...change, passive: false }))
  network.run(10 * SECOND)
  const { since } = a.view(b)
  t.strictSame(a.peers(meshPeer(a, b, { ...change, passive: false })), [])
  t.equal(a.view(b).since, since)
})
