// What a source has to say about a destination.

import type { Route } from './wanted.ts'

/** The source knows the destination but gives no route, and why. */
export interface Declined {
  readonly declined: string
}

/** Undefined: the source does not know the destination. */
export type Offer = Route | Declined | undefined
