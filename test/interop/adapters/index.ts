// The daemons, in the order of the docs.

import type { Adapter } from '../daemon.ts'
import { bird } from './bird.ts'
import { frr } from './frr.ts'

export const ADAPTERS: readonly Adapter[] = [bird, frr]
