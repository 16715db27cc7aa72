// From what became of the lines of a batch to what was refused of the items they were for.

import type { Refused } from '../../reconcile/kind.ts'
import type { Outcome } from './batch.ts'
import { saysAbsent, saysPassing } from './words.ts'

/** The items whose lines the kernel would not take; line and item have the same place. */
export function refusals<T>(
  items: readonly T[],
  outcomes: readonly Outcome[],
  key: (item: T) => string,
): Refused[] {
  return items.flatMap((item, i) => {
    const reason = outcomes[i]
    return reason === undefined ? [] : { key: key(item), reason, transient: saysPassing(reason) }
  })
}

/** To remove what is not there is done. */
export function absentIsDone(outcomes: readonly Outcome[]): Outcome[] {
  return outcomes.map((words) => (words !== undefined && saysAbsent(words) ? undefined : words))
}
