// What a person may do about a session that does not come up. RFCs name errors; here is what mostly lies behind them.
//
// Two failures say nothing of themselves, since the kernels on both sides drop without a word: a password that only one
// side has or that differs (RFC 2385 §2), and a TTL that is too low (RFC 5082 §3). A refusal is not signed, so with a
// password it is not believed either, and looks the same.

import { scoped } from '../../inet/address.ts'
import type { PeerConfig, SessionState } from '../types.ts'
import { ERROR, OPEN_ERROR } from '../wire/iana.ts'
import { type Failure, HOLD_TIMER_EXPIRED } from './failure.ts'
import type { State } from './fsm.ts'
import { counterpart } from './role.ts'

/** An advice as it is, or made for a peer. `data` is what came with a NOTIFICATION of ours. */
type Advice = (peer: PeerConfig, data: Uint8Array | undefined) => string

/** By the words of the C library. */
const SOCKET: Readonly<Record<string, Advice>> = {
  'Connection refused': (peer) =>
    `nothing listens at ${there(peer)}: start the speaker there, or correct address or port`,
  'Connection timed out': silence,
  'Connection closed': unwelcome,
  'Connection reset by peer': unwelcome,
  'Broken pipe': unwelcome,
  'No route to host': (peer) =>
    `nobody on the link answers for ${at(peer)}, or a firewall refuses: check address, cable and firewall`,
  'Host is down': (peer) => `nobody on the link answers for ${at(peer)}: check address and cable`,
  'Network is unreachable': (peer) => `this node has no route to ${at(peer)}: add one`,
  'Cannot assign requested address': ({ localAddress }) =>
    `no interface has ${localAddress}: correct the address of this node, or set sourceAddress: None`,
  'Invalid argument': ({ zone }) =>
    zone === undefined ? 'check the address of the peer' : `check that there is an interface ${zone}`,
}

/** By who complained, code and subcode. */
const NOTIFIED: Readonly<Record<string, Advice>> = {
  [key('us', ERROR.open, OPEN_ERROR.badPeerAs)]: ({ peerAsn }, data) =>
    `the peer is in AS ${data ? new DataView(data.buffer, data.byteOffset).getUint32(0) : 'another'}, and ${peerAsn} was configured: correct asNumber`,
  [key('peer', ERROR.open, OPEN_ERROR.badPeerAs)]: ({ localAsn }) =>
    `the peer does not expect AS ${localAsn} of us: correct one of the two`,
  [key('us', ERROR.open, OPEN_ERROR.badIdentifier)]: sameRouterId,
  [key('peer', ERROR.open, OPEN_ERROR.badIdentifier)]: sameRouterId,
  [key('us', ERROR.open, OPEN_ERROR.roleMismatch)]: otherRole,
  [key('peer', ERROR.open, OPEN_ERROR.roleMismatch)]: otherRole,
  [key('us', ERROR.open, OPEN_ERROR.missingCapability)]: ({ families }) =>
    `the peer does not speak ${families.join(' and ')} on this session: enable it there`,
  [key('peer', 6, 3)]: () =>
    'the peer no longer has this session configured: add it there, or remove it here',
  [key('peer', 6, 2)]: () => 'the peer was told to stay down: enable the session there',
  [key('peer', 6, 1)]: () => 'the peer takes no more prefixes: raise its limit, or announce fewer',
  [key('us', 6, 1)]: fewer,
  [key('us', 6, 8)]: () =>
    'the path attributes it sends need more memory than one peer may have: filter there, then reset',
  [key('us', 6, 10)]: lossy,
  [key('peer', 6, 10)]: lossy,
  [key('peer', 6, 7)]: otherSpeaker,
  [key('peer', 6, 5)]: () => 'the peer does not want this connection: add this node as a neighbor there',
}

/** By the state a session is stuck in. */
const STUCK: Readonly<Partial<Record<SessionState, Advice>>> = {
  Passive: (peer) =>
    `the peer is the one who connects: look there for why it does not, and at what it finds at ${ours(peer)}`,
  OpenSent: (peer) => `connected, but nothing comes through: ${deaf(peer)}`,
  OpenConfirm: (peer) => `connected, but nothing comes through: ${deaf(peer)}`,
}

/** What to do about a failure in a state, where there is a guess. Of a session that was up, only what was said counts. */
export function adviceOn(failure: Failure, from: State, peer: PeerConfig): string | undefined {
  if (failure.by === 'restart') return undefined
  if (failure.by === 'socket')
    return from === 'Established' ? undefined : SOCKET[failure.reason]?.(peer, undefined)
  if (failure === HOLD_TIMER_EXPIRED) return from === 'Established' ? fellSilent(peer) : adviceIn(from, peer)
  const data = failure.by === 'us' ? failure.data : undefined
  return NOTIFIED[key(failure.by, failure.code, failure.subcode)]?.(peer, data)
}

/** What to do about a session that stays in a state. */
export function adviceIn(state: SessionState, peer: PeerConfig): string | undefined {
  return STUCK[state]?.(peer, undefined)
}

function silence(peer: PeerConfig): string {
  const causes = [
    `nobody answers at ${there(peer)}: check address, route and firewalls`,
    peer.password && 'with a password: whether both sides have the same, and whether anything listens there',
    peer.ttlSecurity && `with ttlSecurity: whether the peer is ${hops(peer)} away and sends with TTL 255`,
    !peer.password && 'whether the peer asks for a password',
  ]
  return causes.filter(Boolean).join('; ')
}

function unwelcome(peer: PeerConfig): string {
  return `the peer ends the connection at once: check that it has ${ours(peer)} as a neighbor, and as no other's; and that no other speaker here is connected to it`
}

function otherSpeaker(peer: PeerConfig): string {
  return `the peer has a session with ${ours(peer)} already: stop the other speaker on this node, or whoever has its address`
}

function fellSilent(peer: PeerConfig): string {
  return `the session was up, and then nothing came any more: check whether ${at(peer)} still runs, and the way there`
}

/** Packets get there, but are dropped before anybody reads them. */
function deaf(peer: PeerConfig): string {
  return peer.ttlSecurity
    ? `check that the peer is ${hops(peer)} away and has ttlSecurity too`
    : 'if the peer demands a TTL of 255 (GTSM, TTL security), set ttlSecurity'
}

function lossy(): string {
  return 'BFD missed too many packets in a row: look at the link and the router, or allow for a longer silence'
}

function otherRole({ role }: PeerConfig): string {
  if (!role) return 'the peer wants to be told a role (RFC 9234): set caracal.io/role on its BGPPeer'
  return `this node is ${role.name} here (caracal.io/role), so the peer has to be ${counterpart(role.name)}: correct one of the two`
}

function fewer(peer: PeerConfig): string {
  const { restartAfter } = peer.prefixLimit ?? {}
  const then = restartAfter === undefined ? '' : `; tried again by itself after ${restartAfter} s`
  const where = peer.kind === 'mesh' ? 'BGPConfiguration/default' : 'its BGPPeer'
  return `have ${at(peer)} announce fewer, or allow more by caracal.io/max-prefixes of ${where}; then agent bgp reset ${at(peer)}${then}`
}

function sameRouterId({ routerId }: PeerConfig): string {
  return `both sides have the BGP identifier ${routerId}, or one has none: give each its own (CALICO_ROUTER_ID)`
}

function hops({ ttlSecurity = 0 }: PeerConfig): string {
  return ttlSecurity === 1 ? 'at most 1 hop' : `at most ${ttlSecurity} hops`
}

function at({ address, zone }: PeerConfig): string {
  return scoped(address, zone)
}

function there(peer: PeerConfig): string {
  return `${at(peer)} port ${peer.port}`
}

function ours({ localAddress }: PeerConfig): string {
  return localAddress ?? 'the address we connect from'
}

function key(by: 'us' | 'peer', code: number, subcode: number): string {
  return `${by} ${code}/${subcode}`
}
