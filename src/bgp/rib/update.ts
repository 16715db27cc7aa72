// What one UPDATE announces and withdraws, wherever in the message it stands.
// RFC 4271 §4.3, RFC 4760 §3 and §4, RFC 7606 §2.

import { type Address, address, type Family } from '../../inet/address.ts'
import type { MpReach, Nlri, Update } from '../wire/message.ts'

const UNSPECIFIED = address('::')

/** Destinations of one family that share a next hop. */
export interface Announcement {
  readonly family: Family
  readonly nextHop: Address
  readonly nlri: readonly Nlri[]
}

/** What is reachable by this message; nothing when it had to be taken for a withdrawal. */
export function announcements(update: Update): Announcement[] {
  if (treatAsWithdraw(update)) return []
  const { mpReach, nextHop } = update.attributes
  const found: Announcement[] = mpReach ? [{ ...mpReach, nextHop: hopOf(mpReach) }] : []
  if (nextHop !== undefined && update.nlri.length > 0)
    found.push({ family: 'ipv4', nextHop, nlri: update.nlri })
  return found
}

/**
 * What is no longer reachable. To be applied before the announcements: a prefix that stands in both is reachable
 * (RFC 4271 §4.3).
 */
export function withdrawals(update: Update): Nlri[] {
  const withdrawn = [...update.withdrawn, ...(update.attributes.mpUnreach?.withdrawn ?? [])]
  if (!treatAsWithdraw(update)) return withdrawn
  return [...withdrawn, ...update.nlri, ...(update.attributes.mpReach?.nlri ?? [])]
}

/** A neighbour that has no global address on the link says none, and the link-local one (RFC 2545 §3). */
function hopOf({ nextHop, linkLocal }: MpReach): Address {
  return nextHop === UNSPECIFIED && linkLocal ? linkLocal : nextHop
}

function treatAsWithdraw({ faults, nlri, attributes }: Update): boolean {
  const noNextHop = nlri.length > 0 && attributes.nextHop === undefined
  return noNextHop || faults.some(({ severity }) => severity !== 'attribute-discard')
}
