// Local workloads, as several parts of the plan ask about them.

import type { Workload } from '../cluster/model.ts'
import type { Facts } from './facts.ts'

/** Two endpoints on one interface name: the smaller id holds it, the other waits. */
export function holdsInterface(workload: Workload, facts: Facts): boolean {
  const [first] = [...facts.workloadsByInterface.get(workload.interfaceName)].sort()
  return first !== undefined && facts.workloads.get(first) === workload
}

export function describe(workload: Workload): string {
  return `workload ${workload.namespace}/${workload.pod ?? workload.name}`
}
