// From a document to a resource: one schema of fields, then a table of rules that look at several of them.
//
// A resource with a wrong field, or with fields that contradict each other, is not used. Where Calico's writers
// refuse an object but its readers know what it means, so do we: that is a warning, since dropping for example a
// BGPConfiguration would put the mesh back that it switches off.

import type { z } from 'zod/mini'
import { type AnyKind, type Document, documentId, type Problem } from '../feed.ts'
import type { Resource } from '../model.ts'

export type Parsed<R extends Resource = Resource> =
  | { readonly resource: R; readonly warnings: readonly Problem[] }
  | { readonly problems: readonly Problem[] }

/** Something no resource of a kind may be. */
export interface Rule<S> {
  readonly field: string
  readonly broken: (parts: S, document: Document<AnyKind>) => boolean
  /** What would be right, as a sentence after the field's name. */
  readonly message: string
  /** The resource is used all the same. */
  readonly harmless?: true
}

interface Shape<S extends z.ZodMiniType, R extends Resource> {
  readonly schema: S
  readonly rules?: readonly Rule<z.output<S>>[]
  readonly build: (parts: z.output<S>, document: Document<AnyKind>) => R
}

/** The parser of one kind. */
export function parser<S extends z.ZodMiniType, R extends Resource>(
  shape: Shape<S, R>,
): (document: Document<AnyKind>) => Parsed<R> {
  const { schema, rules = [], build } = shape
  return (document) => {
    const read = schema.safeParse(document)
    if (!read.success) return { problems: read.error.issues.map((issue) => problemOf(document, issue)) }
    const broken = rules.filter((rule) => rule.broken(read.data, document))
    const problems = broken
      .filter((rule) => !rule.harmless)
      .map((rule) => problem(document, rule.field, rule.message))
    if (problems.length > 0) return { problems }
    const warnings = broken.map((rule) => problem(document, rule.field, rule.message))
    return { resource: build(read.data, document), warnings }
  }
}

/** A problem with one field of a document. */
export function problem(document: Document<AnyKind>, field: string, message: string): Problem {
  return { subject: documentId(document), field, message }
}

/** Names of resources: RFC 1123 subdomains. */
export const nameRule: Rule<unknown> = {
  field: 'metadata.name',
  broken: (_, { metadata }) =>
    metadata.name.length > 253 || !/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(metadata.name),
  message: 'is not a resource name; use lower-case letters, digits, - and ., at most 253 of them',
}

function problemOf(document: Document<AnyKind>, issue: z.core.$ZodIssue): Problem {
  return problem(document, fieldPath(issue.path), sentence(issue))
}

/** `spec.importV4[0].cidr` */
function fieldPath(path: readonly PropertyKey[]): string {
  return path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('')
    .replace(/^\./, '')
}

const structures: Readonly<Record<string, string>> = {
  object: 'a mapping',
  array: 'a list',
  record: 'a mapping',
}

/** Leaves say it in our words already; what is left are the shapes around them. */
function sentence(issue: z.core.$ZodIssue): string {
  if (issue.code !== 'invalid_type') return issue.message
  return `must be ${structures[issue.expected] ?? issue.expected}`
}
