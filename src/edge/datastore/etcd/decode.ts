// A stored key and value as a document, or as a problem that names the key.

import { documentFromEtcd } from '../../../cluster/etcd-keys.ts'
import { type ResourceKind, resourceId } from '../../../cluster/feed.ts'
import type { Decoded } from '../table.ts'

/** Decodes one stored value. A key that stands for nothing we know decodes to nothing. */
export function decode(key: string, value: Buffer, revision: string): Decoded<ResourceKind> {
  try {
    const document = documentFromEtcd(key, String(value), revision)
    if (!document) return {}
    const { kind, metadata } = document
    return { document, id: resourceId(kind, metadata.name, metadata.namespace) }
  } catch (error) {
    return { problem: { subject: key, message: (error as Error).message } }
  }
}
