// The members of an update group, and what of their one table each of them must not have: paths it sent us itself, and
// those whose next hop it is, since it would send the packets back to us.

import type { Address } from '../../inet/address.ts'
import type { Told } from './export.ts'
import { memo } from './memo.ts'
import type { RibPeer } from './peer.ts'

const NOBODY: readonly string[] = []

export class Members {
  readonly #addresses = new Map<string, Address>()
  readonly #byAddress = new Map<Address, string>()
  /** How many paths of the table are withheld from each. */
  readonly #withheld = new Map<string, number>()

  get size(): number {
    return this.#addresses.size
  }

  names(): Iterable<string> {
    return this.#addresses.keys()
  }

  /** `table`: what it holds now. */
  add({ name, address }: RibPeer, table: readonly { readonly told: Told }[]): void {
    this.#addresses.set(name, address)
    this.#byAddress.set(address, name)
    const isWithheld = new Map<Told, boolean>()
    const withheld = table.filter(({ told }) =>
      memo(isWithheld, told, () => this.withheldFrom(told).includes(name)),
    )
    this.#withheld.set(name, withheld.length)
  }

  delete(name: string): void {
    this.#byAddress.delete(this.#addresses.get(name)!)
    this.#addresses.delete(name)
    this.#withheld.delete(name)
  }

  /** Those that must not have it. */
  withheldFrom(told: Told | undefined): readonly string[] {
    if (!told) return NOBODY
    const { source: peer, attributes } = told
    const source = peer !== null && this.#addresses.has(peer) ? peer : undefined
    const target = this.#byAddress.get(attributes.nextHop!)
    if (source === undefined && target === undefined) return NOBODY
    return [...new Set([source, target])].filter((name) => name !== undefined)
  }

  /** So many paths more are withheld from each of these. */
  count(names: readonly string[], more: 1 | -1): void {
    for (const name of names) this.#withheld.set(name, this.#withheld.get(name)! + more)
  }

  /** How many paths of the table a member must not have. */
  withheld(name: string): number {
    return this.#withheld.get(name)!
  }
}
