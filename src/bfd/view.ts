// A BFD session as people are shown it.

import type { State } from './packet.ts'
import type { BfdSettings } from './session.ts'

/** The settings are what we ask for; the other end may want it slower. */
export interface BfdView extends BfdSettings {
  readonly state: State
  /** Whether the peer may be behind routers (RFC 5883). */
  readonly multihop: boolean
  /** Why it is not up: what it went down of, or why nothing can be heard. */
  readonly trouble?: string
}
