// YAML as we read it: every document of a text, in slices, with integers of any size and errors that name a line.

import { Composer, LineCounter, type ParsedNode, Parser, type Document as YamlDocument } from 'yaml'
import { pauses } from '../pauses.ts'

export type YamlDoc = YamlDocument.Parsed<ParsedNode>

export interface YamlText {
  readonly docs: readonly YamlDoc[]
  /** The first syntax error (what follows it is mostly its echo), with the document it is in, counted from 0. */
  readonly fault: { readonly index: number; readonly message: string } | undefined
}

/** Parses all documents of a text. */
export async function parseYaml(text: string): Promise<YamlText> {
  const lines = new LineCounter()
  const composer = new Composer<ParsedNode>({ intAsBigInt: true, merge: true, prettyErrors: false })
  const pause = pauses()
  const docs: YamlDoc[] = []
  for (const doc of composer.compose(new Parser(lines.addNewLine).parse(text))) {
    docs.push(doc)
    await pause()
  }
  const index = docs.findIndex((doc) => doc.errors.length > 0)
  const error = docs[index]?.errors[0]
  if (!error) return { docs, fault: undefined }
  const { line, col } = lines.linePos(error.pos[0])
  return { docs, fault: { index, message: `line ${line}, column ${col}: ${error.message}` } }
}

/**
 * What a document says. Integers beyond 2^53 are bigint, all others numbers.
 *
 * @throws ReferenceError when aliases would expand without bounds
 */
export function contentOf(doc: YamlDoc): unknown {
  return narrowIntegers(doc.toJS())
}

function narrowIntegers(value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value
  if (Array.isArray(value)) return value.map(narrowIntegers)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, narrowIntegers(inner)]))
}
