// Lists in pages: `limit`, and `continue` tokens of the API server's own form.

import { badRequest, continueExpired, expired, Failure } from './failure.ts'
import { apiVersionOf, type Resource } from './resources.ts'
import type { Selection } from './select.ts'
import { keyOf, type ObjectStore, type StoredObject } from './store.ts'

export interface Page {
  readonly items: readonly StoredObject[]
  readonly metadata: {
    readonly resourceVersion: string
    readonly continue?: string
    readonly remainingItemCount?: number
  }
}

/** One answer to a list. @throws Failure */
export function page(
  store: ObjectStore,
  resource: Resource,
  query: URLSearchParams,
  selected: Selection,
): Page {
  const token = readToken(query.get('continue'))
  const revision = token ? revisionOf(token, store) : exactRevision(store, query)
  const after = token ? token.start.replace(/^\//, '') : ''
  const rest = store
    .list(resource, revision)
    .filter((one) => selected(one) && `${keyOf(one.metadata)}\0` > after)
  // A list at revision 0 comes from the watch cache, which knows no pages unless the token says so.
  const limit = Number(query.get('limit') ?? 0) || rest.length
  const items = rest.slice(0, limit)
  const remaining = rest.length - items.length
  const start = `/${keyOf(items.at(-1)?.metadata ?? { name: '' })}\0`
  const more = remaining > 0 && { continue: writeToken(revision, start), remainingItemCount: remaining }
  return { items, metadata: { resourceVersion: String(revision), ...more } }
}

interface Token {
  /** -1: as it is now, consistent or not. */
  readonly rv: number
  readonly start: string
}

function revisionOf({ rv, start }: Token, store: ObjectStore): number {
  if (rv === -1) return store.revision
  if (rv < store.compacted) throw continueExpired(writeToken(-1, start))
  return rv
}

function exactRevision(store: ObjectStore, query: URLSearchParams): number {
  const asked = Number(query.get('resourceVersion') ?? 0)
  if (query.get('resourceVersionMatch') === 'Exact') {
    if (asked < store.compacted) throw expired('list')
    return asked
  }
  if (asked <= store.revision) return store.revision
  const message = 'Timeout: request did not complete within the allotted timeout'
  // Said by the server's outermost layer, which leaves out what it is.
  throw new Failure(504, {
    metadata: {},
    status: 'Failure',
    message,
    reason: 'Timeout',
    details: {},
    code: 504,
  })
}

function writeToken(rv: number, start: string): string {
  return Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv, start })).toString('base64url')
}

function readToken(token: string | null): Token | undefined {
  if (!token) return undefined
  try {
    return JSON.parse(Buffer.from(token, 'base64url').toString())
  } catch {
    const why = "invalid character 'o' in literal null (expecting 'u')"
    throw badRequest(`invalid continue token: continue key is not valid: ${why}`)
  }
}

/** A page as it is sent: of custom resources, of typed ones, or of the metadata alone. */
export function listBody(resource: Resource, { items, metadata }: Page, accept: string): object {
  if (accept.includes('as=PartialObjectMetadataList')) return partialBody({ items, metadata })
  const header = { apiVersion: apiVersionOf(resource), kind: `${resource.kind}List` }
  if (resource.custom) return { ...header, items, metadata: { continue: '', ...metadata } }
  // Items of a typed list do not say what they are.
  return { ...header, metadata, items: items.map(({ kind: _kind, apiVersion: _version, ...rest }) => rest) }
}

function partialBody({ items, metadata }: Page): object {
  const partial = { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1' }
  const rows = items.map((one) => ({ ...partial, metadata: one.metadata }))
  return { ...partial, kind: `${partial.kind}List`, metadata, items: rows }
}
