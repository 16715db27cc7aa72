// One thing that is measured, of every contestant that can do it.

import type { Contestant, Running } from './contestant.ts'
import type { Ground } from './ground.ts'

/** By name, such as `10,000 in`. */
export type Figures = Readonly<Record<string, number>>

export interface Measure {
  readonly name: string
  readonly title: string
  readonly unit: 's' | 'ms' | 'µs' | 'MB' | '% of a core'
  /** How many routes or clients, and how many when it is only tried out. */
  readonly sizes: readonly number[]
  readonly smoke: number
  takes(contestant: Contestant, size: number): boolean
  /** Whether one run is enough of it: its figures hardly differ, or take minutes and are far from ours. */
  once?(contestant: Contestant, size: number): boolean
  run(ground: Ground, contestant: Contestant, size: number): Promise<Figures>
}

/** A daemon for as long as `use` takes; nothing of it is left. */
export async function withDaemon<T>(
  ground: Ground,
  start: () => Running,
  use: (running: Running) => Promise<T>,
): Promise<T> {
  const running = start()
  try {
    return await use(running)
  } catch (error) {
    throw new Error(`${(error as Error).message}\n${running.log}`, { cause: error })
  } finally {
    await running.kill()
    ground.sweep()
  }
}

export function shown(count: number): string {
  return count.toLocaleString('en')
}
