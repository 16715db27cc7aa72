// A stored key and value as a document, or as a problem that names the key.

import { documentFromEtcd } from '../../../cluster/etcd-keys.ts'
import { documentId, type ResourceKind } from '../../../cluster/feed.ts'
import type { Decoded } from '../table.ts'

/** Decodes one stored value. A key that stands for nothing we know decodes to nothing. */
export function decode(key: string, value: Buffer, revision: string): Decoded<ResourceKind> {
  try {
    const document = documentFromEtcd(key, String(value), revision)
    if (!document) return {}
    return { document, id: documentId(document) }
  } catch (error) {
    return { problem: { subject: key, message: (error as Error).message } }
  }
}
