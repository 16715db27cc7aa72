// From what the speaker, the listener and the reconcilers say of themselves to what `agent status` is told.

import type { PeerView } from '../../bgp/types.ts'
import { type Address, FAMILY_NAMES, type Family } from '../../inet/address.ts'
import type { LocalSpeaker } from '../../plan/plan-bgp.ts'
import type { ReconcilerView } from '../../reconcile/reconciler.ts'
import type { BgpStatus, KernelStatus, Listening } from './api.ts'

/** As much of a listening socket's state as is shown. */
export interface ListenView {
  readonly family: Family
  readonly port: number
  readonly address?: Address
  readonly listening: boolean
  readonly error: string | undefined
}

export function bgpStatus(
  speaker: LocalSpeaker | { readonly unable: string },
  backend: string,
  listening: readonly ListenView[],
  { refused, dropped }: Pick<BgpStatus, 'refused' | 'dropped'>,
  peers: readonly PeerView[],
): BgpStatus {
  const unable = 'unable' in speaker ? speaker : undefined
  const of = (family: Family): Listening => {
    const found = listening.find((one) => one.family === family)
    if (found)
      return found.listening ? { endpoint: endpoint(found) } : { reason: whyDeaf(found), intended: false }
    if (unable) return { reason: unable.unable, intended: backend !== 'bird' }
    return { reason: `the node has no ${FAMILY_NAMES[family]} address`, intended: true }
  }
  return {
    routerId: 'unable' in speaker ? undefined : speaker.routerId,
    asn: 'unable' in speaker ? undefined : speaker.asn,
    listening: { ipv4: of('ipv4'), ipv6: of('ipv6') },
    refused,
    dropped,
    peers,
  }
}

function endpoint({ family, address, port }: ListenView): string {
  return family === 'ipv4' ? `${address ?? '0.0.0.0'}:${port}` : `[${address ?? '::'}]:${port}`
}

export function kernelStatus({ name, wanted, inForce, refused, repairs }: ReconcilerView): KernelStatus {
  const total = Object.values(repairs).reduce((sum, count) => sum + count, 0)
  return { name, wanted, inForce, refused, repairs: total }
}

/** The words of the C library, and what to do about them. */
function whyDeaf({ error, port }: ListenView): string {
  if (error !== 'Address already in use') return error ?? 'not yet'
  return `${error}: another program has port ${port}, perhaps a BIRD: stop it, or set listenPort`
}
