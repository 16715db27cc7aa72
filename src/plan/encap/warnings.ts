// What of the pools' encapsulation is not in force, or not as somebody meant it, for `agent status`: with reason and cure.

import type { IpPool } from '../../cluster/model.ts'
import { FAMILIES } from '../../inet/address.ts'
import { isHost, prefixLength } from '../../inet/prefix.ts'
import { type Facts, hostAddresses } from '../facts.ts'
import type { LocalInputs } from './devices.ts'
import { describe, encapsulationOf, isFromDatastore } from './index.ts'
import { deviceOf, type Local, vxlanDevice } from './local.ts'
import { contradiction } from './program-cluster-routes.ts'
import { vxlan } from './vxlan.ts'

export interface WarningInputs extends Pick<LocalInputs, 'facts' | 'links' | 'settings'> {
  readonly local: Local
  readonly bgpEnabled: boolean
}

export function tunnelWarnings(inputs: WarningInputs): string[] {
  const { facts, local, settings } = inputs
  const contradicting = contradiction(settings.tunnels.programClusterRoutes, facts)
  return [
    ...poolsNotInForce(inputs),
    ...subnetWarnings(inputs),
    ...addressWarnings(facts),
    ...mtuWarnings(local),
    ...(contradicting ? [contradicting] : []),
  ]
}

/** The pools whose routes cannot be had, each with its reason. */
export function poolsNotInForce(inputs: WarningInputs): string[] {
  return [...inputs.facts.pools()].flatMap((pool) => poolWarning(pool, inputs) ?? [])
}

/** Why the routes of a pool cannot be had. */
function poolWarning(pool: IpPool, { local, bgpEnabled }: WarningInputs): string | undefined {
  const encapsulation = encapsulationOf(pool)
  if (!encapsulation) return undefined
  const what = `pool ${pool.name} (${describe(encapsulation, pool)}) is not in force`
  if (encapsulation.tunnel) {
    const device = deviceOf(encapsulation === vxlan ? vxlanDevice[pool.family] : 'tunl0', local)
    if ('declined' in device) return `${what}: ${device.declined}`
  }
  if (bgpEnabled || isFromDatastore(encapsulation, local)) return undefined
  return `${what}: BGP is to bring its routes and is switched off; with programClusterRoutes Enabled the datastore gives them`
}

/** CrossSubnet asks the mask of this node's address, so a wrong one means tunnels or direct ways where none should be. */
function subnetWarnings({ facts, links, local }: WarningInputs): string[] {
  return FAMILIES.flatMap((family) => {
    const pool = [...facts.pools()].find((one) => one.family === family && isCrossSubnet(one))
    const { address, subnet, parent } = local.ends[family]
    if (!pool || !address || !subnet) return []
    const given = `${address}/${prefixLength(subnet)}`
    if (isHost(subnet))
      return [
        `pool ${pool.name} is CrossSubnet, but ${given} of this node has no subnet: all goes through the tunnel; give the address its mask (IP, spec.bgp)`,
      ]
    const actual =
      'device' in parent && links.get(parent.device)?.addresses.find((one) => one.address === address)
    if (!actual || actual.prefix === subnet) return []
    return [
      `pool ${pool.name} is CrossSubnet and asks the mask of ${given} in the Node resource, but ${parent.device} has /${prefixLength(actual.prefix)}`,
    ]
  })
}

function isCrossSubnet(pool: IpPool): boolean {
  return encapsulationOf(pool)?.mode(pool) === 'CrossSubnet'
}

/** Such a node has no route of its own: what carries tunnels must not travel in them (Calico #13116). */
function addressWarnings(facts: Facts): string[] {
  return [...facts.nodes.values()].flatMap((node) =>
    [...hostAddresses(node)].flatMap((address) => {
      const pool = facts.poolOf(address)
      return pool
        ? [`address ${address} of node ${node.name} is inside pool ${pool.name}: give the pool another range`]
        : []
    }),
  )
}

function mtuWarnings({ devices, hostMtu }: Local): string[] {
  return Object.values(devices).flatMap(({ tunnel }) =>
    tunnel && tunnel.mtu > hostMtu
      ? [
          `the MTU ${tunnel.mtu} set for ${tunnel.name} is above that of the host, ${hostMtu}: large packets will be lost`,
        ]
      : [],
  )
}
