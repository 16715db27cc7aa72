// Capabilities that say all by being there.

import type { CapabilityCodec, Of } from './codec.ts'

type Presence = Of<'route-refresh' | 'extended-message' | 'enhanced-route-refresh'>

function presence<C extends Presence>(number: number, capability: C): CapabilityCodec<C> {
  return { number, code: capability.code, onMalformed: 'refuse', decode: () => capability, encode() {} }
}

/** RFC 2918 §2. */
export const routeRefresh = presence(2, { code: 'route-refresh' })
/** RFC 8654 §3. */
export const extendedMessage = presence(6, { code: 'extended-message' })
/** RFC 7313 §3.1. */
export const enhancedRouteRefresh = presence(70, { code: 'enhanced-route-refresh' })
