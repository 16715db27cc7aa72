// One TCP connection with a peer: bytes to messages, messages to events of the
// state machine, and what the machine decides to actions of the speaker.

import type { Address } from '../../inet/address.ts'
import type { Action, ConnectionId, TimerId } from '../events.ts'
import type { PeerConfig, Transport } from '../types.ts'
import { decode, encode, initialCodec, maxLengthOf, type SessionCodec } from '../wire/codec.ts'
import { BgpError } from '../wire/errors.ts'
import { Framer } from '../wire/frame.ts'
import type { Message, Notification, Open, RouteRefresh, Update } from '../wire/message.ts'
import type { Direction, Newcomer } from './collision.ts'
import { type Failure, hardened } from './failure.ts'
import { idle, type Session, type SessionAction, type SessionEvent, type State, step } from './fsm.ts'
import { checkOpen, type Negotiated, openFor, type Past } from './open-check.ts'
import { runtime, type SessionTimer } from './timers.ts'

/** What connections and peers need of the speaker. */
export interface Host {
  /** A number from 0 up to 1. */
  random(): number
  act(action: Action): void
  /** Runs `expired` after `ms`, unless the timer is armed again or disarmed by then. */
  arm(timer: TimerId, ms: number, expired: () => void, unless?: ConnectionId): void
  /** Timers that are not armed are fine. */
  disarm(timer: TimerId): void
}

/** What a connection needs of its peer. */
export interface Owner {
  readonly config: PeerConfig
  readonly past: Past
  /** An OPEN arrived that passed the check. False when the connection must give way to another. */
  mayOpen(connection: Connection, open: Open): boolean
  /** The connection has taken that OPEN in: others are to be ended. */
  opened(connection: Connection, open: Open): void
  up(connection: Connection): void
  deliver(message: Update | RouteRefresh): void
  ended(connection: Connection, from: State, failure: Failure): void
}

const TIMERS_OF_A_CONNECTION: readonly SessionTimer[] = [
  'connect-delay',
  'connect-retry',
  'hold',
  'keepalive',
  'send-hold',
]

export class Connection implements Newcomer {
  readonly id: ConnectionId
  readonly direction: Direction
  readonly afterRestart: boolean
  /** Our end of it; known once there is a connection. */
  local: Address | undefined
  /** What both OPENs came to. */
  negotiated: Negotiated | undefined
  readonly #owner: Owner
  readonly #host: Host
  readonly #framer = new Framer()
  #session: Session
  #codec: SessionCodec = initialCodec

  constructor(id: ConnectionId, { direction, afterRestart }: Newcomer, owner: Owner, host: Host) {
    this.id = id
    this.direction = direction
    this.afterRestart = afterRestart
    this.#owner = owner
    this.#host = host
    this.#session = idle(owner.config.keepaliveTime)
  }

  get state(): State {
    return this.#session.state
  }

  /** True when this is or is about to be the session with the peer. */
  get passedOpen(): boolean {
    return this.state === 'OpenConfirm' || this.state === 'Established'
  }

  happen(event: SessionEvent): void {
    const [session, ...actions] = step(this.#session, event)
    this.#session = session
    for (const action of actions) this.#act(action)
  }

  receive(chunk: Uint8Array): void {
    try {
      for (const bytes of this.#framer.push(chunk)) {
        this.#hear(decode(bytes, this.#codec))
        if (this.state === 'Idle') return
      }
    } catch (error) {
      if (!(error instanceof BgpError)) throw error
      const { code, subcode, data } = error
      this.happen({ kind: 'fault', code, subcode, data })
    }
  }

  send(bytes: Uint8Array): void {
    this.#host.act({ kind: 'send', connection: this.id, bytes })
  }

  #hear(message: Message): void {
    if (message.kind === 'open') this.#hearOpen(message)
    else this.happen(eventOf(message))
  }

  #hearOpen(open: Open): void {
    const negotiated = checkOpen(open, this.#owner.config)
    if (this.state === 'OpenSent') {
      if (!this.#owner.mayOpen(this, open)) return
      this.negotiated = negotiated
      this.#codec = negotiated.codec
      this.#framer.maxLength = maxLengthOf(negotiated.codec)
    }
    this.happen({ kind: 'open', holdTime: negotiated.holdTime })
    if (this.state === 'OpenConfirm') this.#owner.opened(this, open)
  }

  #act(action: SessionAction): void {
    const act = this.#actions[action.do] as (action: SessionAction) => void
    act(action)
  }

  readonly #actions: { readonly [D in SessionAction['do']]: (a: Extract<SessionAction, { do: D }>) => void } =
    {
      dial: () => this.#host.act({ kind: 'dial', connection: this.id, to: transportOf(this.#owner.config) }),
      send: ({ message }) => this.#sendMessage(message === 'open' ? this.#open() : { kind: 'keepalive' }),
      notify: ({ code, subcode, data = new Uint8Array() }) => this.#notify({ code, subcode, data }),
      close: () => this.#host.act({ kind: 'close', connection: this.id }),
      arm: ({ timer, seconds }) => this.#arm(timer, seconds),
      up: () => this.#owner.up(this),
      deliver: ({ message }) => this.#owner.deliver(message),
      ended: ({ from, failure }) => {
        for (const timer of TIMERS_OF_A_CONNECTION) this.#host.disarm(`${this.id} ${timer}`)
        this.#owner.ended(this, from, failure)
      },
    }

  #open(): Open {
    return openFor(this.#owner.config, this.#owner.past)
  }

  #notify(words: Omit<Notification, 'kind'>): void {
    const survivable = this.negotiated?.gracefulRestart?.notification === true
    this.#sendMessage({ kind: 'notification', ...(survivable ? hardened(words) : words) })
  }

  #sendMessage(message: Message): void {
    this.send(encode(message, this.#codec))
  }

  #arm(timer: SessionTimer, seconds: number): void {
    const id = `${this.id} ${timer}`
    if (seconds === 0) {
      this.#host.disarm(id)
      return
    }
    const ms = runtime(timer, seconds, () => this.#host.random())
    // What waits to be read is a sign of life too: the peer kept its word, and we were late.
    const unless = timer === 'hold' ? this.id : undefined
    this.#host.arm(id, ms, () => this.happen({ kind: `${timer} expired` }), unless)
  }
}

function transportOf({ address, zone, port, localAddress, password, ttlSecurity }: PeerConfig): Transport {
  return {
    address,
    port,
    ...(zone !== undefined && { zone }),
    ...(localAddress && { localAddress }),
    ...(password && { password }),
    ...(ttlSecurity && { ttlSecurity }),
  }
}

function eventOf(message: Exclude<Message, Open>): SessionEvent {
  if (message.kind === 'update') return { kind: 'update', message }
  return message.kind === 'route-refresh' ? { kind: 'route-refresh', message } : message
}
