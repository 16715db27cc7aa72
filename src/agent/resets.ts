// `agent bgp reset`: what each way to reset a peer does, and when there is nothing to reset.

import type { SpeakerEvent } from '../bgp/events.ts'
import type { PeerView } from '../bgp/types.ts'
import { QuestionError } from '../edge/control/api.ts'

export interface ResetOrder {
  readonly how: string
  /** What whoever sits at the other end is to read. */
  readonly message?: string | undefined
}

interface Way {
  readonly done: string
  /** Why it cannot be done. */
  refusal(peer: PeerView, order: ResetOrder): string | undefined
  events(peer: PeerView, order: ResetOrder): readonly SpeakerEvent[]
}

const WAYS: Readonly<Record<string, Way>> = {
  hard: {
    done: 'ended, to begin anew',
    refusal: ({ address, held }, { message }) =>
      held === undefined ? tooLong(message) : `there is no session with ${address} to begin anew: ${held}`,
    events: ({ name }, { message: text }) => [{ kind: 'reset', peer: name, ...(text && { text }) }],
  },
  in: {
    done: 'asked to announce all of its routes again',
    refusal: (peer, order) =>
      whileUp(peer, order) ??
      (peer.agreed.includes('route refresh')
        ? undefined
        : `${peer.address} does not know route refresh; a reset without --soft has it announce all again`),
    events: eachFamily('refresh-in'),
  },
  out: { done: 'sent all of our routes again', refusal: whileUp, events: eachFamily('resend') },
}

/** What the speaker is to be told, and what will have been done then. @throws QuestionError */
export function resetOf(
  peer: PeerView,
  order: ResetOrder,
): { readonly done: string; readonly events: readonly SpeakerEvent[] } {
  const way = Object.hasOwn(WAYS, order.how) ? WAYS[order.how] : undefined
  if (!way)
    throw new QuestionError(
      `${order.how} is no way to reset a peer; there are ${Object.keys(WAYS).join(', ')}`,
    )
  const refusal = way.refusal(peer, order)
  if (refusal !== undefined) throw new QuestionError(refusal)
  return { done: `${peer.address}: ${way.done}`, events: way.events(peer, order) }
}

function whileUp({ address, state }: PeerView, { message }: ResetOrder): string | undefined {
  if (state !== 'Established') return `there is no session with ${address}: it is ${state}`
  return message === undefined ? undefined : 'a message goes with the end of a session; leave out --soft'
}

function tooLong(message = ''): string | undefined {
  const octets = new TextEncoder().encode(message).length
  return octets > 255 ? `a message may have 255 octets (RFC 9003), this one has ${octets}` : undefined
}

function eachFamily(kind: 'refresh-in' | 'resend'): Way['events'] {
  return ({ name, families }) => families.map((family) => ({ kind, peer: name, family }))
}
