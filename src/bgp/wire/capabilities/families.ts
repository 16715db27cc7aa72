// Capabilities that list families: what they say of others than ours is left out.

import type { Family } from '../../../inet/address.ts'

/** Those of `listed` that are of a family of ours. */
export function ofOurs<T extends { readonly family: Family | 'other' }>(
  listed: readonly T[],
): (T & { readonly family: Family })[] {
  return listed.filter((one): one is T & { readonly family: Family } => one.family !== 'other')
}
