// A real kernel followed as the agent does, without a plan: what is wanted is said by hand.

import { join } from 'node:path'
import { Kernel, type KernelOptions } from '../../src/edge/kernel/kernel.ts'
import type { KernelRoute } from '../../src/edge/kernel/kernel-route.ts'
import { openSavedState } from '../../src/edge/kernel/saved-state.ts'
import { systemClock } from '../../src/edge/system-clock.ts'
import { prefix } from '../../src/inet/prefix.ts'
import type { ForeignRoute, Link } from '../../src/plan/underlay.ts'
import type { Namespace } from './namespace.ts'
import { until } from './until.ts'

interface Test {
  teardown(run: () => unknown): void
  testdir(): string
}

export const settings: KernelOptions['settings'] = {
  workloadPrefixes: ['cali'],
  removeExternalRoutes: true,
  workloadProtocol: 3,
  resyncMs: 0,
  iptablesBackend: 'auto',
  iptablesRefreshMs: 0,
  iptablesPostWriteMs: 0,
  ipsetsRefreshMs: 0,
  removePolicyChains: false,
}

export async function follow(
  t: Test,
  ns: Namespace,
  statePath = join(t.testdir(), 'owned'),
  options: Partial<KernelOptions> = {},
) {
  const saved = openSavedState(statePath)
  saved.claim('pool', [prefix('10.65.0.0/16'), prefix('fd10::/16')])
  const underlay = { links: [] as readonly Link[], foreign: [] as readonly ForeignRoute[] }
  const warnings: string[] = []
  const kernel = new Kernel({
    clock: systemClock,
    saved,
    settings,
    routeWriter: 'auto',
    namespace: ns.name,
    isInformed: () => true,
    onUnderlay: (links, foreign) => Object.assign(underlay, { links, foreign }),
    mayPrune: () => true,
    onWritten: () => {},
    onRound: () => {},
    onWarning: (what, reason) => warnings.push(`${what}: ${reason}`),
    ...options,
  })
  t.teardown(() => kernel.stop())
  await kernel.start()
  const want = (...routes: KernelRoute[]): Promise<void> => {
    for (const route of routes) kernel.routes.want(route.prefix, route)
    kernel.changed()
    return until('all wanted routes in force', () =>
      routes.every((route) => kernel.routes.inForce(route.prefix)),
    )
  }
  const unwant = (...texts: string[]): void => {
    for (const text of texts) kernel.routes.want(text, undefined)
    kernel.changed()
  }
  return { kernel, saved, underlay, warnings, want, unwant }
}
