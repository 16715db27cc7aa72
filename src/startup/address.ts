// The address a Node resource is to have in one family, from IP or IP6, the method, and what it says now
// (Calico node/pkg/lifecycle/startup/startup.go, configureIPsAndSubnets).

import type { DetectionMethod, NodeAddress } from '../config/startup-types.ts'
import { FAMILY_NAMES, type Family, familyOf } from '../inet/address.ts'
import { type Cidr, hostPrefix, parseCidr } from '../inet/prefix.ts'
import { detect } from './detect.ts'
import { StartupError } from './error.ts'
import { type Host, held, spelt } from './host.ts'

export interface AddressWish {
  /** What IP or IP6 says. */
  readonly given: NodeAddress | undefined
  readonly method: DetectionMethod
}

export interface AddressAnswer {
  /** As in the resource: `172.20.0.11/24`. Undefined: none. */
  readonly address: string | undefined
  readonly warnings: readonly string[]
}

export const variables: Readonly<Record<Family, 'IP' | 'IP6'>> = { ipv4: 'IP', ipv6: 'IP6' }

/** `stored` is the address in the resource, if any. @throws StartupError when one was asked for and none can be had */
export function addressFor(
  family: Family,
  { given, method }: AddressWish,
  stored: string | undefined,
  host: Host,
): AddressAnswer {
  if (typeof given === 'object') return answer(spelt(withSubnet(given, family, host)), host)
  // An IPv6 address is looked for only when asked for.
  const isWanted = given === 'autodetect' || (given === undefined && family === 'ipv4' && !stored)
  if (!isWanted) return answer(stored, host)
  const detected = detect(method, family, host)
  if ('found' in detected) return answer(spelt(detected.found), host)
  const failure = `${method.text}: ${detected.none}`
  if (!stored)
    throw new StartupError(`${variables[family]}_AUTODETECTION_METHOD`, `${failure}. ${cure(family)}`)
  const { address, warnings } = answer(stored, host)
  return { address, warnings: [`${failure}; the node keeps ${stored}`, ...warnings] }
}

function cure(family: Family): string {
  return `Choose another method, or set ${variables[family]} to an address or to none`
}

/** What was given without a length gets that of the interface which holds it; IPv6 does not, as in Calico. */
function withSubnet(
  { address, prefix }: Extract<NodeAddress, object>,
  family: Family,
  { interfaces }: Host,
): Cidr {
  if (prefix !== undefined) return { address, prefix }
  const alone = { address, prefix: hostPrefix(address) }
  return family === 'ipv4' ? (held(interfaces, address) ?? alone) : alone
}

/** An address that no interface has is used all the same: NAT, or an interface that is still to come. */
function answer(address: string | undefined, { interfaces }: Host): AddressAnswer {
  const cidr = address === undefined ? undefined : parseCidr(address)
  if (!cidr || held(interfaces, cidr.address)) return { address, warnings: [] }
  const whose = `the ${FAMILY_NAMES[familyOf(cidr.address)]} address of this node`
  return { address, warnings: [`no interface has ${cidr.address}, ${whose}`] }
}
