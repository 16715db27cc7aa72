// The patch types: JSON merge (RFC 7386), JSON patch (RFC 6902) and the strategic merge of core objects.

import { badRequest, failure } from './failure.ts'
import type { Resource } from './resources.ts'
import type { Fields, StoredObject } from './store.ts'

type Patcher = (object: StoredObject, patch: unknown) => StoredObject

const patchers: Readonly<Record<string, Patcher>> = {
  'application/json-patch+json': (object, patch) =>
    (patch as Operation[]).reduce(operate, object as Fields) as StoredObject,
  'application/merge-patch+json': (object, patch) => merge(object, patch, () => undefined) as StoredObject,
  'application/strategic-merge-patch+json': (object, patch) =>
    merge(object, patch, keyOfList) as StoredObject,
}

/** The object with a patch applied. @throws Failure 415 for a type that this resource does not take */
export function patched(
  resource: Resource,
  object: StoredObject,
  contentType: string,
  patch: unknown,
): StoredObject {
  const accepted = Object.keys(patchers).filter((type) => !resource.custom || !type.includes('strategic'))
  if (accepted.includes(contentType)) return patchers[contentType]!(object, patch)
  const types = [...accepted, 'application/apply-patch+yaml'].join(', ')
  const message = `the body of the request was in an unknown format - accepted media types include: ${types}`
  throw failure(415, 'UnsupportedMediaType', message)
}

/** Lists that a strategic merge takes apart, by the key of their items (k8s.io/api/core/v1, patchMergeKey). */
function keyOfList(field: string): string | undefined {
  return { conditions: 'type', addresses: 'type', podIPs: 'ip', containers: 'name' }[field]
}

/** A null removes; mappings merge; a list replaces, unless it has a key by which its items merge. */
function merge(target: unknown, patch: unknown, keyOf: (field: string) => string | undefined): unknown {
  if (!isMapping(patch)) return patch
  const result: Record<string, unknown> = isMapping(target) ? { ...target } : {}
  for (const [name, value] of Object.entries(patch)) {
    const key = keyOf(name)
    if (value === null) delete result[name]
    else if (key && Array.isArray(value)) result[name] = mergeItems(result[name], value, key, keyOf)
    else result[name] = merge(result[name], value, keyOf)
  }
  return result
}

/** Items of the patch come first, as the real server has it. */
function mergeItems(
  old: unknown,
  items: readonly unknown[],
  key: string,
  keyOf: Parameters<typeof merge>[2],
): unknown[] {
  const rows = new Map((Array.isArray(old) ? old : []).map((item: Fields) => [item[key], item]))
  const fresh = (items as Fields[]).filter((item) => !rows.has(item[key]))
  for (const item of items as Fields[]) {
    if (rows.has(item[key])) rows.set(item[key], merge(rows.get(item[key]), item, keyOf) as Fields)
  }
  return [...fresh, ...rows.values()]
}

interface Operation {
  readonly op: string
  readonly path: string
  readonly value?: unknown
}

function operate(object: Fields, { op, path, value }: Operation): Fields {
  const names = path
    .slice(1)
    .split('/')
    .map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'))
  if (op === 'test' && JSON.stringify(read(object, names)) !== JSON.stringify(value)) throw rejected()
  if (op === 'test') return object
  if (op === 'replace' && read(object, names) === undefined) throw rejected()
  if (!['add', 'replace', 'remove'].includes(op)) throw badRequest(`unknown operation ${op}`)
  return write(object, names, op === 'remove' ? undefined : value)
}

function rejected() {
  return failure(422, 'Invalid', 'the server rejected our request due to an error in our request', {
    details: {},
  })
}

function read(object: unknown, names: readonly string[]): unknown {
  return names.reduce<unknown>((part, name) => (part as Fields | undefined)?.[name], object)
}

function write(object: Fields, [name, ...rest]: readonly string[], value: unknown): Fields {
  const { [name!]: old, ...others } = object
  if (rest.length > 0) return { ...object, [name!]: write((old ?? {}) as Fields, rest, value) }
  return value === undefined ? others : { ...object, [name!]: value }
}

function isMapping(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
