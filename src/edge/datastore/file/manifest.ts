// One file of YAML (or JSON, which YAML contains) read into documents, each with the place it came from.
//
// A syntax error anywhere leaves the whole file unread: where a document is half written nobody knows what the
// rest means. A document that is well formed but unusable costs only itself.

import { createHash } from 'node:crypto'
import { type ParsedNode, parseAllDocuments, type Document as YamlDocument } from 'yaml'
import { toDocuments } from '../../../cluster/documents.ts'
import { type Document, type Problem, type ResourceId, resourceId } from '../../../cluster/feed.ts'
import { printJson } from '../../../cluster/json.ts'

export type YamlDoc = YamlDocument.Parsed<ParsedNode>

/** A document and where it is written. */
export interface Entry {
  readonly id: ResourceId
  /** With the hash of its content as resourceVersion. */
  readonly document: Document
  readonly file: string
  /** Counted from 0 within the file. */
  readonly index: number
  /** From the top of that YAML document to this object: nothing, or `items` and a number. */
  readonly path: readonly (string | number)[]
}

export interface Manifest {
  readonly entries: readonly Entry[]
  readonly problems: readonly Problem[]
  /** Whether the file could be read at least once. Until then nobody knows what is in it. */
  readonly known: boolean
}

/**
 * Reads a file's text. `previous` is the last manifest of the same file; what is broken now keeps its last good
 * version from there.
 */
export function readManifest(file: string, text: string, previous: Manifest = nothing): Manifest {
  const docs = parseYaml(text)
  const broken = docs.flatMap((doc, index) => syntaxProblems(doc, place(file, index)))
  if (broken.length > 0) return { ...previous, problems: broken }
  const read = docs.map((doc, index) => readDocument(file, index, doc))
  const entries = read.flatMap((part) => part.entries)
  const problems = read.flatMap((part) => part.problems)
  return { entries: [...entries, ...lastGood(entries, problems, previous)], problems, known: true }
}

/** A file that is there but cannot be read: what it said last stays. */
export function unreadable(file: string, reason: string, previous: Manifest = nothing): Manifest {
  return { ...previous, problems: [{ subject: file, message: `cannot be read: ${reason}` }] }
}

/** Of a file that was never seen. */
export const nothing: Manifest = { entries: [], problems: [], known: false }

/** The documents of a text; each carries its syntax errors. */
export function parseYaml(text: string): YamlDoc[] {
  return [...(parseAllDocuments(text, { intAsBigInt: true, merge: true }) as YamlDoc[])]
}

/** Whether the text can be read at all. */
export function wellFormed(docs: readonly YamlDoc[]): boolean {
  return docs.every((doc) => doc.errors.length === 0)
}

/** `pools.yaml#2`: the second document of pools.yaml. */
export function place(file: string, index: number): string {
  return `${file}#${index + 1}`
}

function syntaxProblems(doc: YamlDoc, subject: string): Problem[] {
  const [first] = doc.errors // what follows the first is mostly its echo
  if (!first) return []
  const complaint = first.message.split('\n')[0]!.replace(/:$/, '') // below it the library draws the line at fault
  return [{ subject, message: `${complaint}; the last good version of the file stays in force` }]
}

type Part = Pick<Manifest, 'entries' | 'problems'>

function readDocument(file: string, index: number, doc: YamlDoc): Part {
  const subject = place(file, index)
  let raw: unknown
  try {
    raw = narrowIntegers(doc.toJS())
  } catch (error) {
    return { entries: [], problems: [{ subject, message: (error as Error).message }] } // an alias bomb
  }
  if (raw === null) return { entries: [], problems: [] } // nothing but comments between two separators
  const parts = items(raw).map(({ item, path }) => {
    const { documents, problems } = toDocuments(item, subject)
    return { entries: documents.map((document) => entry(document, file, index, path)), problems }
  })
  return { entries: parts.flatMap((part) => part.entries), problems: parts.flatMap((part) => part.problems) }
}

/** `kind: List` (also `IPPoolList` and the like) stands for its items. */
function items(raw: unknown): { item: unknown; path: (string | number)[] }[] {
  const { kind, items } = raw as { kind?: unknown; items?: unknown }
  if (typeof kind !== 'string' || !kind.endsWith('List') || !Array.isArray(items))
    return [{ item: raw, path: [] }]
  return items.map((item, number) => ({ item, path: ['items', number] }))
}

function entry(document: Document, file: string, index: number, path: (string | number)[]): Entry {
  const { resourceVersion: _, ...metadata } = document.metadata // a copy of another datastore's, if any
  const id = resourceId(document.kind, metadata.name, metadata.namespace)
  const bare = { ...document, metadata }
  const resourceVersion = createHash('sha256').update(printJson(bare)).digest('hex').slice(0, 16)
  return { id, document: { ...bare, metadata: { ...metadata, resourceVersion } }, file, index, path }
}

/** What stood where there is something unusable now, unless it has only moved within the file. */
function lastGood(entries: readonly Entry[], problems: readonly Problem[], previous: Manifest): Entry[] {
  if (problems.length === 0) return []
  const troubled = new Set(problems.map((problem) => problem.subject))
  const present = new Set(entries.map((entry) => entry.id))
  return previous.entries.filter(
    (entry) => troubled.has(place(entry.file, entry.index)) && !present.has(entry.id),
  )
}

/** The YAML reader gives every integer as bigint, so that none is rounded; those that fit become numbers again. */
function narrowIntegers(value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value
  if (Array.isArray(value)) return value.map(narrowIntegers)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, narrowIntegers(inner)]))
}
