// How the path to a peer is watched by BFD, as the annotation `caracal.io/bfd` of a BGPPeer says it: `300ms x 3`,
// `1s x 5 multihop`.
//
// It is an annotation since Calico's open edition has no field for it, and the API server drops fields that a CRD does
// not declare.

import type { PathWatch } from '../model.ts'

export const PATH_WATCH = 'caracal.io/bfd'

/** Milliseconds. Any faster, and a busy node would be taken for a dead one. */
const LEAST_MS = 50
const MOST_MS = 60_000
const MOST_PACKETS = 255

const form = /^(?<number>\d{1,5})(?<unit>ms|s) *x *(?<packets>\d{1,3})(?<multihop> +multihop)?$/

/** Undefined when malformed or out of range. */
export function parsePathWatch(text: string): PathWatch | undefined {
  const groups = form.exec(text.trim())?.groups
  if (!groups) return undefined
  const intervalMs = Number(groups.number) * (groups.unit === 's' ? 1_000 : 1)
  const multiplier = Number(groups.packets)
  if (intervalMs < LEAST_MS || intervalMs > MOST_MS || multiplier < 1 || multiplier > MOST_PACKETS)
    return undefined
  return { intervalMs, multiplier, multihop: groups.multihop !== undefined }
}
