// Addresses and prefixes as text in one piece.
//
// What `+` and templates make is a chain of pieces until somebody looks inside: the first lookup of a Map under it costs
// ten times what flat text costs there, and each later one twice. So letters are written one by one, and read at once.

const DOT = '.'.charCodeAt(0)
const COLON = ':'.charCodeAt(0)
const SLASH = '/'.charCodeAt(0)
const ZERO = '0'.charCodeAt(0)
/** What stands for 10 and more is so far beyond the digits. */
const LETTERS = 'a'.charCodeAt(0) - 10 - ZERO

/** `latin1Slice` is what `toString('latin1')` comes to, at half the price. */
const room = Buffer.alloc(64) as Buffer & { latin1Slice(start: number, end: number): string }

/** `192.0.2.1` of 32 bits, signed or not; with a length `192.0.2.1/32`. */
export function ipv4Text(word: number, length?: number): string {
  let at = writeDecimal(word >>> 24, 0)
  for (let shift = 16; shift >= 0; shift -= 8) {
    room[at++] = DOT
    at = writeDecimal((word >>> shift) & 0xff, at)
  }
  return finish(at, length)
}

/**
 * 16 octets as RFC 5952 §4 has them: lower case, no leading zeros, the longest run of two or more zero groups as `::`, the
 * first if several. With a length if there is one.
 */
export function ipv6Text(octets: Uint8Array, length?: number): string {
  const zeros = longestZeros(octets)
  let at = 0
  for (let group = 0; group < 8; group++) {
    if (group === zeros.from) {
      room[at++] = COLON
      if (zeros.to === 8) room[at++] = COLON
      group = zeros.to - 1
    } else {
      if (group > 0) room[at++] = COLON
      at = writeHexadecimal(groupOf(octets, group), at)
    }
  }
  return finish(at, length)
}

/** Groups `from` up to, but not including, `to`; `from` is -1 when there are no two of them in a row. */
function longestZeros(octets: Uint8Array): { readonly from: number; readonly to: number } {
  let longest = { from: -1, to: 0 }
  for (let from = 0; from < 7; from++) {
    let to = from
    while (to < 8 && groupOf(octets, to) === 0) to++
    if (to - from > Math.max(1, longest.to - longest.from)) longest = { from, to }
    from = Math.max(from, to)
  }
  return longest
}

function groupOf(octets: Uint8Array, group: number): number {
  return (octets[2 * group]! << 8) | octets[2 * group + 1]!
}

function writeDecimal(value: number, at: number): number {
  if (value >= 100) room[at++] = ZERO + Math.floor(value / 100)
  if (value >= 10) room[at++] = ZERO + (Math.floor(value / 10) % 10)
  room[at++] = ZERO + (value % 10)
  return at
}

function writeHexadecimal(value: number, at: number): number {
  for (let shift = 12; shift >= 0; shift -= 4) {
    const digit = (value >> shift) & 0xf
    if (shift === 0 || value >> shift > 0) room[at++] = ZERO + digit + (digit < 10 ? 0 : LETTERS)
  }
  return at
}

/** All that is written up to `at`, and a slash and `length` after it if there is one. */
function finish(at: number, length: number | undefined): string {
  if (length === undefined) return room.latin1Slice(0, at)
  room[at] = SLASH
  return room.latin1Slice(0, writeDecimal(length, at + 1))
}
