// Routes that go down to customers go no more up or sideways: the OTC attribute. RFC 9234 §5.
//
// It is added where nobody has yet, and what bears it stays where it would leak. Sessions without a role pass it on.

import type { PathAttributes } from '../wire/message.ts'
import type { GroupTraits, RibPeer } from './peer.ts'

type Role = NonNullable<RibPeer['role']>

/** What the other end is to us, by what we are to it. */
const TOWARDS: Readonly<Record<Role, 'up' | 'down' | 'sideways'>> = {
  customer: 'up',
  'rs-client': 'up',
  provider: 'down',
  rs: 'down',
  peer: 'sideways',
}

/** Whether a route should never have been sent to us by this peer. */
export function isLeak({ onlyToCustomer }: PathAttributes, { role, asn }: RibPeer): boolean {
  if (role === undefined || onlyToCustomer === undefined) return false
  return TOWARDS[role] === 'down' || (TOWARDS[role] === 'sideways' && onlyToCustomer !== asn)
}

/** OTC as it is kept of a route from this peer. */
export function importedOtc({ onlyToCustomer }: PathAttributes, { role, asn }: RibPeer): number | undefined {
  return onlyToCustomer ?? (role !== undefined && TOWARDS[role] !== 'down' ? asn : undefined)
}

/** Whether a route must not be sent to these peers, since it would leak. */
export function wouldLeak({ onlyToCustomer }: PathAttributes, { role }: GroupTraits): boolean {
  return onlyToCustomer !== undefined && role !== undefined && TOWARDS[role] !== 'down'
}

/** OTC as these peers are told. */
export function exportedOtc(
  onlyToCustomer: number | undefined,
  { role, localAsn }: GroupTraits,
): number | undefined {
  return onlyToCustomer ?? (role !== undefined && TOWARDS[role] !== 'up' ? localAsn : undefined)
}
