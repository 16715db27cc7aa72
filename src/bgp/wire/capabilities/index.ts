// The capabilities we know, one row each, in the order of their numbers.

import { addPath } from './add-path.ts'
import { as4 } from './as4.ts'
import type { CapabilityCodec, Known, Of } from './codec.ts'
import { extendedNextHop } from './extended-next-hop.ts'
import { fqdn } from './fqdn.ts'
import { gracefulRestart } from './graceful-restart.ts'
import { longLivedGracefulRestart } from './long-lived-graceful-restart.ts'
import { multiprotocol } from './multiprotocol.ts'
import { enhancedRouteRefresh, extendedMessage, routeRefresh } from './presence.ts'
import { role } from './role.ts'
import { softwareVersion } from './software-version.ts'

/** Does not compile while a capability of message.ts has no row. */
const TABLE: { readonly [Code in Known['code']]: CapabilityCodec<Of<Code>> } = {
  multiprotocol,
  'route-refresh': routeRefresh,
  'extended-next-hop': extendedNextHop,
  'extended-message': extendedMessage,
  role,
  'graceful-restart': gracefulRestart,
  as4,
  'add-path': addPath,
  'enhanced-route-refresh': enhancedRouteRefresh,
  'long-lived-graceful-restart': longLivedGracefulRestart,
  fqdn,
  'software-version': softwareVersion,
}

export type AnyCapability = CapabilityCodec<Known>

const ROWS: readonly AnyCapability[] = Object.values(TABLE)

export const BY_CODE: ReadonlyMap<string, AnyCapability> = new Map(ROWS.map((row) => [row.code, row]))
export const BY_NUMBER: ReadonlyMap<number, AnyCapability> = new Map(ROWS.map((row) => [row.number, row]))
