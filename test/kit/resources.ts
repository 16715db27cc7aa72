// What the tests of all kinds share: a document in, a resource or sentences out.

import type { Document, Problem, ResourceKind } from '../../src/cluster/feed.ts'
import type { Resources } from '../../src/cluster/model.ts'
import { parseDocument } from '../../src/cluster/resources/index.ts'

export function document<K extends ResourceKind>(
  kind: K,
  spec: unknown,
  metadata: Partial<Document['metadata']> = {},
): Document & { kind: K } {
  return { apiVersion: 'projectcalico.org/v3', kind, metadata: { name: 'default', ...metadata }, spec }
}

/** The resource; fails the test when there is none. */
export function resource<K extends ResourceKind>(document: Document & { kind: K }): Resources[K] {
  const parsed = parseDocument(document)
  if ('resource' in parsed) return parsed.resource as Resources[K]
  throw new Error(sentences(parsed.problems).join('\n'))
}

/** Each reason why the document is refused, `field: sentence`. Empty when it is not. */
export function refusals(document: Document): string[] {
  const parsed = parseDocument(document)
  return 'problems' in parsed ? sentences(parsed.problems) : []
}

/** Each oddity of a document that is used all the same. */
export function warnings(document: Document): string[] {
  const parsed = parseDocument(document)
  return 'warnings' in parsed ? sentences(parsed.warnings) : ['refused']
}

function sentences(problems: readonly Problem[]): string[] {
  return problems.map(({ field, message }) => `${field}: ${message}`)
}
