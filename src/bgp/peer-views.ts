// What a peer is to others: to its own past, to the tables, and to people.

import type { Rib, RibPeer } from './rib/rib.ts'
import type { Negotiated } from './session/open-check.ts'
import type { Peer } from './session/peer.ts'
import type { PeerConfig, PeerView } from './types.ts'

/** Fields that are words for people; no session notices their change. */
const WORDS: readonly (keyof PeerConfig)[] = ['because', 'kind']

/** Fields that shape how a session is made, and not what the two tell each other over it. */
const TRANSPORT: readonly (keyof PeerConfig)[] = [
  'port',
  'localAddress',
  'routerId',
  'passive',
  'holdTime',
  'keepaliveTime',
  'restartTime',
]

/** True when two configurations make the same session, so that a change of the rest costs nobody anything. */
export function sameSession(a: PeerConfig, b: PeerConfig): boolean {
  return sameBut(WORDS, a, b)
}

/** True when the routes of the one session are good under the other too, so that nobody has to do without them. */
export function sameRoutes(a: PeerConfig, b: PeerConfig): boolean {
  return sameBut([...WORDS, ...TRANSPORT], a, b)
}

function sameBut(ignored: readonly (keyof PeerConfig)[], a: PeerConfig, b: PeerConfig): boolean {
  const fields = Object.keys({ ...a, ...b }) as (keyof PeerConfig)[]
  return fields.every(
    (field) => ignored.includes(field) || JSON.stringify(a[field]) === JSON.stringify(b[field]),
  )
}

/** A peer whose session is Established, as the tables want it. */
export function ribPeer(config: PeerConfig, { families, routerId, codec }: Negotiated): RibPeer {
  const { name, address, peerAsn, localAsn, localAddress, allowedLocalAsns } = config
  return {
    name,
    type: peerAsn === localAsn ? 'internal' : 'external',
    address,
    routerId,
    localRouterId: config.routerId,
    asn: peerAsn,
    localAsn,
    localAddress,
    families,
    allowedLocalAsns,
    encoding: JSON.stringify(codec),
  }
}

/** A peer as `agent status` shows it. */
export function peerView({ config, state, since, lastError, faults }: Peer, rib: Rib): PeerView {
  const { name, kind, address, port, peerAsn: asn, families, because } = config
  const [received, advertised] = [rib.received(name), rib.advertised(name)]
  const described = { name, kind, address, port, asn, families, because }
  return { ...described, state, since, lastError, received, advertised, faults }
}
