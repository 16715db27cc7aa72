// What one update group is told of a path: the protocol's rules, the operator's filters, then what the cluster asks for.
// Calico: the export filter of confd/etc/calico/confd/templates, in its order.

import { familyOf } from '../../inet/address.ts'
import type { Path } from '../types.ts'
import type { PathAttributes } from '../wire/message.ts'
import { deciding, type Operation, operate } from './filter.ts'
import { LAST_RESORT, leaves } from './graceful-shutdown.ts'
import type { Intern } from './intern.ts'
import { memo, memoByAttributes } from './memo.ts'
import type { GroupTraits, RibPeer } from './peer.ts'
import { exportAttributes, mayExport } from './policy.ts'

/** A path as announced. */
export interface Told {
  /** Name of the peer the path came from, or null for our own. */
  readonly source: string | null
  /** Interned. */
  readonly attributes: PathAttributes
}

/** What export depends on, besides the path and the group. */
export interface ExportCircumstances {
  peer(name: string): RibPeer
  /** The interface packets for a path leave by; empty when there is none. */
  interfaceOf(path: Path): string
  /**
   * What is done to a path that no filter decided about, on its way to peers like these; undefined: they may not have it.
   * The same list for the same changes.
   */
  advertise(path: Path, to: GroupTraits): readonly Operation[] | undefined
  readonly intern: Intern
}

/** What the protocol keeps from a group. */
const WITHHELD = 'withheld'

export class Exporter {
  readonly #to: GroupTraits
  readonly #given: ExportCircumstances
  /** What the protocol alone makes of a path. */
  readonly #permitted = memoByAttributes((path, from) => this.#permit(path, from))
  /** What some operations make of that. */
  readonly #operated = new WeakMap<readonly Operation[], WeakMap<Told, Told>>()

  constructor(to: GroupTraits, given: ExportCircumstances) {
    this.#to = to
    this.#given = given
  }

  /** Whether the protocol lets the group have a path: cheaper than `tell`. */
  permits(path: Path): boolean {
    return this.#permitted(path, this.#from(path)) !== WITHHELD
  }

  /** The same object for paths of one peer that are announced alike. */
  tell(path: Path): Told | undefined {
    const from = this.#from(path)
    const permitted = this.#permitted(path, from)
    if (permitted === WITHHELD) return undefined
    const operations = this.#operations(path, permitted.attributes)
    if (!operations) return undefined
    const told = this.#afterwards(operations, permitted)
    return leaves(from, this.#to) ? this.#afterwards(LAST_RESORT, told) : told
  }

  #from({ peer }: Path): RibPeer | undefined {
    return peer === null ? undefined : this.#given.peer(peer)
  }

  #permit(path: Path, from: RibPeer | undefined): Told | typeof WITHHELD {
    if (!mayExport(path, from, this.#to)) return WITHHELD
    const sent = exportAttributes(path.attributes, from, this.#to, familyOf(path.prefix))
    return { source: path.peer, attributes: this.#given.intern(sent) }
  }

  /** What a filter, or else the cluster, asks for. */
  #operations(path: Path, { asPath = [] }: PathAttributes): readonly Operation[] | undefined {
    const rules = this.#to.filters?.export[familyOf(path.prefix)]
    const rule =
      rules &&
      deciding(rules, {
        path,
        asPath,
        peer: this.#to.type,
        interface: () => this.#given.interfaceOf(path),
      })
    if (!rule) return this.#given.advertise(path, this.#to)
    return rule.accept ? rule.operations : undefined
  }

  #afterwards(operations: readonly Operation[], told: Told): Told {
    if (operations.length === 0) return told
    const known = memo(this.#operated, operations, () => new WeakMap<Told, Told>())
    return memo(known, told, () => {
      const attributes = this.#operate(operations, told.attributes)
      return { source: told.source, attributes: this.#given.intern(attributes) }
    })
  }

  /** LOCAL_PREF does not leave the AS, whatever a filter makes of it. */
  #operate(operations: readonly Operation[], sent: PathAttributes): PathAttributes {
    const { localPref, ...rest } = operate(operations, sent)
    return this.#to.type === 'external' || localPref === undefined ? rest : { ...rest, localPref }
  }
}
