// How much memory sets of path attributes take, where equal ones are one object (intern.ts).
//
// A prefix costs little, but a peer may give each of its own attributes of up to 65,000 octets.

import type { PathAttributes } from '../wire/message.ts'

interface Entry {
  readonly octets: number
  /** Paths that have them. */
  paths: number
}

export class AttributeWeight {
  readonly #entries = new Map<PathAttributes, Entry>()
  #octets = 0

  /** About how many octets all of them take. */
  get octets(): number {
    return this.#octets
  }

  /** One path more has these attributes. */
  add(attributes: PathAttributes): void {
    const known = this.#entries.get(attributes)
    if (known) {
      known.paths++
      return
    }
    const octets = JSON.stringify(attributes).length
    this.#entries.set(attributes, { octets, paths: 1 })
    this.#octets += octets
  }

  /** One path less has them. */
  remove(attributes: PathAttributes): void {
    const entry = this.#entries.get(attributes)!
    if (--entry.paths > 0) return
    this.#entries.delete(attributes)
    this.#octets -= entry.octets
  }

  clear(): void {
    this.#entries.clear()
    this.#octets = 0
  }
}
