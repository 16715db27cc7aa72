// Graceful shutdown: what goes over a session that is about to end is used last, so that others are in use before it does.
// RFC 8326.
//
// The one who is about to end it marks what it announces there, and treats what it hears there as marked (§4.3). The mark
// counts between AS; inside, LOCAL_PREF says the same. What a reflector passes on between its clients is left alone: packets
// do not go through it.

import type { Path } from '../types.ts'
import type { Operation } from './filter.ts'
import type { GroupTraits, RibPeer } from './peer.ts'
import { has, WELL_KNOWN } from './well-known.ts'

/** What is done to a path that is to be used last. Towards other AS LOCAL_PREF is not told. */
export const LAST_RESORT: readonly Operation[] = [
  { kind: 'add-community', community: { size: 'standard', value: WELL_KNOWN.gracefulShutdown } },
  { kind: 'set-local-pref', value: 0 },
]

/** Whether a path, as filters have left it, is one. */
export function isLeaving({ attributes }: Path, { type, gracefulShutdown }: RibPeer): boolean {
  return type === 'external' && (gracefulShutdown === true || has(attributes, 'gracefulShutdown'))
}

/** Whether a group is to be told so of what comes from a peer; undefined: of our own. */
export function leaves(from: RibPeer | undefined, to: GroupTraits): boolean {
  return to.gracefulShutdown === true && (from?.type !== 'internal' || to.type === 'external')
}
