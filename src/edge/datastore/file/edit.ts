// Changing one object inside a file that belongs to the user: other documents keep every byte, and the changed one
// keeps its comments and its order wherever its values did not change.

import { createHash } from 'node:crypto'
import { stringify as stringifyJson } from 'lossless-json'
import { isMap, isScalar, type Pair, stringify, type YAMLMap } from 'yaml'
import { type Document, documentId } from '../../../cluster/feed.ts'
import { printJson } from '../../../cluster/json.ts'
import type { Entry } from './manifest.ts'
import { contentOf, parseYaml, type YamlDoc } from './yaml.ts'

const LONGEST_NAME = 200
const NO_FOLDING = { lineWidth: 0 }

/** The text of a new file for one document. */
export function printFile(document: Document): string {
  return stringify(stored(document), NO_FOLDING)
}

/** The text with the object at `entry` replaced by `document`. */
export function replaceObject(text: string, entry: Entry, document: Document): Promise<string> {
  return editDocument(text, entry, (doc) => {
    const target = doc.getIn(entry.path, true)
    if (isMap(target)) merge(target, stored(document), doc)
    else doc.setIn(entry.path, stored(document))
  })
}

/** What a file says that defines nothing any more: a file that is gone would be taken for one gone by mistake. */
export const DELETED = '# deleted; this file goes in a moment\n'

/** The text without the object at `entry`. */
export async function removeObject(text: string, entry: Entry): Promise<string> {
  if (entry.path.length > 0) return editDocument(text, entry, (doc) => doc.deleteIn(entry.path))
  const { docs } = await parseYaml(text)
  if (docs.length === 1) return DELETED
  const { start, end } = extent(docs, entry.index)
  return text.slice(0, start) + text.slice(end)
}

/**
 * A file name for a new object: `ippool.default.yaml`, `workloadendpoint.shop.web-0.yaml`. Where letters had to be
 * given up, or when `taken`, a few digits of a hash keep two objects apart.
 */
export function fileName(document: Document, taken: (name: string) => boolean): string {
  const { name, namespace } = document.metadata
  const plain = [document.kind, namespace, name]
    .filter((part) => part !== undefined)
    .join('.')
    .toLowerCase()
  const safe = plain.replaceAll(/[^a-z0-9.-]/g, '-').slice(0, LONGEST_NAME)
  if (!taken(`${safe}.yaml`)) return `${safe}.yaml`
  const digest = createHash('sha256').update(documentId(document)).digest('hex')
  return `${safe}-${digest.slice(0, 8)}.yaml`
}

/** As it is written down: the resourceVersion is a hash of the rest, and no part of it. */
function stored({ apiVersion, kind, metadata, ...rest }: Document): Record<string, unknown> {
  const { resourceVersion: _, ...names } = metadata
  return { apiVersion, kind, metadata: names, ...rest }
}

function dropUndefined(value: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== undefined))
}

async function editDocument(text: string, entry: Entry, change: (doc: YamlDoc) => void): Promise<string> {
  const { docs } = await parseYaml(text)
  const doc = docs[entry.index]!
  const { start, end } = extent(docs, entry.index)
  change(doc)
  // Flow style printed by the YAML library may drop quotes, and JSON readers insist on them.
  const printed = entry.file.endsWith('.json')
    ? `${stringifyJson(contentOf(doc), undefined, 2)}\n`
    : doc.toString(NO_FOLDING)
  return text.slice(0, start) + printed + text.slice(end)
}

/** From the end of the document before, so that comments above `---` count as this document's. */
function extent(docs: readonly YamlDoc[], index: number): { start: number; end: number } {
  return { start: index === 0 ? 0 : docs[index - 1]!.range[2], end: docs[index]!.range[2] }
}

/** Makes a map say `wanted`, touching only what differs. */
function merge(map: YAMLMap, fields: Record<string, unknown>, doc: YamlDoc): void {
  const wanted = dropUndefined(fields)
  for (const pair of [...map.items]) {
    const key = keyOf(pair)
    if (!Object.hasOwn(wanted, key)) map.delete(pair.key)
  }
  for (const [key, value] of Object.entries(wanted)) {
    const node = map.get(key, true)
    if (isMap(node) && isRecord(value)) merge(node, value, doc)
    else if (!says(node, value, doc)) map.set(key, doc.createNode(value))
  }
}

function keyOf(pair: Pair): string {
  return String(isScalar(pair.key) ? pair.key.value : pair.key)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Whether the node already stands for this value. */
function says(node: unknown, value: unknown, doc: YamlDoc): boolean {
  if (node === undefined || node === null) return false
  const there = (node as { toJS(doc: YamlDoc): unknown }).toJS(doc)
  return printJson(there) === printJson(value)
}
