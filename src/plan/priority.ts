// How nodes tell each other the priority of a route, which is its metric: as LOCAL_PREF, in Calico v3.32 and later.

/** The sum of both. */
const SUM = 0x7fffffff

/** Calico's priority of routes that nobody gave another. */
export const NORMAL_PRIORITY = 1024

/** What a priority is as LOCAL_PREF. */
export function localPrefOf(priority: number): number {
  return SUM - priority
}
