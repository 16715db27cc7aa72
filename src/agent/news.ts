// What the log says of the datastore: what was deleted, and which problems began and ended.

import type { AnyKind } from '../cluster/feed.ts'
import type { Problems } from '../cluster/problems.ts'
import type { Change } from '../cluster/view.ts'
import type { Log } from '../edge/observe/log.ts'

/** Too many come and go in a large cluster to be worth a line each. */
const COME_WITH_PODS: ReadonlySet<AnyKind> = new Set([
  'WorkloadEndpoint',
  'IPAMBlock',
  'BlockAffinity',
  'IPAMHandle',
  'Service',
  'EndpointSlice',
])

export function logDeletion({ kind, key, after }: Change, log: Log): void {
  if (!after) log[COME_WITH_PODS.has(kind) ? 'debug' : 'info']({ subject: key }, 'deleted from the datastore')
}

/** Those since it was last called. */
export function logProblems(problems: Problems, log: Log): void {
  const { begun, healed } = problems.news()
  for (const problem of begun) log.warn(problem, 'datastore')
  for (const subject of healed) log.info({ subject }, 'datastore healed')
}
