// What the client, not the datastore, adds to an object it writes: UID and creation time.
//
// Real clients refuse to update an object that lacks them, so neither datastore may leave them out.

import { randomUUID } from 'node:crypto'
import type { Document } from '../../cluster/feed.ts'
import { timestamp } from '../../cluster/timestamp.ts'

/** The document with a UID and a creation time (RFC 3339, whole seconds), made up where it has none. */
export function stamped(document: Document): Document {
  const { uid = randomUUID(), creationTimestamp = timestamp(Date.now()) } = document.metadata
  return { ...document, metadata: { ...document.metadata, uid, creationTimestamp } }
}
