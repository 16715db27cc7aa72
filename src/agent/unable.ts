// What keeps the agent from running at all, and the exit code that says so; docs/exit-codes.md has the table.
//
// It is short on purpose: where calico-node exits to be started anew, over a datastore that is away, credentials that are
// refused or an address that is missing, an agent that runs keeps sessions and routes, says what is wrong, and waits.

import { SettingError } from '../config/error.ts'
import type { ResolvedSettings } from '../config/resolve.ts'
import { type Setting, settings } from '../config/settings.ts'
import { SocketTakenError } from '../edge/control/server.ts'
import { CommandError } from '../edge/kernel/run.ts'

/** By which it is known who we are and whose data we follow: another value in their place could be another cluster's. */
const DECISIVE: ReadonlySet<string> = new Set(
  [settings.nodename, settings.datastoreType, settings.datastorePath, settings.etcdEndpoints].flatMap(
    ({ environment }: Setting<unknown>) => environment,
  ),
)

/** @throws SettingError when a decisive setting has a value that cannot be used */
export function refuseSettings({ problems }: Pick<ResolvedSettings, 'problems'>): void {
  const wrong = problems.find(({ subject }) => DECISIVE.has(subject))
  if (wrong) throw new SettingError(wrong.subject, wrong.message)
}

/** First match wins. */
const OUTCOMES: readonly (readonly [is: (error: unknown) => boolean, exitCode: number])[] = [
  [(error) => error instanceof SettingError, 2], // to start again will not help
  [(error) => error instanceof SocketTakenError, 1],
  [(error) => error instanceof CommandError, 1],
  [(error) => error instanceof Error && 'syscall' in error, 1],
]

/** The exit code for what was thrown at start; undefined when it is a fault of ours. */
export function exitCodeOf(error: unknown): number | undefined {
  return OUTCOMES.find(([is]) => is(error))?.[1]
}
