// Tunnel devices and FDB entries, kept up to date, and this node's side of the routes to other nodes.
//
// That side is one value, looked at again whenever something it might follow from has
// changed; only when it comes out different does the change reach the routes.

import type { Node } from '../cluster/model.ts'
import { Derived, sameJson, sameRecord } from './derived.ts'
import { type LocalInputs, localOf } from './encap/devices.ts'
import type { Local } from './encap/local.ts'
import { fdbEntryFor, vtepsOf } from './encap/vteps.ts'
import { type FdbEntry, fdbKey, type Tunnel, type TunnelName } from './wanted.ts'

/** What `settle` found different, by name of the device and `DEVICE MAC`. */
export interface TunnelChanges {
  readonly tunnels: ReadonlyMap<TunnelName, Tunnel | undefined>
  readonly fdb: ReadonlyMap<string, FdbEntry | undefined>
}

export class Tunnels {
  readonly #inputs: () => LocalInputs
  #local: Local
  #isDoubtful = true
  readonly #devices = new Derived<TunnelName, Tunnel>((name) => this.#local.devices[name].tunnel, sameJson)
  readonly #fdb = new Derived<string, FdbEntry>(
    (key) => fdbEntryFor(key, { facts: this.#inputs().facts, local: this.#local }),
    sameRecord,
  )

  constructor(inputs: () => LocalInputs) {
    this.#inputs = inputs
    this.#local = localOf(inputs())
  }

  get dirty(): boolean {
    return this.#isDoubtful || this.#devices.dirty || this.#fdb.dirty
  }

  /** As of the last `refresh`. */
  get local(): Local {
    return this.#local
  }

  get devices(): ReadonlyMap<TunnelName, Tunnel> {
    return this.#devices.values
  }

  get fdb(): ReadonlyMap<string, FdbEntry> {
    return this.#fdb.values
  }

  /** Something changed that our side may follow from. */
  doubt(): void {
    this.#isDoubtful = true
  }

  /** A node came, went or changed. */
  touch(node: Node): void {
    for (const vtep of vtepsOf(node)) this.#fdb.touch(fdbKey(vtep))
  }

  /** True when our side is not what it was: all that leads to other nodes has to be looked at. */
  refresh(): boolean {
    if (!this.#isDoubtful) return false
    this.#isDoubtful = false
    const before = this.#local
    this.#local = localOf(this.#inputs())
    for (const name of Object.keys(this.#local.devices) as TunnelName[]) this.#devices.touch(name)
    return !sameJson(before, this.#local)
  }

  settle(): TunnelChanges {
    return { tunnels: this.#devices.settle(), fdb: this.#fdb.settle() }
  }
}
