// Values by IP prefix, with longest match: a path-compressed binary trie (PATRICIA), one root per family.
//
// A node stands for a run of leading bits. It either holds an entry or is a
// fork, where two entries below part ways; so there are fewer nodes than twice
// the entries, and no operation visits more nodes than a prefix has bits.

import { type Address, type Family, familyOf } from './address.ts'
import { type Bits, bitAt, bitsOf, sharedLength } from './bits.ts'
import { type Prefix, prefixLength } from './prefix.ts'

export interface PrefixEntry<V> {
  readonly prefix: Prefix
  readonly value: V
}

interface Node<V> extends Bits {
  entry: PrefixEntry<V> | undefined
  /** By the bit that follows ours. */
  readonly below: [zero: Node<V> | undefined, one: Node<V> | undefined]
}

/**
 * A Map whose keys are prefixes of both families. Entries come out in address order, a shorter prefix before those
 * inside it, IPv4 first. Lookups cost the depth of the trie, never its size. Answers are copies: changing the map while
 * walking one is safe.
 */
export class PrefixMap<V> {
  readonly #roots: Record<Family, Node<V>> = { ipv4: node(bitsOf('0.0.0.0/0')), ipv6: node(bitsOf('::/0')) }
  #size = 0

  get size(): number {
    return this.#size
  }

  get(prefix: Prefix): V | undefined {
    return this.#find(prefix)?.entry?.value
  }

  has(prefix: Prefix): boolean {
    return this.#find(prefix)?.entry !== undefined
  }

  set(prefix: Prefix, value: V): this {
    const at = this.#insert(prefix)
    if (!at.entry) this.#size++
    at.entry = { prefix, value }
    return this
  }

  /** True when there was something to delete. */
  delete(prefix: Prefix): boolean {
    const path = this.#path(prefix)
    const at = path.at(-1)!
    if (!at.entry || at.length !== prefixLength(prefix)) return false
    at.entry = undefined
    this.#size--
    // A fork that loses one of its two branches is no fork any more, hence the second step.
    for (let depth = path.length - 1; depth > Math.max(0, path.length - 3); depth--) {
      splice(path[depth - 1]!, path[depth]!)
    }
    return true
  }

  /** The most specific entry that contains `of` or equals it. */
  longest(of: Prefix | Address): PrefixEntry<V> | undefined {
    const bits = bitsOf(of)
    let found: PrefixEntry<V> | undefined
    let next: Node<V> | undefined = this.#roots[familyOf(of)]
    while (next && sharedLength(next, bits) === next.length) {
      found = next.entry ?? found
      next = next.length < bits.length ? next.below[bitAt(bits, next.length)] : undefined
    }
    return found
  }

  /** Every entry that contains `of` or equals it, shortest prefix first. */
  covering(of: Prefix | Address): PrefixEntry<V>[] {
    return this.#path(of).flatMap((node) => node.entry ?? [])
  }

  /** Every entry inside `of` or equal to it. */
  within(of: Prefix): PrefixEntry<V>[] {
    const bits = bitsOf(of)
    const last = this.#path(of).at(-1)!
    const top = last.length === bits.length ? last : last.below[bitAt(bits, last.length)]
    return top && sharedLength(top, bits) === bits.length ? [...entriesOf(top)] : []
  }

  *[Symbol.iterator](): Generator<PrefixEntry<V>> {
    yield* entriesOf(this.#roots.ipv4)
    yield* entriesOf(this.#roots.ipv6)
  }

  clear(): void {
    for (const root of Object.values(this.#roots)) {
      root.entry = undefined
      root.below.fill(undefined)
    }
    this.#size = 0
  }

  /** The nodes that contain `of` or equal it, from the root down. */
  #path(of: Prefix | Address): Node<V>[] {
    const bits = bitsOf(of)
    const path: Node<V>[] = []
    let next: Node<V> | undefined = this.#roots[familyOf(of)]
    while (next && sharedLength(next, bits) === next.length) {
      path.push(next)
      next = next.length < bits.length ? next.below[bitAt(bits, next.length)] : undefined
    }
    return path
  }

  #find(prefix: Prefix): Node<V> | undefined {
    const bits = bitsOf(prefix)
    let at: Node<V> | undefined = this.#roots[familyOf(prefix)]
    while (at && at.length < bits.length) at = at.below[bitAt(bits, at.length)]
    return at?.length === bits.length && sharedLength(at, bits) === bits.length ? at : undefined
  }

  /** The node of exactly `prefix`, made, and forked off where it parts from what is there, if need be. */
  #insert(prefix: Prefix): Node<V> {
    const bits = bitsOf(prefix)
    let at: Node<V> = this.#roots[familyOf(prefix)]
    while (at.length < bits.length) {
      const side = bitAt(bits, at.length)
      const next: Node<V> = at.below[side] ?? node(bits)
      const shared = sharedLength(next, bits)
      at = at.below[side] = shared < next.length ? fork(next, shared) : next
    }
    return at
  }
}

function node<V>(bits: Bits): Node<V> {
  return { words: bits.words, length: bits.length, entry: undefined, below: [undefined, undefined] }
}

/** A node of the first `length` bits of `below`, with `below` under it. */
function fork<V>(below: Node<V>, length: number): Node<V> {
  const made = node<V>({ words: below.words, length })
  made.below[bitAt(below, length)] = below
  return made
}

/** Takes `node` out from under `parent` unless it is needed there, for its entry or as a fork. */
function splice<V>(parent: Node<V>, node: Node<V>): void {
  const [zero, one] = node.below
  if (node.entry || (zero && one)) return
  parent.below[bitAt(node, parent.length)] = zero ?? one
}

function* entriesOf<V>(node: Node<V>): Generator<PrefixEntry<V>> {
  if (node.entry) yield node.entry
  for (const below of node.below) if (below) yield* entriesOf(below)
}
