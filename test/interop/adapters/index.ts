// The daemons, in the order of the docs.

import type { Adapter } from '../daemon.ts'
import { bird } from './bird.ts'
import { exabgp } from './exabgp.ts'
import { frr } from './frr.ts'
import { gobgp } from './gobgp.ts'
import { openbgpd } from './openbgpd.ts'

export const ADAPTERS: readonly Adapter[] = [bird, frr, gobgp, openbgpd, exabgp]
