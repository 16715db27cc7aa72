// One object for equal path attributes.
//
// A peer that announces 100,000 prefixes uses a few dozen sets of attributes.
// Shared, they cost nothing per route, and "did anything change?" is `===`.

import type { PathAttributes } from '../wire/message.ts'

/** Gives back the object it gave for equal attributes before, as long as anybody still holds that one. */
export type Intern = (attributes: PathAttributes) => PathAttributes

/** A fresh table. It holds its objects weakly, so it is never larger than what the routes in force need. */
export function attributeTable(): Intern {
  const table = new Map<string, WeakRef<PathAttributes>>()
  const registry = new FinalizationRegistry((key: string) => {
    // The same attributes may have come back meanwhile, as another object.
    if (table.get(key)?.deref() === undefined) table.delete(key)
  })
  return (attributes) => {
    const key = keyOf(attributes)
    const known = table.get(key)?.deref()
    if (known) return known
    table.set(key, new WeakRef(attributes))
    registry.register(attributes, key)
    return attributes
  }
}

/** The order in which the fields were put in does not matter, the order inside a list does. */
function keyOf(attributes: PathAttributes): string {
  return JSON.stringify(Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1)))
}
