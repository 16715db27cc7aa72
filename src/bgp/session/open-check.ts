// What we say in OPEN, what we ask of the peer's, and what both come to.
// RFC 4271 §4.2 and §6.2, RFC 5492, RFC 6286, RFC 6793; errors are those of the IANA registry.

import { type Address, type Family, familyOf } from '../../inet/address.ts'
import type { PeerConfig } from '../types.ts'
import { initialCodec, type SessionCodec } from '../wire/codec.ts'
import { BgpError } from '../wire/errors.ts'
import { AFI, ERROR, OPEN_ERROR, SAFI_UNICAST } from '../wire/iana.ts'
import type { Capability, Open } from '../wire/message.ts'
import { isRoleMismatch, roleNumber } from './role.ts'

/** Code of the capability that names a family: RFC 4760 §8. */
const MULTIPROTOCOL = 1

/** What a session has come to, once both OPENs are known. */
export interface Negotiated {
  /** Seconds; 0 for never. */
  readonly holdTime: number
  /** The peer's BGP Identifier. */
  readonly routerId: Address
  readonly families: readonly Family[]
  readonly codec: SessionCodec
  /** Both can mark where an answer to ROUTE-REFRESH begins and ends (RFC 7313). */
  readonly enhancedRefresh: boolean
  readonly routeRefresh: boolean
  /** Routes of IPv4 may have IPv6 next hops (RFC 8950). */
  readonly extendedNextHop: boolean
  /** What the peer said of its restarts; undefined: it keeps to RFC 4271. */
  readonly gracefulRestart: GracefulRestart | undefined
  /** What it said of staying away for longer; undefined: it does not know of that, and not of paths marked so. */
  readonly longLived: LongLived | undefined
}

type GracefulRestart = Extract<Capability, { code: 'graceful-restart' }>
type LongLived = Extract<Capability, { code: 'long-lived-graceful-restart' }>

/** What was before this session. RFC 4724 §3. */
export interface Past {
  /** We ourselves restarted, and have not caught up yet. */
  readonly restarting: boolean
  /** Since the last session, if there was one, packets kept being forwarded. */
  readonly forwarding: boolean
}

/**
 * The capabilities we send, in the order BIRD does; each is honoured. Extended messages (6) are not for the mesh, whose
 * other nodes may run the BIRD of calico-node, which does not know them. ADD-PATH (69) is for those who ask for it, extended
 * next hop (5) for sessions over IPv6 that carry IPv4.
 * Long-lived graceful restart (71) names no family unless that is asked for: we do as much for others, but of a node that is
 * gone peers should not keep the routes (RFC 9494 §4.2).
 */
const CAPABILITIES: readonly ((peer: PeerConfig, past: Past) => readonly Capability[])[] = [
  ({ families }) => families.map((family) => ({ code: 'multiprotocol', family })),
  () => [{ code: 'route-refresh' }],
  ({ kind }) => (kind === 'mesh' ? [] : [{ code: 'extended-message' }]),
  (peer) =>
    mayUseOtherNextHops(peer)
      ? [{ code: 'extended-next-hop', tuples: [{ family: 'ipv4', nextHop: 'ipv6' }] }]
      : [],
  ({ role }) => (role ? [{ code: 'role', role: roleNumber(role.name) }] : []),
  ({ families, restartTime }, { restarting, forwarding }) => [
    {
      code: 'graceful-restart',
      restarting,
      notification: true,
      restartTime,
      families: families.map((family) => ({ family, forwarding })),
    },
  ],
  ({ localAsn }) => [{ code: 'as4', asn: localAsn }],
  ({ families, addPath: mode }) =>
    mode ? [{ code: 'add-path', families: families.map((family) => ({ family, mode })) }] : [],
  () => [{ code: 'enhanced-route-refresh' }],
  ({ families, longLivedTime: staleTime }, { forwarding }) => [
    {
      code: 'long-lived-graceful-restart',
      families: staleTime ? families.map((family) => ({ family, forwarding, staleTime })) : [],
    },
  ],
]

/** Our OPEN for a peer. */
export function openFor(peer: PeerConfig, past: Past): Open {
  return {
    kind: 'open',
    asn: peer.localAsn,
    holdTime: peer.holdTime,
    routerId: peer.routerId,
    capabilities: CAPABILITIES.flatMap((capability) => capability(peer, past)),
  }
}

interface Check {
  readonly subcode: number
  refuses(open: Open, peer: PeerConfig): boolean
  data?(open: Open, peer: PeerConfig): Uint8Array
}

/** In the order of RFC 4271 §6.2; the version is checked where the message is read. */
const CHECKS: readonly Check[] = [
  {
    subcode: OPEN_ERROR.badPeerAs,
    refuses: (open, peer) => open.asn !== peer.peerAsn,
    data: ({ asn }) => u32(asn),
  },
  { subcode: OPEN_ERROR.badIdentifier, refuses: ({ routerId }) => routerId === '0.0.0.0' },
  // RFC 6286 §2.1: unique within an AS only.
  {
    subcode: OPEN_ERROR.badIdentifier,
    refuses: (open, { routerId, localAsn }) => open.routerId === routerId && open.asn === localAsn,
  },
  { subcode: OPEN_ERROR.unacceptableHoldTime, refuses: ({ holdTime }) => holdTime === 1 || holdTime === 2 },
  { subcode: OPEN_ERROR.roleMismatch, refuses: isRoleMismatch },
  // RFC 5492 §5: a session without a family in common would carry nothing.
  {
    subcode: OPEN_ERROR.missingCapability,
    refuses: (open, peer) => commonFamilies(open, peer).length === 0,
    data: (_, { families }) => Uint8Array.from(families.flatMap(multiprotocolBytes)),
  },
]

/** What the session comes to. Throws the BgpError to answer an OPEN with that we cannot accept. */
export function checkOpen(open: Open, peer: PeerConfig): Negotiated {
  const failed = CHECKS.find((check) => check.refuses(open, peer))
  if (failed) throw new BgpError(ERROR.open, failed.subcode, failed.data?.(open, peer) ?? new Uint8Array())
  const families = commonFamilies(open, peer)
  const inFamilies = (test: (family: Family) => boolean) => ({
    ipv4: families.includes('ipv4') && test('ipv4'),
    ipv6: families.includes('ipv6') && test('ipv6'),
  })
  const has = (code: Capability['code']) => open.capabilities.some((capability) => capability.code === code)
  return {
    holdTime: Math.min(open.holdTime, peer.holdTime),
    routerId: open.routerId,
    families,
    codec: {
      ...initialCodec, // what we do not offer stays so
      peerType: peer.peerAsn === peer.localAsn ? 'internal' : 'external',
      as4: has('as4'),
      extendedMessages: peer.kind !== 'mesh' && has('extended-message'),
      addPathReceive: inFamilies((family) => offers(peer, 'receive') && theyOffer(open, family, 'send')),
      addPathSend: inFamilies((family) => offers(peer, 'send') && theyOffer(open, family, 'receive')),
    },
    routeRefresh: has('route-refresh'),
    extendedNextHop: families.includes('ipv4') && mayUseOtherNextHops(peer) && knowsOtherNextHops(open),
    enhancedRefresh: has('route-refresh') && has('enhanced-route-refresh'),
    gracefulRestart: open.capabilities.find((capability) => capability.code === 'graceful-restart'),
    longLived: open.capabilities.find((capability) => capability.code === 'long-lived-graceful-restart'),
  }
}

/** Whether we would do that with several paths to a destination (RFC 7911 §4). */
function offers({ addPath }: PeerConfig, what: 'send' | 'receive'): boolean {
  return addPath === what || addPath === 'both'
}

/** Whether the peer would. */
function theyOffer({ capabilities }: Open, family: Family, what: 'send' | 'receive'): boolean {
  return capabilities.some(
    (capability) =>
      capability.code === 'add-path' &&
      capability.families.some(({ family: of, mode }) => of === family && (mode === what || mode === 'both')),
  )
}

function mayUseOtherNextHops({ address, families }: PeerConfig): boolean {
  return familyOf(address) === 'ipv6' && families.includes('ipv4')
}

function knowsOtherNextHops({ capabilities }: Open): boolean {
  return capabilities.some(
    (capability) =>
      capability.code === 'extended-next-hop' &&
      capability.tuples.some(({ family, nextHop }) => family === 'ipv4' && nextHop === 'ipv6'),
  )
}

/** Ours that the peer has too. A peer that names none, of whatever kind, speaks IPv4 unicast (RFC 4760 §8). */
function commonFamilies({ capabilities }: Open, peer: PeerConfig): Family[] {
  const named = capabilities.flatMap((capability) => {
    if (capability.code === 'multiprotocol') return [capability.family]
    return capability.code === 'unknown' && capability.number === MULTIPROTOCOL ? ['other'] : []
  })
  const theirs = named.length === 0 ? ['ipv4'] : named
  return peer.families.filter((family) => theirs.includes(family))
}

/** The capability a peer lacks, as it would have had to send it: RFC 5492 §5. */
function multiprotocolBytes(family: Family): number[] {
  return [MULTIPROTOCOL, 4, 0, AFI[family], 0, SAFI_UNICAST]
}

function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, value)
  return bytes
}
