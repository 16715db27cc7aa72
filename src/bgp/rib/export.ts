// What one update group is told of a path: the protocol's rules, the operator's filters, then what the cluster asks for.
// Calico: the export filter of confd/etc/calico/confd/templates, in its order.

import { type Family, familyOf } from '../../inet/address.ts'
import type { Path } from '../types.ts'
import type { PathAttributes } from '../wire/message.ts'
import { deciding, type Operation, operate } from './filter.ts'
import { LAST_RESORT, leaves } from './graceful-shutdown.ts'
import type { Intern } from './intern.ts'
import { memo } from './memo.ts'
import type { GroupTraits, RibPeer } from './peer.ts'
import { exportAttributes, exportClass, mayExport } from './policy.ts'

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

export class Exporter {
  readonly #to: GroupTraits
  readonly #given: ExportCircumstances
  /** Attributes as announced, by those they were made from, their family and where they came from. */
  readonly #sent = new Map<string, WeakMap<PathAttributes, PathAttributes>>()
  /** The same after some operations. */
  readonly #operated = new WeakMap<readonly Operation[], WeakMap<PathAttributes, PathAttributes>>()

  constructor(to: GroupTraits, given: ExportCircumstances) {
    this.#to = to
    this.#given = given
  }

  tell(path: Path): Told | undefined {
    const from = path.peer === null ? undefined : this.#given.peer(path.peer)
    if (!mayExport(path, from, this.#to)) return undefined
    const sent = this.#attributes(path.attributes, from, familyOf(path.prefix))
    const operations = this.#operations(path, sent)
    if (!operations) return undefined
    const told = this.#afterwards(operations, sent)
    const attributes = leaves(from, this.#to) ? this.#afterwards(LAST_RESORT, told) : told
    return { source: path.peer, attributes }
  }

  /** What a filter, or else the cluster, asks for. */
  #operations(path: Path, { asPath = [] }: PathAttributes): readonly Operation[] | undefined {
    const rules = this.#to.filters?.export[familyOf(path.prefix)] ?? []
    const rule = deciding(rules, {
      path,
      asPath,
      peer: this.#to.type,
      interface: () => this.#given.interfaceOf(path),
    })
    if (!rule) return this.#given.advertise(path, this.#to)
    return rule.accept ? rule.operations : undefined
  }

  #attributes(attributes: PathAttributes, from: RibPeer | undefined, family: Family): PathAttributes {
    const source = `${family} ${exportClass(from)}`
    const known = memo(this.#sent, source, () => new WeakMap<PathAttributes, PathAttributes>())
    return memo(known, attributes, () =>
      this.#given.intern(exportAttributes(attributes, from, this.#to, family)),
    )
  }

  #afterwards(operations: readonly Operation[], sent: PathAttributes): PathAttributes {
    if (operations.length === 0) return sent
    const known = memo(this.#operated, operations, () => new WeakMap<PathAttributes, PathAttributes>())
    return memo(known, sent, () => this.#given.intern(this.#operate(operations, sent)))
  }

  /** LOCAL_PREF does not leave the AS, whatever a filter makes of it. */
  #operate(operations: readonly Operation[], sent: PathAttributes): PathAttributes {
    const { localPref, ...rest } = operate(operations, sent)
    return this.#to.type === 'external' || localPref === undefined ? rest : { ...rest, localPref }
  }
}
