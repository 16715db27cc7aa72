// Tests that hold for both ways of routes to the kernel.

import t, { type Test as TapTest } from 'tap'
import type { RouteWriter } from '../../src/edge/kernel/open-route-table.ts'
import { needsRoot } from './needs-root.ts'

/** One test for each. */
export function withBoth(
  name: string,
  promise: (t: TapTest, writer: Exclude<RouteWriter, 'auto'>) => Promise<unknown>,
): void {
  for (const writer of ['iproute2', 'rtnetlink'] as const)
    t.test(`${writer}: ${name}`, needsRoot, (t) => promise(t, writer))
}
