// What a story may need of the kernel, and how the kernel is asked: a device is made in a throw-away namespace, which also
// loads the module where it is to be had.

import { outcome } from '../kernel/run.ts'

export const needs = ['ipip'] as const

export type Need = (typeof needs)[number]

/** As ip(8) takes it. With addresses, since the plain one is there as soon as the module is. */
const devices: Readonly<Record<Need, readonly string[]>> = {
  ipip: ['ipip', 'local', '192.0.2.1', 'remote', '192.0.2.2'],
}

/** Those of the needs that this kernel does not meet. */
export async function missingHere(wanted: Iterable<Need>): Promise<Set<Need>> {
  const missing = new Set<Need>()
  for (const need of new Set(wanted)) {
    const make = ['ip', 'link', 'add', 'probe', 'type', ...devices[need]]
    const { code } = await outcome(['unshare', '--net', ...make])
    if (code !== 0) missing.add(need)
  }
  return missing
}
