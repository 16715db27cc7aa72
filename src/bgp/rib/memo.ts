// What was made once for a key is not made again.

import { type Family, familyOf } from '../../inet/address.ts'
import type { Path } from '../types.ts'
import type { PathAttributes } from '../wire/message.ts'
import type { RibPeer } from './peer.ts'

interface Table<K, V> {
  get(key: K): V | undefined
  set(key: K, value: V): unknown
}

/** The value of a key, made when it is asked for the first time. */
export function memo<K, V>(table: Table<K, V>, key: K, make: () => V): V {
  const known = table.get(key)
  if (known !== undefined) return known
  const made = make()
  table.set(key, made)
  return made
}

/** Stands for ourselves where a path came from no peer. */
const OURSELVES = {}

/**
 * What `make` says of a path, where that depends on nothing but its attributes, its family and the peer it came from: once
 * for all prefixes that have these in common.
 */
export function memoByAttributes<V extends object | string>(
  make: (path: Path, from: RibPeer | undefined) => V,
): (path: Path, from: RibPeer | undefined) => V {
  const newTable = () => new WeakMap<PathAttributes, V>()
  const known: Readonly<Record<Family, WeakMap<object, WeakMap<PathAttributes, V>>>> = {
    ipv4: new WeakMap(),
    ipv6: new WeakMap(),
  }
  return (path, from) => {
    const ofPeer = memo(known[familyOf(path.prefix)], from ?? OURSELVES, newTable)
    return memo(ofPeer, path.attributes, () => make(path, from))
  }
}
