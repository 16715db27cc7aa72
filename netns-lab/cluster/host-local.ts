// Addresses without Calico's IPAM: those of a node come from the ranges that Kubernetes gave it, and no document says so.
// CNI plugins plugins/ipam/host-local/backend/allocator.

import { type Address, familyBits, familyOf } from '../../src/inet/address.ts'
import { nthAddress, type Prefix, prefixLength } from '../../src/inet/prefix.ts'

/** The second address of a range is the gateway's, which with Calico is the tunnel's. */
const firstFree = 2

/** The next free address of each range. @throws RangeError when there is none */
export function hostLocalAddresses(
  ranges: readonly Prefix[],
  pods: readonly { readonly addresses: readonly string[] }[],
): readonly Address[] {
  const taken = new Set(pods.flatMap(({ addresses }) => addresses))
  return ranges.map((range) => {
    const size = 2 ** Math.min(familyBits(familyOf(range)) - prefixLength(range), 16)
    for (let at = firstFree; at < size; at++) {
      const address = nthAddress(range, at)
      if (!taken.has(address)) return address
    }
    throw new RangeError(`${range} has no free address`)
  })
}
