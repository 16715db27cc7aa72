// What a peer is to others: to its own past, to the tables, and to people.

import type { Family } from '../inet/address.ts'
import { DEFAULT_LIMIT, holdingText, isNear } from './limits.ts'
import type { Holding } from './rib/adj-rib-in.ts'
import type { Rib, RibPeer } from './rib/rib.ts'
import type { Negotiated } from './session/open-check.ts'
import type { Peer } from './session/peer.ts'
import type { PeerConfig, PeerView, PrefixLimit } from './types.ts'

/**
 * What a change of a field costs, cheapest first: nobody notices; what was heard and told is set right; the session
 * begins anew, but the routes of the one are good under the other too; the routes go with the session.
 */
const COSTS = ['nothing', 'policy', 'session', 'routes'] as const

export type Cost = (typeof COSTS)[number]

const COST_OF: { readonly [K in keyof PeerConfig]-?: Cost } = {
  name: 'routes',
  kind: 'nothing',
  address: 'routes',
  zone: 'routes',
  otherAddresses: 'policy',
  port: 'session',
  localAddress: 'session',
  password: 'session',
  ttlSecurity: 'session',
  held: 'session',
  shutdown: 'session',
  prefixLimit: 'policy',
  role: 'session',
  longLivedTime: 'session',
  gracefulShutdown: 'policy',
  families: 'routes',
  localAsn: 'routes',
  peerAsn: 'routes',
  routerId: 'session',
  passive: 'nothing', // counts when there is no session
  holdTime: 'session',
  keepaliveTime: 'session',
  restartTime: 'session',
  allowedLocalAsns: 'policy',
  reachableBy: 'nothing',
  nextHopMode: 'policy',
  reflector: 'policy',
  filters: 'policy',
  pathWatch: 'nothing',
  addPath: 'session',
  because: 'nothing',
}

/** What it costs to go from one configuration to another. */
export function costOf(from: PeerConfig, to: PeerConfig): Cost {
  const fields = Object.keys(COST_OF) as (keyof PeerConfig)[]
  const changed = fields.filter((field) => JSON.stringify(from[field]) !== JSON.stringify(to[field]))
  return COSTS[Math.max(0, ...changed.map((field) => COSTS.indexOf(COST_OF[field])))]!
}

/** A peer whose session is Established, as the tables want it. */
export function ribPeer(
  { config, local }: Peer,
  { families, routerId, codec, longLived, extendedNextHop }: Negotiated,
): RibPeer {
  const { name, address, peerAsn, localAsn, allowedLocalAsns } = config
  const { nextHopMode, reflector, filters, gracefulShutdown, role } = config
  return {
    name,
    type: peerAsn === localAsn ? 'internal' : 'external',
    address,
    routerId,
    localRouterId: config.routerId,
    asn: peerAsn,
    localAsn,
    localAddress: config.localAddress ?? local!,
    families,
    allowedLocalAsns,
    longLived: longLived !== undefined,
    ...(nextHopMode && { nextHopMode }),
    ...(reflector && { reflector }),
    ...(filters && { filters }),
    ...(config.otherAddresses && { otherAddresses: config.otherAddresses }),
    ...(extendedNextHop && { extendedNextHop }),
    ...(gracefulShutdown && { gracefulShutdown }),
    ...(role && { role: role.name }),
    addPathSend: codec.addPathSend,
    encoding: JSON.stringify(codec),
  }
}

/** A peer as `agent status` shows it. */
export function peerView(peer: Peer, rib: Rib): PeerView {
  const { config, state, advice, faults } = peer
  const { since, reason: lastError } = peer.diagnosis
  const { name, kind, address, port, peerAsn: asn, families, because, held } = config
  const { prefixLimit: limit = DEFAULT_LIMIT } = config
  const holdings = families.map((family) => ({ family, holding: rib.holding(name, family) }))
  const counts = { received: rib.received(name), stale: staleIn(holdings), advertised: rib.advertised(name) }
  const described = { name, kind, address, port, asn, families, because }
  const agreed = peer.negotiated ? agreedOn(peer.negotiated) : []
  const near = peer.negotiated ? nearLimits(holdings, limit) : []
  const wrong = { lastError, ...(advice && { advice }), ...(held !== undefined && { held }) }
  const noted = { agreed, ...(near.length > 0 && { warning: `announces ${near.join(' and ')}` }) }
  return { ...described, state, since, ...wrong, ...noted, ...counts, limit, faults }
}

/** What there is of a peer. */
type Holdings = readonly { readonly family: Family; readonly holding: Holding }[]

function staleIn(holdings: Holdings): number {
  return holdings.reduce((sum, { holding }) => sum + holding.held - holding.fresh, 0)
}

function nearLimits(holdings: Holdings, limit: PrefixLimit): string[] {
  return holdings
    .filter(({ holding }) => isNear(holding, limit))
    .map(({ family, holding }) => holdingText(family, holding, limit))
}

/** What both ends of a session know, as people say it. */
const AGREED: readonly (readonly [words: (said: Negotiated) => string, is: (said: Negotiated) => boolean])[] =
  [
    [({ holdTime }) => `hold time ${holdTime} s`, () => true],
    [() => 'route refresh', ({ routeRefresh }) => routeRefresh],
    [() => 'enhanced route refresh', ({ enhancedRefresh }) => enhancedRefresh],
    [
      ({ gracefulRestart }) => `graceful restart within ${gracefulRestart!.restartTime} s`,
      ({ gracefulRestart }) => (gracefulRestart?.families.length ?? 0) > 0,
    ],
    [
      () => 'graceful restart after NOTIFICATION',
      ({ gracefulRestart }) => gracefulRestart?.notification === true,
    ],
    [() => 'four-octet AS numbers', ({ codec }) => codec.as4],
    [() => 'IPv6 next hops of IPv4', ({ extendedNextHop }) => extendedNextHop],
    [() => 'extended messages', ({ codec }) => codec.extendedMessages],
    [() => 'several paths from it', ({ codec }) => Object.values(codec.addPathReceive).includes(true)],
    [() => 'several paths to it', ({ codec }) => Object.values(codec.addPathSend).includes(true)],
  ]

function agreedOn(negotiated: Negotiated): string[] {
  return AGREED.filter(([, is]) => is(negotiated)).map(([words]) => words(negotiated))
}
