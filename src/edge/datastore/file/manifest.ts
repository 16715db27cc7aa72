// One file of YAML (or JSON, which YAML contains) read into documents, each with the place it came from.
//
// A syntax error anywhere leaves the whole file unread: where a document is half written nobody knows what the
// rest means. A document that is well formed but unusable costs only itself.

import { createHash } from 'node:crypto'
import { toDocuments } from '../../../cluster/documents.ts'
import { type Document, documentId, type Problem, type ResourceId } from '../../../cluster/feed.ts'
import { printJson } from '../../../cluster/json.ts'
import { pauses } from '../pauses.ts'
import { contentOf, parseYaml, type YamlDoc } from './yaml.ts'

type Path = readonly (string | number)[]

/** A document and where it is written. */
export interface Entry {
  readonly id: ResourceId
  /** With the hash of its content as resourceVersion. */
  readonly document: Document
  readonly file: string
  /** Counted from 0 within the file. */
  readonly index: number
  /** From the top of that YAML document to this object: nothing, or `items` and a number. */
  readonly path: Path
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
export async function readManifest(
  file: string,
  text: string,
  previous: Manifest = nothing,
): Promise<Manifest> {
  const { docs, fault } = await parseYaml(text)
  if (fault) {
    const message = `${fault.message}; the last good version of the file stays in force`
    return { ...previous, problems: [{ subject: place(file, fault.index), message }] }
  }
  const entries: Entry[] = []
  const problems: Problem[] = []
  const pause = pauses()
  for (const [index, doc] of docs.entries()) {
    const part = readDocument(file, index, doc)
    entries.push(...part.entries)
    problems.push(...part.problems)
    await pause()
  }
  return { entries: [...entries, ...lastGood(entries, problems, previous)], problems, known: true }
}

/** A file that is there but cannot be read: what it said last stays. */
export function unreadable(file: string, reason: string, previous: Manifest = nothing): Manifest {
  return { ...previous, problems: [{ subject: file, message: `cannot be read: ${reason}` }] }
}

/** A file that is gone: what stood in it and nowhere else stays for a while. Undefined when there is no such thing. */
export function absent(file: string, entries: readonly Entry[]): Manifest | undefined {
  if (entries.length === 0) return undefined
  const ids = [...new Set(entries.map(({ id }) => id))]
  const named = ids.length > 3 ? `${ids.slice(0, 3).join(', ')} and ${ids.length - 3} more` : ids.join(', ')
  const message = `is gone; the last good version of ${named} stays in force for a minute. To delete it at once, put the file back without it`
  return { entries, problems: [{ subject: file, message }], known: true }
}

/** Of a file that was never seen. */
export const nothing: Manifest = { entries: [], problems: [], known: false }

/** `pools.yaml#2`: the second document of pools.yaml. */
export function place(file: string, index: number): string {
  return `${file}#${index + 1}`
}

type Part = Pick<Manifest, 'entries' | 'problems'>

function readDocument(file: string, index: number, doc: YamlDoc): Part {
  const subject = place(file, index)
  let raw: unknown
  try {
    raw = contentOf(doc)
  } catch (error) {
    return { entries: [], problems: [{ subject, message: (error as Error).message }] }
  }
  if (raw === null) return { entries: [], problems: [] } // nothing but comments between two separators
  const parts = items(raw, []).map(({ item, path }) => {
    const { documents, problems } = toDocuments(item, subject)
    return {
      entries: documents.map((document) => entry(document, file, index, path)),
      problems: problems.map((problem) => inList(problem, path)),
    }
  })
  return { entries: parts.flatMap((part) => part.entries), problems: parts.flatMap((part) => part.problems) }
}

/** `kind: List` (also `IPPoolList` and the like) stands for its items; each can be written to in its place. */
function items(raw: unknown, path: Path): { item: unknown; path: Path }[] {
  const { kind, items: inner } = (raw ?? {}) as { kind?: unknown; items?: unknown }
  if (typeof kind !== 'string' || !kind.endsWith('List') || !Array.isArray(inner))
    return [{ item: raw, path }]
  return inner.flatMap((item, number) => items(item, [...path, 'items', number]))
}

/** The field with the way to it: `items[3].metadata.name`. */
function inList(problem: Problem, path: Path): Problem {
  const place = path.filter((step) => typeof step === 'number').map((number) => `items[${number}]`)
  const field = [...place, ...(problem.field ? [problem.field] : [])].join('.')
  return field ? { ...problem, field } : problem
}

function entry(document: Document, file: string, index: number, path: Path): Entry {
  const { resourceVersion: _, ...metadata } = document.metadata // a copy of another datastore's, if any
  const id = documentId(document)
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
