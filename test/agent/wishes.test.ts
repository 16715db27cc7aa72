// What is handed on to the speaker and to BFD.

import t from 'tap'
import { peersEvent, watchPaths } from '../../src/agent/wishes.ts'
import type { PeerConfig } from '../../src/bgp/types.ts'
import type { BfdTarget } from '../../src/edge/bfd/target.ts'
import { address } from '../../src/inet/address.ts'

const at = address('10.0.0.254')
const pathWatch = { intervalMs: 300, multiplier: 3, multihop: false }
const tor: PeerConfig = {
  name: at,
  kind: 'global',
  address: at,
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

/** What BFD is told when the peer at the address changes to each of these. */
function watched(...configs: readonly (PeerConfig | undefined)[]): [string, BfdTarget | undefined][] {
  const told: [string, BfdTarget | undefined][] = []
  for (const config of configs)
    watchPaths(
      peersEvent(new Map([[at, config]]), () => false),
      { want: (...wish) => told.push(wish) },
    )
  return told
}

t.test('the path to a peer that asks for it is watched, between the ends of its session', async (t) => {
  t.same(watched({ ...tor, pathWatch }), [
    [tor.name, { address: at, localAddress: address('10.0.0.1'), ...pathWatch }],
  ])
  const { localAddress: _, ...linkLocal } = { ...tor, address: address('fe80::1'), zone: 'eth0', pathWatch }
  t.same(watched(linkLocal), [[tor.name, { address: address('fe80::1'), zone: 'eth0', ...pathWatch }]])
})

t.test('no longer when it does not ask, must have no session, or is gone', async (t) => {
  t.same(watched(tor), [[tor.name, undefined]])
  t.same(watched({ ...tor, pathWatch, held: 'no password' }), [[tor.name, undefined]])
  t.same(watched({ ...tor, pathWatch }, undefined).at(-1), [tor.name, undefined])
})

t.test('a peer that is no longer wanted parts if it is a node still, else it goes', async (t) => {
  const gone = new Map([[at, undefined]])
  t.same(
    peersEvent(gone, () => true),
    { kind: 'peers', set: [], remove: [], part: [at] },
  )
  t.same(
    peersEvent(gone, () => false),
    { kind: 'peers', set: [], remove: [at], part: [] },
  )
  const told: unknown[] = []
  watchPaths(
    peersEvent(gone, () => true),
    { want: (...wish) => told.push(wish) },
  )
  t.same(told, [[at, undefined]], 'and its path is not watched')
})
