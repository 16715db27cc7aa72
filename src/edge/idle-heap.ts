// What V8 has taken for a start or a burst of news, given back once there is nothing to do: 18 MB of a small node,
// and 6 of what malloc holds.
//
// V8 should do that itself. That of Node 24 takes a process for busy in whose C++ parts nothing is allocated
// (https://issues.chromium.org/issues/570738027), and so comes to ours after 100 s at the earliest. In steps, at least,
// which is what a large heap is left to: collecting one of 18 MB at once holds up everything for 50 ms.

import { getHeapSpaceStatistics } from 'node:v8'
import { trimMemory } from './libc.ts'

/** What is asked of this process. */
export interface HeapProcess {
  /** Microseconds of processor time since the start. */
  readonly used: () => number
  /** Octets in use, and those taken for new objects. */
  readonly heap: () => { readonly used: number; readonly young: number }
  /** Collects all that can be, and lets go of what is free then. */
  readonly collect: () => void
}

const LOOK_EVERY_MS = 1_000
/** Of processor time from look to look: a hundredth. */
const BUSY_US = 10_000
/** V8 begins with less than 1 MB for new objects, and goes up to 16 (--max-semi-space-size). */
const WORTHWHILE = 4_000_000
const LARGE = 32_000_000

/** Looks every second, where Node has been started with `--expose-gc`. Keeps no process alive. */
export function keepHeapSmall(): void {
  const self = thisProcess()
  if (self) setInterval(keeper(self), LOOK_EVERY_MS).unref()
}

/** To be called every second. Collects in the first with nothing to do. */
export function keeper({ used, heap, collect }: HeapProcess): () => void {
  let before = used()
  let wasBusy = true
  return () => {
    const isBusy = used() - before >= BUSY_US
    if (wasBusy && !isBusy && isWorthwhile(heap())) collect()
    before = used()
    wasBusy = isBusy
  }
}

function thisProcess(): HeapProcess | undefined {
  const { gc } = globalThis
  return (
    gc && {
      used: () => {
        const { user, system } = process.cpuUsage()
        return user + system
      },
      heap: () => {
        const spaces = getHeapSpaceStatistics()
        const young = spaces.find(({ space_name }) => space_name === 'new_space')
        return {
          used: spaces.reduce((sum, space) => sum + space.space_used_size, 0),
          young: young?.physical_space_size ?? 0,
        }
      },
      collect() {
        gc({ type: 'major', execution: 'sync', flavor: 'last-resort' })
        trimMemory() // takes a millisecond
      },
    }
  )
}

function isWorthwhile({ used, young }: ReturnType<HeapProcess['heap']>): boolean {
  return young >= WORTHWHILE && used <= LARGE
}
