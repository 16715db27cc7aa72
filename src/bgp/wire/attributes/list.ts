// Attributes that are lists of values of one size. An empty one is malformed, and so is one that ends within a value:
// RFC 7606 §7.8, §7.10, §7.14 and §7.15, RFC 8092 §6.

import type { Reader } from '../reader.ts'

/** The part of a row that all lists share. `read` reads one value. */
export function listOf<Value>(read: (from: Reader) => Value) {
  return {
    decode(value: Reader): Value[] {
      if (value.left === 0) throw value.malformed('empty')
      return value.all(read)
    },

    absent: (list: readonly Value[]): boolean => list.length === 0,
  }
}
