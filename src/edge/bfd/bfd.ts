// All BFD sessions of this node: RFC 5881 over one hop, RFC 5883 over several.

import { type ControlPacket, encodePacket } from '../../bfd/packet.ts'
import { controlPacket } from '../../bfd/session.ts'
import type { BfdView } from '../../bfd/view.ts'
import type { TimerClock } from '../../reconcile/clock.ts'
import type { Log } from '../observe/log.ts'
import { BfdEnd } from './end.ts'
import { Receivers } from './receivers.ts'
import { Sender } from './sender.ts'
import { type BfdTarget, originOf, pointOf } from './target.ts'

export interface BfdOptions {
  readonly log: Log
  readonly clock: TimerClock
  /** The path to a target was good and has failed. */
  onDown(name: string, reason: string): void
}

interface Watched {
  target: BfdTarget
  readonly end: BfdEnd
  readonly sender: Sender
  lastDown?: string
}

/** Discriminators have 32 bits, and are not 0. */
const DISCRIMINATORS = 0xffff_ffff

export class Bfd {
  readonly #options: BfdOptions
  readonly #receivers: Receivers
  readonly #watched = new Map<string, Watched>()
  /** The same, by where their packets come from: one look for each packet. */
  readonly #byOrigin = new Map<string, Watched>()
  /** Those no longer wanted that still say so, by the same. */
  readonly #leaving = new Map<string, Watched>()

  constructor(options: BfdOptions) {
    this.#options = options
    const onPacket = (packet: ControlPacket, from: string) => this.#receive(packet, from)
    this.#receivers = new Receivers({ ...options, onPacket })
  }

  /** Watches a target under this name from now on, or none. Other intervals do not interrupt it. */
  want(name: string, target: BfdTarget | undefined): void {
    const known = this.#watched.get(name)
    if (known && target && isSamePath(known.target, target)) this.#change(known, target)
    else {
      if (known) this.#leave(name, known)
      if (target) this.#watch(name, target)
      this.#receivers.set([...this.#watched.values()].map((watched) => pointOf(watched.target)))
    }
  }

  /** Undefined for one that is not watched. */
  view(name: string): BfdView | undefined {
    const watched = this.#watched.get(name)
    if (!watched) return undefined
    const { target, end, lastDown } = watched
    const { intervalMs, multiplier, multihop } = target
    const { state } = end.session
    const trouble = this.#receivers.trouble(pointOf(target)) ?? (state === 'Up' ? undefined : lastDown)
    return { state, intervalMs, multiplier, multihop, ...(trouble !== undefined && { trouble }) }
  }

  /** Ends all sessions without alarming the other ends. Resolves when that has been said. */
  async stop(): Promise<void> {
    const watched = [...this.#watched.values(), ...this.#leaving.values()]
    this.#receivers.set([])
    await Promise.all(watched.map(farewell))
    for (const map of [this.#watched, this.#byOrigin, this.#leaving]) map.clear()
  }

  #change(watched: Watched, target: BfdTarget): void {
    const { intervalMs, multiplier } = watched.target
    watched.target = target
    if (intervalMs !== target.intervalMs || multiplier !== target.multiplier) watched.end.change(target)
  }

  #watch(name: string, target: BfdTarget): void {
    const { clock, log } = this.#options
    const origin = originOf(target)
    const leaving = this.#leaving.get(origin)
    if (leaving) this.#forget(origin, leaving)
    const sender = new Sender(target, () => clock.random())
    const end = new BfdEnd({
      settings: target,
      discriminator: 1 + Math.floor(clock.random() * DISCRIMINATORS),
      clock,
      afterReading: (run) => setImmediate(run), // sockets are polled between a timer and the next immediate
      say: (packet) => sender.send(encodePacket(packet)),
      up: () => log.info({ peer: target.address }, 'BFD up'),
      down: (reason) => this.#down(name, reason),
      excused: (reason) =>
        log.info({ peer: target.address, reason }, 'BFD down, for we were held up ourselves'),
    })
    const watched = { target, end, sender }
    this.#watched.set(name, watched)
    this.#byOrigin.set(origin, watched)
  }

  #leave(name: string, watched: Watched): void {
    const origin = originOf(watched.target)
    this.#watched.delete(name)
    this.#byOrigin.delete(origin)
    this.#leaving.set(origin, watched)
    watched.end.close(() => this.#forget(origin, watched))
  }

  #forget(origin: string, { end, sender }: Watched): void {
    end.stop()
    sender.close()
    this.#leaving.delete(origin)
  }

  #down(name: string, reason: string): void {
    const watched = this.#watched.get(name)!
    watched.lastDown = reason
    this.#options.log.warn({ peer: watched.target.address, reason }, 'BFD down')
    this.#options.onDown(name, reason)
  }

  /** To the session it names, if it comes from where that has its other end; one that names none is known by that alone. */
  #receive(packet: ControlPacket, from: string): void {
    const end = this.#byOrigin.get(from)?.end
    const { yourDiscriminator } = packet
    if (yourDiscriminator === 0 || yourDiscriminator === end?.session.discriminator) end?.receive(packet)
  }
}

function isSamePath(a: BfdTarget, b: BfdTarget): boolean {
  return originOf(a) === originOf(b) && a.localAddress === b.localAddress
}

/** The last word of a session that ends now. */
async function farewell({ end, sender }: Watched): Promise<void> {
  end.close(() => {})
  end.stop()
  await sender.finish(encodePacket(controlPacket(end.session)))
}
