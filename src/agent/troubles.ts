// What an operator must know of this node without logging in to it: a few troubles, each with the time it may last before
// it is worth a word, and the word for its end. They become Events of Kubernetes on the Node (events.ts).

import type { AgentStatus } from '../edge/control/api.ts'
import type { NodeEvent } from '../edge/datastore/kubernetes/events.ts'

/** What troubles are looked for in. */
export interface Watched {
  readonly status: Pick<AgentStatus, 'bgp' | 'kernel' | 'startup' | 'frozenPolicy'>
  /** In sentences: pools whose routes cannot be had. */
  readonly poolsNotInForce: readonly string[]
  /** In sentences: what is wrong with the addresses of our tunnel devices. */
  readonly tunnelAddresses: readonly string[]
}

export interface Trouble {
  /** The reason of the Event: one word, by which people filter. */
  readonly reason: string
  /** The reason of the Event that says that it is over. */
  readonly over: string
  /** How long it may last before it is said, in milliseconds. */
  readonly afterMs: number
  readonly meaning: string
  /** Nothing: it is not there. */
  readonly find: (watched: Watched) => readonly string[]
}

const MINUTE = 60_000

export const troubles: readonly Trouble[] = [
  {
    reason: 'BGPSessionDown',
    over: 'BGPSessionsUp',
    afterMs: 2 * MINUTE,
    meaning: 'sessions have not been Established for two minutes; each with its state and last error',
    find: ({ status }) =>
      status.bgp.peers
        .filter(({ state }) => state !== 'Established')
        .map(
          ({ address, state, held, lastError }) => `${address} ${state}: ${held ?? lastError ?? 'no answer'}`,
        ),
  },
  {
    reason: 'StartupFailed',
    over: 'StartupDone',
    afterMs: MINUTE / 2,
    meaning: 'this node cannot be set up: it has no address, that of another node, or may not be written',
    find: ({ status: { startup } }) => (startup.state === 'failed' ? [startup.reason ?? 'it failed'] : []),
  },
  {
    reason: 'PoolNotInForce',
    over: 'PoolsInForce',
    afterMs: MINUTE / 2,
    meaning: 'the routes of a pool cannot be had, such as for want of a tunnel device',
    find: ({ poolsNotInForce }) => poolsNotInForce,
  },
  {
    reason: 'TunnelAddressFailed',
    over: 'TunnelAddressAssigned',
    afterMs: MINUTE / 2,
    meaning: 'a tunnel device has no address, or one that somebody else has, too',
    find: ({ tunnelAddresses }) => tunnelAddresses,
  },
  {
    reason: 'KernelRefused',
    over: 'KernelAccepted',
    afterMs: MINUTE,
    meaning: 'the kernel has refused something for a minute; with its own words',
    find: ({ status }) =>
      status.kernel.flatMap(({ name, refused }) =>
        refused.map(({ key, reason }) => `${name} ${key}: ${reason}`),
      ),
  },
  {
    reason: 'PolicyFrozen',
    over: 'PolicyReleased',
    afterMs: 0,
    meaning: 'chains of calico-node filter packets by a policy that nobody keeps up to date',
    find: ({ status }) =>
      status.frozenPolicy.map(
        (where) =>
          `chains of calico-node are left in ${where}; CARACAL_REMOVE_POLICY_CHAINS=true removes them`,
      ),
  },
]

/** Event messages have place for 1,024 characters. */
const LONGEST = 1_000

/** The shortest time between two Events of one trouble, and the longest while it lasts: Events are gone after an hour. */
const LEAST_MS = 5 * MINUTE
const MOST_MS = 30 * MINUTE

interface Seen {
  readonly since: number
  /** The last that was said of it. */
  event?: NodeEvent
}

/**
 * Which Events are due: one for all of a kind that lasts, again when it is another or has gone on for long, and one when
 * it is over. So a node says at most two things a kind in five minutes, whatever happens to it.
 */
export class TroubleBook {
  readonly #seen = new Map<string, Seen>()
  /** When each was last said to be over. */
  readonly #ended = new Map<string, number>()

  look(watched: Watched, now: number): NodeEvent[] {
    return troubles.flatMap((trouble) => this.#due(trouble, trouble.find(watched), now) ?? [])
  }

  #due(trouble: Trouble, found: readonly string[], now: number): NodeEvent | undefined {
    const { reason, over, afterMs } = trouble
    const seen = this.#seen.get(reason) ?? { since: now }
    if (found.length === 0) {
      this.#seen.delete(reason)
      if (!seen.event) return undefined
      this.#ended.set(reason, now)
      return {
        type: 'Normal',
        reason: over,
        message: `${reason} is over`,
        first: seen.since,
        last: now,
        count: 1,
      }
    }
    this.#seen.set(reason, seen)
    const { since, event: last } = seen
    const message = shortened(found)
    const rest = last ? last.last : (this.#ended.get(reason) ?? Number.NEGATIVE_INFINITY)
    const isDue = !last || last.message !== message || now - last.last >= MOST_MS
    if (now - since < afterMs || now - rest < LEAST_MS || !isDue) return undefined
    seen.event = { type: 'Warning', reason, message, first: since, last: now, count: (last?.count ?? 0) + 1 }
    return seen.event
  }
}

/** As many as there is room for, and how many there are. */
function shortened(found: readonly string[]): string {
  const text = found.join('; ')
  if (text.length <= LONGEST) return text
  return `${found.length} of them: ${text.slice(0, LONGEST - 30)}…`
}
