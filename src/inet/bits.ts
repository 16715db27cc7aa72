// The leading bits of addresses and prefixes, as numbers: for those that compare many.

import { addressWords, familyBits, familyOf } from './address.ts'

/** Leading bits as signed 32-bit words; the bits beyond `length` mean nothing. */
export interface Bits {
  readonly words: readonly number[]
  readonly length: number
}

/** The last two that were asked for: many things are asked of one destination in a row, by comparing it with others. */
let recent = { of: '', bits: { words: [], length: 0 } as Bits }
let former = recent

/** Of an `Address` or a `Prefix`. */
export function bitsOf(of: string): Bits {
  if (recent.of === of) return recent.bits
  const known = former.of === of ? former : { of, bits: readBits(of) }
  former = recent
  recent = known
  return known.bits
}

function readBits(of: string): Bits {
  const slash = of.indexOf('/')
  if (slash < 0) return { words: addressWords(of), length: familyBits(familyOf(of)) }
  return { words: addressWords(of, slash), length: Number(of.slice(slash + 1)) }
}

export function bitAt(bits: Bits, index: number): 0 | 1 {
  return ((bits.words[index >> 5]! >>> (31 - (index & 31))) & 1) as 0 | 1
}

/** How many leading bits two of one family have in common, at most the length of the shorter. */
export function sharedLength(a: Bits, b: Bits): number {
  const most = Math.min(a.length, b.length)
  for (let word = 0; word * 32 < most; word++) {
    const differ = a.words[word]! ^ b.words[word]!
    if (differ !== 0) return Math.min(most, word * 32 + Math.clz32(differ))
  }
  return most
}
