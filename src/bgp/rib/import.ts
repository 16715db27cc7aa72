// What becomes of a received path before it is a candidate: the protocol's rules, then the operator's filters.
// A path that no filter speaks of is accepted, as Calico documents it (RFC 8212 is not applied).

import { familyOf } from '../../inet/address.ts'
import type { Path } from '../types.ts'
import type { PathAttributes } from '../wire/message.ts'
import { deciding, type Operation, operate } from './filter.ts'
import { isLeaving, LAST_RESORT } from './graceful-shutdown.ts'
import type { Intern } from './intern.ts'
import { memo, memoByAttributes } from './memo.ts'
import type { RibPeer } from './peer.ts'
import { whyIneligible } from './policy.ts'

export class Importer {
  readonly #intern: Intern
  readonly #interfaceOf: (path: Path) => string
  /** Empty when there is nothing against it. */
  readonly #whyIneligible = memoByAttributes(
    (path, from) => whyIneligible(path, from!, familyOf(path.prefix)) ?? '',
  )
  readonly #operated = new WeakMap<readonly Operation[], WeakMap<PathAttributes, PathAttributes>>()

  constructor(intern: Intern, interfaceOf: (path: Path) => string) {
    this.#intern = intern
    this.#interfaceOf = interfaceOf
  }

  /** The path to use, or why there is none. */
  judge(received: Path, from: RibPeer): Path | { readonly refused: string } {
    const refused = this.#whyIneligible(received, from)
    if (refused) return { refused }
    const rules = from.filters?.import[familyOf(received.prefix)]
    const rule =
      rules &&
      deciding(rules, {
        path: received,
        asPath: received.attributes.asPath ?? [],
        peer: from.type,
        interface: () => this.#interfaceOf(received),
      })
    if (rule && !rule.accept) return { refused: rule.because }
    const path = rule?.operations.length ? this.#after(rule.operations, received) : received
    return isLeaving(path, from) ? this.#after(LAST_RESORT, path) : path
  }

  #after(operations: readonly Operation[], path: Path): Path {
    const known = memo(this.#operated, operations, () => new WeakMap<PathAttributes, PathAttributes>())
    const attributes = memo(known, path.attributes, () => this.#intern(operate(operations, path.attributes)))
    return { ...path, attributes }
  }
}
