// The attributes we know, one row each, in the order of their codes. RFC 4271 §5.

import { aggregator } from './aggregator.ts'
import { asPath } from './as-path.ts'
import { as4Aggregator } from './as4-aggregator.ts'
import { as4Path } from './as4-path.ts'
import { atomicAggregate } from './atomic-aggregate.ts'
import { clusterList } from './cluster-list.ts'
import type { AttributeCodec, Known } from './codec.ts'
import { communities } from './communities.ts'
import { extendedCommunities } from './extended-communities.ts'
import { ipv6ExtendedCommunities } from './ipv6-extended-communities.ts'
import { largeCommunities } from './large-communities.ts'
import { localPref } from './local-pref.ts'
import { med } from './med.ts'
import { mpReach } from './mp-reach.ts'
import { mpUnreach } from './mp-unreach.ts'
import { nextHop } from './next-hop.ts'
import { onlyToCustomer } from './only-to-customer.ts'
import { origin } from './origin.ts'
import { originatorId } from './originator-id.ts'

/** Does not compile while a field of PathAttributes has no row. */
const TABLE: { readonly [Name in Known]: AttributeCodec<Name> } = {
  origin,
  asPath,
  nextHop,
  med,
  localPref,
  atomicAggregate,
  aggregator,
  communities,
  originatorId,
  clusterList,
  mpReach,
  mpUnreach,
  extendedCommunities,
  as4Path,
  as4Aggregator,
  ipv6ExtendedCommunities,
  largeCommunities,
  onlyToCustomer,
}

export type AnyAttribute = AttributeCodec<Known>

export const ATTRIBUTES: readonly AnyAttribute[] = Object.values(TABLE)

export const BY_CODE: ReadonlyMap<number, AnyAttribute> = new Map(ATTRIBUTES.map((row) => [row.code, row]))
