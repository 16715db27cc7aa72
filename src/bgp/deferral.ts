// What is held back after our own restart: End-of-RIB, at which peers forget what we have not announced again.
// RFC 4724 §4.1.
//
// What is our own is announced at once, and End-of-RIB waits until it is. To a
// peer to which we pass on what others teach us it also waits for these others.
// The RFC would not wait for those that restart too, since they may wait for
// us. Internal peers do not: what they pass on to us does not come from us, or
// all are reflectors of each other, which the end of all waiting resolves. So
// that the clients of a reflector keep each other's routes when all restart.

import type { Peer } from './session/peer.ts'

export interface DeferralOptions {
  /** Nothing is ever held back when this is false. */
  readonly restarting: boolean
  peers(): readonly Peer[]
  /** It has said all that it has. */
  hasHeard(peer: Peer): boolean
}

export class Deferral {
  readonly #options: DeferralOptions
  #isAnnounced: boolean
  #isOver: boolean

  constructor(options: DeferralOptions) {
    this.#options = options
    this.#isAnnounced = !options.restarting
    this.#isOver = !options.restarting
  }

  /** What OPEN says in its Restart bit: there is something to wait for. Once false it stays so. */
  get restarting(): boolean {
    this.#isOver ||= this.#isAnnounced && !this.#options.peers().some((peer) => this.#isAwaited(peer))
    return !this.#isOver
  }

  /** All that is our own is originated. */
  announced(): void {
    this.#isAnnounced = true
  }

  /** Nobody is waited for any longer. */
  end(): void {
    this.#isAnnounced = true
    this.#isOver = true
  }

  /** Whether End-of-RIB to this peer has to wait. */
  holdsBack(to: Peer): boolean {
    if (!this.restarting) return false
    if (!this.#isAnnounced) return true
    return this.#options.peers().some((peer) => feeds(peer, to) && this.#isAwaited(peer))
  }

  /** Not awaited are those that know no graceful restart, since they may never say that they are done. */
  #isAwaited(peer: Peer): boolean {
    if (!peer.negotiated) return !peer.isShut
    const { gracefulRestart } = peer.negotiated
    if (!gracefulRestart || this.#options.hasHeard(peer)) return false
    return isInternal(peer) || !gracefulRestart.restarting
  }
}

/** Whether what one peer teaches may be passed on to the other. RFC 4271 §9.2, RFC 4456 §6. */
function feeds(from: Peer, to: Peer): boolean {
  if (from === to) return false
  if (!isInternal(from) || !isInternal(to)) return true
  return (from.config.reflector?.client || to.config.reflector?.client) === true
}

function isInternal({ config: { peerAsn, localAsn } }: Peer): boolean {
  return peerAsn === localAsn
}
