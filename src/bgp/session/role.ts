// What two external peers are to each other, for as far as both say so. RFC 9234 §4.

import type { PeerConfig, RoleName } from '../types.ts'
import type { Open } from '../wire/message.ts'

/** On the wire: RFC 9234 §4.1. */
const NUMBERS: Readonly<Record<RoleName, number>> = {
  provider: 0,
  rs: 1,
  'rs-client': 2,
  customer: 3,
  peer: 4,
}

/** What the other end has to be: RFC 9234 §4.2. */
const COUNTERPARTS: Readonly<Record<RoleName, RoleName>> = {
  provider: 'customer',
  customer: 'provider',
  rs: 'rs-client',
  'rs-client': 'rs',
  peer: 'peer',
}

export function roleNumber(role: RoleName): number {
  return NUMBERS[role]
}

export function counterpart(role: RoleName): RoleName {
  return COUNTERPARTS[role]
}

/** A peer that says nothing is believed, unless it has to say something. One that says two things is not. */
export function isRoleMismatch({ capabilities }: Open, { role }: PeerConfig): boolean {
  if (!role) return false
  const said = new Set(
    capabilities.flatMap((capability) => (capability.code === 'role' ? [capability.role] : [])),
  )
  if (said.size === 0) return role.strict
  return said.size > 1 || !said.has(NUMBERS[COUNTERPARTS[role.name]])
}
