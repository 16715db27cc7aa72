// What a setting is: a row of the table in settings.ts.

import type { SettingType } from './types.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** What a default may depend on. */
export interface Surroundings {
  readonly environment: Environment
  /** Name of the host, used when nothing else names the node. */
  readonly hostname: string
  /** What an earlier start left in CALICO_NODENAME_FILE. */
  readonly recordedNodename?: string | undefined
}

export interface Setting<T> {
  /** Environment variables; the first that is set and right wins. Empty counts as unset. */
  readonly environment: readonly [string, ...string[]]
  /** Field of FelixConfiguration `spec`. */
  readonly felix?: string
  readonly type: SettingType<T>
  readonly default: NoInfer<T>
  /** A better default than `default`, and where it comes from. */
  readonly derived?: (
    from: Surroundings,
  ) => { readonly value: NoInfer<T>; readonly source: string } | undefined
  /** How docs/settings.md tells a default that is not a constant. */
  readonly defaultText?: string
  /** Taken while running. The environment cannot change then, so only what a resource can say may be. */
  readonly live: boolean
  /** Never printed, logged or sent to anybody. */
  readonly secret?: true
  /** One line for people. */
  readonly meaning: string
}

/** Lets the compiler see that type and default of a row agree. */
export function row<T>(setting: Setting<T>): Setting<T> {
  return setting
}
