import { bareWatcher } from './bare-watcher.ts'
import { bird } from './bird.ts'
import { frr } from './frr.ts'
import { gobgp } from './gobgp.ts'
import { openbgpd } from './openbgpd.ts'
import { byIproute2, ours } from './ours.ts'

/** Ours first: tables are ratios to the others. */
export const CONTESTANTS = [ours, byIproute2, bird, frr, gobgp, openbgpd, bareWatcher] as const
export const OURS = ours.name
