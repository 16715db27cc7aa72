// Which of two connections with one peer stays. RFC 4271 §6.8, RFC 6286 §2.3, RFC 4724 §4.2.
//
// Asked when an OPEN that passed the check arrives on one connection while
// another exists. The RFC's rule has two exceptions:
//   - An Established session wins, unless its peer announced graceful restart
//     and connected anew: then it restarted, and the old connection is dead
//     without knowing. We judge by the OPEN and not, as BIRD does, by the mere
//     connection, so that a port scan from a peer's host does not cost a session.
//   - A connection still being made is abandoned: BIRD takes a second one for a
//     restart, so it must not come to be.

import { type Address, addressBytes } from '../../inet/address.ts'
import type { State } from './fsm.ts'

export type Direction = 'outgoing' | 'incoming'

/** One end of a session. */
export interface SessionEnd {
  readonly routerId: Address
  readonly asn: number
}

/** The connection on which the OPEN arrived. */
export interface Newcomer {
  readonly direction: Direction
  /** The peer made it while a session with it was Established that has graceful restart. */
  readonly afterRestart: boolean
}

/**
 * What becomes of the two: `replace` and `abandon` end the older one, as restarted or as no longer needed, `collide`
 * ends it by NOTIFICATION, `yield` ends the newcomer so, `wait` leaves both until the other has its OPEN too.
 */
export type Verdict = 'replace' | 'abandon' | 'collide' | 'yield' | 'wait'

/** `rival` is the state of the connection that was there before. */
export function resolveCollision(
  rival: State,
  newcomer: Newcomer,
  local: SessionEnd,
  remote: SessionEnd,
): Verdict {
  switch (rival) {
    case 'Idle':
    case 'Active':
    case 'Connect':
      return 'abandon'
    case 'OpenSent':
      return 'wait'
    case 'OpenConfirm':
      return favoured(local, remote) === newcomer.direction ? 'collide' : 'yield'
    case 'Established':
      return newcomer.afterRestart ? 'replace' : 'yield'
  }
}

/** The connection made by the side with the higher identifier, unsigned; when equal, by that with the higher AS. */
function favoured(local: SessionEnd, remote: SessionEnd): Direction {
  const difference = identifier(local) - identifier(remote) || local.asn - remote.asn
  return difference > 0 ? 'outgoing' : 'incoming'
}

function identifier({ routerId }: SessionEnd): number {
  return addressBytes(routerId).reduce((value, byte) => value * 256 + byte, 0)
}
