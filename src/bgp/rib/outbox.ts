// What is to be sent, sorted into as few messages as it needs: one for each audience and set of attributes.
// RFC 4271 §4.3: an UPDATE carries one set of attributes.

import type { Family } from '../../inet/address.ts'
import type { Nlri, PathAttributes } from '../wire/message.ts'
import { memo } from './memo.ts'

/** The end of something that peers await: of what there is when a session comes up, or of an answer to ROUTE-REFRESH. */
export interface End {
  readonly family: Family
  readonly endOf: 'rib' | 'refresh'
}

/**
 * Something to send, of one kind: announcements, withdrawals or an end. It may need several messages, since its
 * size has no limit, but each of them can go to all of `to` as it is.
 */
export interface Outbound {
  /** Names of peers of one update group. */
  readonly to: readonly string[]
  readonly family: Family
  /** `attributes.nextHop` is the next hop of either family: for IPv6 the writer moves it into MP_REACH. */
  readonly announce?: { readonly attributes: PathAttributes; readonly nlri: readonly Nlri[] }
  readonly withdraw?: readonly Nlri[]
  readonly endOf?: End['endOf']
}

/** Those who are to hear the same. */
export interface Audience {
  readonly to: readonly string[]
  readonly family: Family
  readonly withdrawn: Nlri[]
  readonly announced: Map<PathAttributes, Nlri[]>
}

export class Outbox {
  readonly #audiences = new Map<string, Audience>()

  /** The one audience of these names, for one family. Names in another order are another audience. */
  audience(to: readonly string[], family: Family): Audience {
    const key = [family, ...to].join(' ')
    return memo(this.#audiences, key, () => ({ to, family, withdrawn: [], announced: new Map() }))
  }

  *outbound(): Generator<Outbound> {
    for (const { to, family, withdrawn, announced } of this.#audiences.values()) {
      if (withdrawn.length > 0) yield { to, family, withdraw: withdrawn }
      for (const [attributes, nlri] of announced) yield { to, family, announce: { attributes, nlri } }
    }
  }
}

/** What an audience will hear of these attributes, to be added to. They must be interned. */
export function announcedTo({ announced }: Audience, attributes: PathAttributes): Nlri[] {
  return memo(announced, attributes, () => [])
}
