// What may be announced to whom, and with which communities, where no BGPFilter has decided.
// Calico: steps 3 to 11 of the export filter of confd/etc/calico/confd/templates.

import type { Operation } from '../bgp/rib/filter.ts'
import { contains, type Prefix } from '../inet/prefix.ts'
import type { Facts } from './facts.ts'
import { community } from './filters.ts'
import { isServicePrefix } from './services.ts'

const NOTHING: readonly Operation[] = []
/** Operations by the communities they add: equal ones are one list. */
const known = new Map([['', NOTHING]])

/** What is added to a path on its way out; undefined: it stays here. The same list for the same additions. */
export function advertise(prefix: Prefix, facts: Facts): readonly Operation[] | undefined {
  return isAnnounced(prefix, facts) ? additions(prefix, facts) : undefined
}

/** Blocks of ours, services, and all else inside pools; but no part of our blocks, for which the whole speaks. */
function isAnnounced(prefix: Prefix, facts: Facts): boolean {
  const pool = facts.poolOf(prefix)
  if (pool?.disableBgpExport) return false
  if (facts.ownsBlock(prefix)) return true
  if (facts.ownBlockOf(prefix) !== undefined) return false
  return pool !== undefined || isServicePrefix(prefix, facts)
}

/** The `prefixAdvertisements` of this node, if it has any, take the place of those for all. */
function additions(prefix: Prefix, { bgpConfigurations, ownConfiguration }: Facts): readonly Operation[] {
  const own = bgpConfigurations.get(ownConfiguration)
  const configuration = own?.prefixAdvertisements.length ? own : bgpConfigurations.get('default')
  if (!configuration?.prefixAdvertisements.length) return NOTHING // as in most clusters, for each route that is passed on
  const named = new Map(configuration.communities.map(({ name, value }) => [name, value]))
  const said = configuration.prefixAdvertisements.filter(({ cidr }) => contains(cidr, prefix))
  const values = said.flatMap(({ communities }) => communities.map((one) => named.get(one) ?? one))
  return operations([...new Set(values)].sort())
}

function operations(communities: readonly string[]): readonly Operation[] {
  const key = communities.join(' ')
  const before = known.get(key)
  if (before) return before
  const made = communities.map((text): Operation => ({ kind: 'add-community', community: community(text) }))
  known.set(key, made)
  return made
}
