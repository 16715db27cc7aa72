// The cluster as known now: a feed folded into typed tables.
//
// A document that does not parse changes nothing: it is reported, and the last good version of the resource stays
// in force until a good one comes or the object is deleted. (Calico's readers take such an object for deleted; a typing
// error in a pool would then reroute the cluster.)

import {
  type AnyKind,
  type Document,
  documentId,
  kinds,
  kubernetesKinds,
  type ResourceId,
  resourceId,
} from './feed.ts'
import type { Resource, Resources } from './model.ts'
import { Problems } from './problems.ts'
import { parseDocument } from './resources/index.ts'
import { same } from './same.ts'

/** One resource is different now. */
export interface Change {
  readonly kind: AnyKind
  readonly key: ResourceId
  /** Undefined: there was none. */
  readonly before: Resource | undefined
  /** Undefined: there is none any more. */
  readonly after: Resource | undefined
}

export class ClusterView {
  readonly #tables = new Map<AnyKind, Map<ResourceId, Resource>>(
    [...kinds, ...kubernetesKinds].map((kind) => [kind, new Map()]),
  )
  /** What cannot be used now, or is odd. */
  readonly problems: Problems

  /** `problems` may be one that others note theirs in, too. */
  constructor(problems: Problems = new Problems()) {
    this.problems = problems
  }

  /** Takes in a document as it is now. Nothing comes of one that says the same as before, or cannot be used. */
  apply(document: Document<AnyKind>): Change[] {
    const { kind } = document
    const id = documentId(document)
    const parsed = parseDocument(document)
    if (!('resource' in parsed)) {
      this.problems.replace(id, parsed.problems)
      return []
    }
    this.problems.replace(id, parsed.warnings)
    return this.#replace(kind, id, isDeleted(parsed.resource) ? undefined : parsed.resource)
  }

  /** Takes in that a document is gone. */
  remove(id: ResourceId): Change[] {
    this.problems.replace(id, [])
    return this.#replace(id.slice(0, id.indexOf('/')) as AnyKind, id, undefined)
  }

  get<K extends AnyKind>(kind: K, name: string, namespace?: string): Resources[K] | undefined {
    return this.#table(kind).get(resourceId(kind, name, namespace)) as Resources[K] | undefined
  }

  /** All resources of a kind, the oldest first. */
  all<K extends AnyKind>(kind: K): IterableIterator<Resources[K]> {
    return this.#table(kind).values() as IterableIterator<Resources[K]>
  }

  #replace(kind: AnyKind, key: ResourceId, after: Resource | undefined): Change[] {
    const table = this.#table(kind)
    const before = table.get(key)
    if (same(before, after)) return []
    if (after) table.set(key, after)
    else table.delete(key)
    return [{ kind, key, before, after }]
  }

  #table(kind: AnyKind): Map<ResourceId, Resource> {
    return this.#tables.get(kind)!
  }
}

/** IPAM rows are deleted in two steps; between them the row is there and means nothing. */
function isDeleted(resource: Resource): boolean {
  return 'deleted' in resource && resource.deleted
}
