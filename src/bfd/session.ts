// One BFD session, in asynchronous mode, both ends active: RFC 5880 §6.2 and §6.8.
//
// A step takes what happened and answers the session after it, and what is to be
// done. Whoever carries it out sends a packet now and then (`controlPacket`, every
// `transmitMs`), and says so when nothing came for as long as `listen` said.

import { type ControlPacket, DIAGNOSTIC, type State } from './packet.ts'

export interface BfdSettings {
  /** Milliseconds between packets, both ways, while the session is up. */
  readonly intervalMs: number
  /** Packets that may go missing in a row. */
  readonly multiplier: number
}

export interface BfdSession {
  readonly settings: BfdSettings
  /** What the other end may still go by, until it has answered our poll; `settings` otherwise. */
  readonly former: BfdSettings
  readonly state: State
  readonly diagnostic: number
  /** Ours, not 0: tells our sessions apart. */
  readonly discriminator: number
  /** What the other end last said; absent when it has been silent. */
  readonly remote: ControlPacket | undefined
  /** Until the other end has said that it knows our intervals (§6.5). */
  readonly polling: boolean
}

export type BfdEvent =
  | { readonly kind: 'packet'; readonly packet: ControlPacket }
  /** Nothing came for the detection time. */
  | { readonly kind: 'silence' }
  /** From now on. */
  | { readonly kind: 'settings'; readonly settings: BfdSettings }
  /** The session is no longer wanted. The other end is told that this is no failure (§6.8.16). */
  | { readonly kind: 'close' }

export type BfdAction =
  /** Sends this at once, beside those of the timer. */
  | { readonly do: 'send'; readonly packet: ControlPacket }
  /** Sends at once what is due, and counts `transmitMs` from now. */
  | { readonly do: 'transmit' }
  /** The next packet is due within these milliseconds. */
  | { readonly do: 'listen'; readonly ms: number }
  | { readonly do: 'up' }
  /** The path has failed. Not told when the other end ends BFD of its own will (RFC 5882 §3.2). */
  | { readonly do: 'down'; readonly reason: string }

export type BfdStep = readonly [BfdSession, ...BfdAction[]]

/** What comes of a packet: by our state, then by that of the other end. RFC 5880 §6.8.6. */
export const TRANSITIONS: Readonly<Record<State, Readonly<Record<State, State>>>> = {
  AdminDown: { AdminDown: 'AdminDown', Down: 'AdminDown', Init: 'AdminDown', Up: 'AdminDown' },
  Down: { AdminDown: 'Down', Down: 'Init', Init: 'Up', Up: 'Down' },
  Init: { AdminDown: 'Down', Down: 'Init', Init: 'Up', Up: 'Up' },
  Up: { AdminDown: 'Down', Down: 'Down', Init: 'Up', Up: 'Up' },
}

/** Milliseconds; the least between two packets while a session is not up (§6.8.3). */
const SLOW_MS = 1_000

export function openSession(settings: BfdSettings, discriminator: number): BfdSession {
  return {
    settings,
    former: settings,
    state: 'Down',
    diagnostic: DIAGNOSTIC.none,
    discriminator,
    remote: undefined,
    polling: false,
  }
}

export function step(session: BfdSession, event: BfdEvent): BfdStep {
  if (session.state === 'AdminDown') return [session]
  switch (event.kind) {
    case 'packet':
      return heard(session, event.packet)
    case 'silence':
      return silent(session)
    case 'settings':
      return resettled(session, event.settings)
    case 'close':
      return [moved(session, 'AdminDown', DIAGNOSTIC.adminDown), { do: 'transmit' }]
  }
}

function heard(before: BfdSession, remote: ControlPacket): BfdStep {
  const state = TRANSITIONS[before.state][remote.state]
  const after = taken(moved({ ...before, remote }, state, DIAGNOSTIC.neighborSignaledDown), before)
  const hasNewPace = state !== before.state || leastTransmitMs(after) !== leastTransmitMs(before)
  const actions: BfdAction[] = [{ do: 'listen', ms: detectionMs(after, remote) }]
  if (hasNewPace) actions.push({ do: 'transmit' })
  if (remote.poll) actions.push({ do: 'send', packet: { ...controlPacket(after), poll: false, final: true } })
  if (before.state !== 'Up' && state === 'Up') actions.push({ do: 'up' })
  if (before.state === 'Up' && state !== 'Up' && remote.state !== 'AdminDown')
    actions.push({ do: 'down', reason: 'neighbor signaled session down' })
  return [after, ...actions]
}

function silent(before: BfdSession): BfdStep {
  const forgotten = { ...before, remote: undefined }
  if (before.state === 'Down') return [forgotten]
  const after = moved(forgotten, 'Down', DIAGNOSTIC.detectionTimeExpired)
  if (before.state === 'Init') return [after]
  return [after, { do: 'transmit' }, { do: 'down', reason: 'control detection time expired' }]
}

/** A session that is up goes on as before until the other end knows (§6.8.3). */
function resettled(before: BfdSession, settings: BfdSettings): BfdStep {
  const isUp = before.state === 'Up'
  return [{ ...before, settings, former: isUp ? before.former : settings, polling: isUp }, { do: 'transmit' }]
}

/** In another state, if it is another: why, for the other end, and no poll of the state before is under way in it. */
function moved(session: BfdSession, state: State, diagnostic: number): BfdSession {
  if (state === session.state) return session
  const why = state === 'Up' || state === 'Init' ? DIAGNOSTIC.none : diagnostic
  return { ...session, state, diagnostic: why, polling: state === 'Up', former: session.settings }
}

/** The other end has answered our poll, if there was one when it did. */
function taken(after: BfdSession, before: BfdSession): BfdSession {
  if (!before.polling || !after.remote?.final) return after
  return { ...after, polling: false, former: after.settings }
}

/** What is to be said now. */
export function controlPacket(session: BfdSession): ControlPacket {
  const { settings, state, diagnostic, discriminator, remote, polling } = session
  return {
    diagnostic,
    state,
    poll: polling,
    final: false,
    demand: false,
    multiplier: settings.multiplier,
    myDiscriminator: discriminator,
    yourDiscriminator: remote?.myDiscriminator ?? 0,
    desiredMinTx: desiredMinTxMs(session, settings) * 1000,
    requiredMinRx: settings.intervalMs * 1000,
  }
}

/**
 * Milliseconds until the next packet; undefined when the other end wants none. A quarter is left to chance, so that many
 * sessions do not come to beat as one (§6.8.7). `random` is from 0 up to 1.
 */
export function transmitMs(session: BfdSession, random: number): number | undefined {
  const most = session.settings.multiplier === 1 ? 0.9 : 1
  const least = leastTransmitMs(session)
  return least === undefined ? undefined : (0.75 + (most - 0.75) * random) * least
}

/** Milliseconds between packets before chance has its part. */
function leastTransmitMs(session: BfdSession): number | undefined {
  const { remote, settings, former, state, polling } = session
  if (remote?.requiredMinRx === 0) return undefined
  if (remote?.demand && state === 'Up' && remote.state === 'Up' && !polling) return undefined // §6.6
  const ours = Math.min(desiredMinTxMs(session, settings), desiredMinTxMs(session, former))
  return Math.max(ours, (remote?.requiredMinRx ?? 0) / 1000)
}

/** Milliseconds of silence that mean failure (§6.8.4). */
function detectionMs({ settings, former }: BfdSession, remote: ControlPacket): number {
  const interval = Math.max(settings.intervalMs, former.intervalMs, remote.desiredMinTx / 1000)
  return remote.multiplier * interval
}

function desiredMinTxMs({ state }: BfdSession, { intervalMs }: BfdSettings): number {
  return state === 'Up' ? intervalMs : Math.max(intervalMs, SLOW_MS)
}
