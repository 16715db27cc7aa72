// Waiting for a condition, with a deadline. The lab never sleeps for a guessed time.

import { setTimeout as delay } from 'node:timers/promises'

export interface Patience {
  /** Longer in the virtual machine, as is `everyMs`. */
  readonly deadlineMs: number
  /** Between two looks. */
  readonly everyMs?: number
  readonly signal?: AbortSignal | undefined
}

/** How many times as long everything may take: the virtual machine sets it for what runs inside. */
const patience = Number(process.env.CARACAL_LAB_PATIENCE ?? 1)

/**
 * In the virtual machine a look can cost seconds of the only processor: two thirds of it are left to what is looked at.
 */
function restAfter(lookMs: number): number {
  return patience > 1 ? 2 * lookMs : 0
}

/** A time limit as it holds here, in the unit it is given in. */
export function patient(limit: number): number {
  return limit * patience
}

/**
 * Asks `look` again and again until it gives something other than undefined or false.
 * Undefined when the deadline passes first. @throws what `look` throws, and AbortError when the signal says so
 */
export async function until<T>(
  look: () => Promise<T | undefined | false> | T | undefined | false,
  { deadlineMs, everyMs = 50, signal }: Patience,
): Promise<T | undefined> {
  const deadline = Date.now() + patient(deadlineMs)
  for (;;) {
    signal?.throwIfAborted()
    const begin = Date.now()
    const found = await look()
    if (found !== undefined && found !== false) return found
    if (Date.now() >= deadline) return undefined
    await delay(Math.max(patient(everyMs), restAfter(Date.now() - begin)), undefined, { signal })
  }
}

/** Runs `work` on each item, `width` at a time; answers in the order of the items. */
export async function inBatches<T, R>(
  items: readonly T[],
  width: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const answers = new Array<R>(items.length)
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const at = next++
      answers[at] = await work(items[at]!)
    }
  }
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, worker))
  return answers
}
