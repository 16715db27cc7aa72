// Our end of one BFD session: when it speaks, and when it takes silence for failure.
//
// A pause of ours is not a failure of the peer. Two things come of one: our
// detection timer expires late, with packets in the socket that nobody has read,
// and the peer misses our packets and says so.

import { type ControlPacket, DIAGNOSTIC } from '../../bfd/packet.ts'
import {
  type BfdAction,
  type BfdEvent,
  type BfdSession,
  type BfdSettings,
  controlPacket,
  openSession,
  step,
  transmitMs,
} from '../../bfd/session.ts'
import type { TimerClock } from '../../reconcile/clock.ts'

export interface EndOptions {
  readonly settings: BfdSettings
  /** Not 0, and no other session's. */
  readonly discriminator: number
  readonly clock: TimerClock
  /** Runs it when what is in the sockets by now has been read. */
  afterReading(run: () => void): void
  say(packet: ControlPacket): void
  up(): void
  /** The path was good and has failed. */
  down(reason: string): void
  /** The same, but the peer says so only because we were held up and sent nothing. */
  excused(reason: string): void
}

/** Milliseconds after a pause of ours in which the peer may tell us that it missed something. */
const AFTERMATH_MS = 1_000

/** Milliseconds of the clock. */
interface Due {
  readonly at: number
  readonly tolerance: number
}

export class BfdEnd {
  readonly #options: EndOptions
  #session: BfdSession
  #cancelTransmission = () => {}
  #cancelDetection = () => {}
  /** When the next packet of ours is due, and after how many milliseconds without one we have been held up. */
  #due: Due = { at: Number.POSITIVE_INFINITY, tolerance: 0 }
  #heldUpAt = Number.NEGATIVE_INFINITY

  constructor(options: EndOptions) {
    this.#options = options
    this.#session = openSession(options.settings, options.discriminator)
    this.#transmit()
  }

  get session(): BfdSession {
    return this.#session
  }

  receive(packet: ControlPacket): void {
    this.#happen({ kind: 'packet', packet })
  }

  /** Goes on with other settings, without taking the session down. */
  change(settings: BfdSettings): void {
    this.#happen({ kind: 'settings', settings })
  }

  /** Says that this is no failure, until the other end must have heard; then calls `gone`. */
  close(gone: () => void): void {
    this.#happen({ kind: 'close' })
    this.#cancelDetection()
    const ms = this.#session.settings.multiplier * (transmitMs(this.#session, 1) ?? 0)
    this.#cancelDetection = this.#options.clock.after(ms, () => {
      this.stop()
      gone()
    })
  }

  /** Falls silent. */
  stop(): void {
    this.#cancelTransmission()
    this.#cancelDetection()
  }

  #happen(event: BfdEvent): void {
    const [session, ...actions] = step(this.#session, event)
    this.#session = session
    for (const action of actions) {
      const carryOut = this.#carryOut[action.do] as (action: BfdAction) => void
      carryOut(action)
    }
  }

  readonly #carryOut: { readonly [K in BfdAction['do']]: (action: Extract<BfdAction, { do: K }>) => void } = {
    send: ({ packet }) => this.#options.say(packet),
    transmit: () => this.#transmit(),
    listen: ({ ms }) => this.#listen(ms),
    up: () => this.#options.up(),
    down: ({ reason }) => this.#options[this.#isOurFault ? 'excused' : 'down'](reason),
  }

  #transmit(): void {
    const { clock, say } = this.#options
    this.#cancelTransmission()
    this.#noteLateness(this.#due)
    this.#due = { at: Number.POSITIVE_INFINITY, tolerance: 0 }
    say(controlPacket(this.#session))
    const ms = transmitMs(this.#session, clock.random())
    if (ms === undefined) return
    this.#due = { at: clock.now() + ms, tolerance: ms }
    this.#cancelTransmission = clock.after(ms, () => this.#transmit())
  }

  #listen(ms: number): void {
    const { clock } = this.#options
    const deadline = { at: clock.now() + ms, tolerance: ms / (this.#session.remote?.multiplier ?? 1) }
    this.#cancelDetection()
    this.#cancelDetection = clock.after(ms, () => this.#overdue(deadline, ms))
  }

  /**
   * What has arrived is read before silence counts. After a pause of ours as long as the peer takes from packet to packet
   * the time begins again: not we alone may have stood still, but the whole machine, and nothing has arrived at it.
   */
  #overdue(deadline: Due, ms: number): void {
    if (this.#noteLateness(deadline)) {
      this.#listen(ms)
      return
    }
    const { remote } = this.#session
    this.#options.afterReading(() => {
      if (this.#session.remote === remote) this.#happen({ kind: 'silence' })
    })
  }

  /** True when something that was due comes so late that we must have been held up. */
  #noteLateness({ at, tolerance }: Due): boolean {
    const now = this.#options.clock.now()
    const isLate = now - at > tolerance
    if (isLate) this.#heldUpAt = now
    return isLate
  }

  /** The peer missed packets that we were too late to send. */
  get #isOurFault(): boolean {
    this.#noteLateness(this.#due)
    const missedUs = this.#session.remote?.diagnostic === DIAGNOSTIC.detectionTimeExpired
    return missedUs && this.#options.clock.now() - this.#heldUpAt < AFTERMATH_MS
  }
}
