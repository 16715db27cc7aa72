// Writers of one object: who finds that another was faster reads anew, and begins again.

import { StoreError } from './feed.ts'

/** As many times as Calico's IPAM tries. Each failure means that somebody else got on. */
const ATTEMPTS = 100

/** Whether a write failed for certain, and because somebody else was faster. */
export function isRace(error: unknown): boolean {
  return error instanceof StoreError && ['conflict', 'exists', 'not-found'].includes(error.reason)
}

/**
 * Runs `work`, from its reading to its last write, until nobody interferes.
 * @throws StoreError when that does not come about, or the datastore is in trouble
 */
export async function untilUndisturbed<T>(work: () => Promise<T>, attempts = ATTEMPTS): Promise<T> {
  for (let left = attempts; ; left--) {
    try {
      return await work()
    } catch (error) {
      if (!isRace(error) || left === 1) throw error
    }
  }
}
