// `programClusterRoutes`: whether the datastore or BGP gives the routes to other nodes, for each encapsulation.
// Calico design/cluster-route-programming/DESIGN.md.

import type { ProgramClusterRoutes } from '../../cluster/model.ts'
import type { Facts } from '../facts.ts'

const opposite: Readonly<Record<ProgramClusterRoutes, ProgramClusterRoutes>> = {
  Enabled: 'Disabled',
  Disabled: 'Enabled',
  EnabledIPIPOnly: 'EnabledNoEncapOnly',
  EnabledNoEncapOnly: 'EnabledIPIPOnly',
}

const CALICO_DEFAULT = 'EnabledIPIPOnly'

/**
 * The routes that the datastore gives, in the words of FelixConfiguration; BGP gives the others. BGPConfiguration says
 * the same seen from the other side, and is heard where FelixConfiguration is silent. So, unlike Calico's two programs,
 * we cannot be told to write a route twice or not at all.
 */
export function settled(felix: ProgramClusterRoutes | undefined, facts: Facts): ProgramClusterRoutes {
  const bgp = fromBgpConfiguration(facts)
  return felix ?? (bgp && opposite[bgp]) ?? CALICO_DEFAULT
}

/** What is wrong with the two for nodes that run calico-node. */
export function contradiction(felix: ProgramClusterRoutes | undefined, facts: Facts): string | undefined {
  const bgp = fromBgpConfiguration(facts)
  if (!felix || !bgp || opposite[bgp] === felix) return undefined
  return (
    `programClusterRoutes is ${felix} in FelixConfiguration and ${bgp} in BGPConfiguration: on nodes with calico-node ` +
    `some routes have two writers or none; make the latter ${opposite[felix]}`
  )
}

function fromBgpConfiguration({ bgpConfigurations }: Facts): ProgramClusterRoutes | undefined {
  return bgpConfigurations.get('default')?.programClusterRoutes
}
