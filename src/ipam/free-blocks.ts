// Which blocks of a pool nobody has yet. Every node starts its search somewhere else and goes round the pool, so that
// nodes that start together seldom want the same one. Calico: libcalico-go/lib/ipam/ipam_block_reader_writer.go.

import type { IpPool } from '../cluster/model.ts'
import { familyBits } from '../inet/address.ts'
import { addressOfNumber, numberOf } from '../inet/number.ts'
import { contains, type Prefix, prefixAddress, prefixLength, prefixOf } from '../inet/prefix.ts'

/** Random numbers of 2^53 steps do not reach every block of a wide IPv6 pool; it need not. */
const STEPS = 53n

/**
 * Blocks of the pool's size that overlap no existing one and are not reserved as a whole.
 * @param random where to start: at least 0, less than 1
 */
export function* freeBlocks(
  pool: IpPool,
  existing: readonly Prefix[],
  reservations: readonly Prefix[],
  random: number,
): Generator<Prefix> {
  const total = 1n << BigInt(pool.blockSize - prefixLength(pool.cidr))
  const start = (BigInt(Math.floor(random * 2 ** Number(STEPS))) * total) >> STEPS
  const taken = takenIn(pool, existing)
  const reserved = reservations.filter((range) => prefixLength(range) <= pool.blockSize)
  for (let step = 0n; step < total; step++) {
    const index = (start + step) % total
    const block = blockAt(pool, index)
    const range = [...taken.wider, ...reserved].find((range) => contains(range, block))
    // A range may be as wide as an IPv6 pool: its end is found by arithmetic, not by walking there.
    if (range) step += lastIndexIn(pool, range, total) - index
    else if (!taken.sameSize.has(block)) yield block
  }
}

function blockAt({ cidr, blockSize, family }: IpPool, index: bigint): Prefix {
  const hostBits = BigInt(familyBits(family) - blockSize)
  return prefixOf(addressOfNumber(numberOf(prefixAddress(cidr)) + (index << hostBits), family), blockSize)
}

/** The number of the last block of the pool that the range covers. */
function lastIndexIn({ cidr, blockSize, family }: IpPool, range: Prefix, total: bigint): bigint {
  if (contains(range, cidr)) return total - 1n
  const bits = familyBits(family)
  const first = (numberOf(prefixAddress(range)) - numberOf(prefixAddress(cidr))) >> BigInt(bits - blockSize)
  return first + (1n << BigInt(blockSize - prefixLength(range))) - 1n
}

/** Blocks keep the size they were made with, also when the pool has another one by now. */
function takenIn({ cidr: pool, blockSize }: IpPool, existing: readonly Prefix[]) {
  const near = existing.filter((cidr) => contains(pool, cidr) || contains(cidr, pool))
  const others = near.filter((cidr) => prefixLength(cidr) >= blockSize)
  return {
    wider: near.filter((cidr) => prefixLength(cidr) < blockSize),
    sameSize: new Set(others.map((cidr) => prefixOf(prefixAddress(cidr), blockSize))),
  }
}
