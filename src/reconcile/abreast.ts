// Reconcilers of which none leans on another, as one: what there is to write is written at the same time.

import type { Reconcilable } from './loop.ts'
import { earliest } from './refusals.ts'

export function abreast(...all: readonly Reconcilable[]): Reconcilable {
  const each = async (act: (one: Reconcilable) => Promise<void>): Promise<void> => {
    await Promise.all(all.map(act))
  }
  return {
    resync: () => each((one) => one.resync()),
    put: () => each((one) => one.put()),
    prune: () => each((one) => one.prune()),
    backlog: (prune) => all.reduce((sum, one) => sum + one.backlog(prune), 0),
    nextRetry: () => earliest(all.map((one) => one.nextRetry())),
  }
}
