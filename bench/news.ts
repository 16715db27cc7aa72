// A document that comes to the datastore and goes again, and how long that takes to be in a kernel.

import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Running } from './contestant.ts'
import type { RouteWatch } from './kernel.ts'
import { type Figures, shown } from './measure.ts'
import { percentile } from './stats.ts'

const TRIES = 50

/** Milliseconds from the document in a daemon's directory to what `watch` watches, each time it came. */
export async function newsTimes(
  { directory }: Running,
  document: string,
  watch: RouteWatch,
  isSmoke: boolean,
): Promise<readonly number[]> {
  const times: number[] = []
  for (let i = 0; i < (isSmoke ? 2 : TRIES); i++) {
    for (const text of [document, '']) {
      await pause(50)
      const begin = performance.now()
      put(directory, text)
      watch.wait()
      if (text) times.push(performance.now() - begin)
    }
  }
  return times
}

/** Whole at once, as a datastore of files wants it. An empty one is the document's end. */
export function put(directory: string, text: string): void {
  const store = join(directory, 'store')
  writeFileSync(join(store, '.news.new'), text)
  renameSync(join(store, '.news.new'), join(store, 'news.yaml'))
}

export function figuresBeside(size: number, times: readonly number[]): Figures {
  const beside = `beside ${shown(size)} routes`
  return { [`${beside}, median`]: percentile(times, 50), [`${beside}, p99`]: percentile(times, 99) }
}
