// Reading and writing single objects, with the rules of a real API server.

import {
  alreadyExists,
  badRequest,
  type Cause,
  invalid,
  modified,
  notFound,
  precondition,
} from './failure.ts'
import { patched } from './patch.ts'
import { apiVersionOf, type Resource } from './resources.ts'
import type { Route } from './route.ts'
import { conforming } from './schema.ts'
import type { Fields, Metadata, ObjectStore, StoredObject } from './store.ts'

/** What makes each new object different. */
export interface Maker {
  uid(): string
  /** RFC 3339, whole seconds. */
  now(): string
}

export interface Answer {
  readonly code: number
  readonly object: Fields
  readonly warnings?: readonly string[]
}

export interface Write {
  readonly route: Route
  readonly query: URLSearchParams
  readonly contentType: string
  readonly body: unknown
}

type Verb = (store: ObjectStore, make: Maker, write: Write) => Answer

/** By HTTP method. @throws Failure */
export const verbs: Readonly<Record<string, Verb>> = {
  POST: create,
  PUT: update,
  PATCH: patch,
  DELETE: remove,
}

/** @throws Failure 404 */
export function found(store: ObjectStore, { resource, name, namespace }: Route): StoredObject {
  const object = store.get(resource, name!, namespace)
  if (!object) throw notFound(resource, name!)
  return object
}

function create(store: ObjectStore, make: Maker, { route, query, body }: Write): Answer {
  const { resource, namespace } = route
  if (route.subresource === 'binding') return bind(store, route, body as Fields)
  const given = parsed(resource, body)
  const { object, warnings } = conforming(resource, given, query.get('fieldValidation') === 'Strict')
  const { name } = object.metadata
  if (store.get(resource, name, namespace)) throw alreadyExists(resource, name)
  const metadata = {
    ...object.metadata,
    ...(namespace !== undefined && { namespace }),
    uid: make.uid(),
    creationTimestamp: make.now(),
    ...(resource.kind !== 'Node' && { generation: 1 }),
  }
  return {
    code: 201,
    object: store.put(resource, { ...withoutStatus(resource, object), metadata }),
    warnings,
  }
}

/** Whoever is not the status subresource does not write the status of a custom resource that has one. */
function withoutStatus(resource: Resource, object: StoredObject): StoredObject {
  if (resource.plural !== 'ippools') return object
  const { status: _, ...rest } = object
  return rest
}

function update(store: ObjectStore, _: Maker, { route, query, body }: Write): Answer {
  const { resource, subresource } = route
  const old = found(store, route)
  const { object, warnings } = conforming(
    resource,
    parsed(resource, body),
    query.get('fieldValidation') === 'Strict',
  )
  const { resourceVersion, uid } = object.metadata
  if (!resourceVersion && resource.custom)
    throw invalid(resource, old.metadata.name, [unversioned], resource.plural)
  if (resourceVersion && resourceVersion !== old.metadata.resourceVersion)
    throw modified(resource, old.metadata.name)
  if (uid && uid !== old.metadata.uid)
    throw precondition(resource, old.metadata.name, 'UID', uid, old.metadata.uid!)
  return { code: 200, object: replaced(store, resource, old, object, subresource), warnings }
}

const unversioned: Cause = {
  reason: 'FieldValueInvalid',
  message: 'Invalid value: 0: must be specified for an update',
  field: 'metadata.resourceVersion',
}

function patch(store: ObjectStore, _: Maker, { route, contentType, body }: Write): Answer {
  const { resource, subresource } = route
  const old = found(store, route)
  const object = patched(resource, old, contentType, body)
  if (object.metadata.resourceVersion !== old.metadata.resourceVersion)
    throw modified(resource, old.metadata.name)
  if (object.metadata.uid !== old.metadata.uid)
    throw precondition(resource, old.metadata.name, 'UID', object.metadata.uid!, old.metadata.uid!)
  const { object: good } = conforming(resource, object, false)
  return { code: 200, object: replaced(store, resource, old, good, subresource) }
}

/** Nothing is written, and the revision stays, when nothing is different. */
function replaced(
  store: ObjectStore,
  resource: Resource,
  old: StoredObject,
  wanted: StoredObject,
  subresource: string | undefined,
): StoredObject {
  const { uid, creationTimestamp, generation, namespace, deletionTimestamp } = old.metadata as Metadata &
    Fields
  const kept = {
    uid,
    creationTimestamp,
    generation,
    namespace,
    deletionTimestamp,
    resourceVersion: old.metadata.resourceVersion,
  }
  const metadata = filled({ ...wanted.metadata, ...kept }) as Metadata
  // The status subresource writes status and annotations; the main one leaves the status alone.
  const object =
    subresource === 'status'
      ? { ...old, metadata, status: wanted.status }
      : { ...wanted, metadata, status: old.status }
  const next: StoredObject = {
    ...(defined(object) as StoredObject),
    apiVersion: old.apiVersion,
    kind: old.kind,
  }
  if (canonical(next) === canonical(old)) return old
  const specChanged = canonical(next.spec) !== canonical(old.spec)
  const counted =
    generation === undefined || !specChanged
      ? next
      : withMetadata(next, { generation: Number(generation) + 1 })
  const isOver =
    deletionTimestamp !== undefined && (counted.metadata.finalizers ?? []).length === 0 && resource.custom
  return isOver ? store.remove(resource, counted) : store.put(resource, counted)
}

function remove(store: ObjectStore, make: Maker, { route, query, body }: Write): Answer {
  const { resource } = route
  const old = found(store, route)
  const { name } = old.metadata
  const { preconditions = {} } = (body ?? {}) as {
    preconditions?: { uid?: string; resourceVersion?: string }
  }
  const { uid, resourceVersion } = preconditions
  if (uid && uid !== old.metadata.uid) throw precondition(resource, name, 'UID', uid, old.metadata.uid!)
  if (resourceVersion && resourceVersion !== old.metadata.resourceVersion)
    throw precondition(resource, name, 'ResourceVersion', resourceVersion, old.metadata.resourceVersion!)
  if (resource.kind === 'Pod') return { code: 200, object: removePod(store, make, resource, old, query) }
  if ((old.metadata.finalizers ?? []).length > 0) {
    const marks = { deletionTimestamp: make.now(), deletionGracePeriodSeconds: 0 }
    const marked = old.metadata.deletionTimestamp ? old : store.put(resource, withMetadata(old, marks))
    return { code: 200, object: marked }
  }
  store.remove(resource, old)
  const { group, plural } = resource
  const details = { name, ...(group && { group }), kind: plural, uid: old.metadata.uid }
  return { code: 200, object: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details } }
}

/** A pod is marked first; it goes when its grace period is over, which kubelet says by deleting it with none. */
function removePod(
  store: ObjectStore,
  make: Maker,
  resource: Resource,
  old: StoredObject,
  query: URLSearchParams,
): StoredObject {
  const spec = (old.spec ?? {}) as { terminationGracePeriodSeconds?: number; nodeName?: string }
  const asked = query.get('gracePeriodSeconds')
  const seconds = asked === null ? (spec.terminationGracePeriodSeconds ?? 30) : Number(asked)
  const end = new Date(Date.parse(make.now()) + seconds * 1000).toISOString().replace('.000Z', 'Z')
  const marks = { deletionTimestamp: end, deletionGracePeriodSeconds: seconds }
  const isMarked = old.metadata.deletionTimestamp !== undefined
  const generation = isMarked ? {} : { generation: Number((old.metadata as Fields).generation) + 1 }
  const marked = store.put(resource, withMetadata(old, { ...marks, ...generation }))
  return seconds === 0 ? store.remove(resource, marked) : marked
}

/** What the scheduler does. */
function bind(store: ObjectStore, route: Route, body: Fields): Answer {
  const old = found(store, { ...route, subresource: undefined })
  const nodeName = (body.target as { name: string }).name
  store.put(route.resource, { ...old, spec: { ...(old.spec as Fields), nodeName } })
  return {
    code: 201,
    object: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 },
  }
}

function parsed(resource: Resource, body: unknown): StoredObject {
  const { kind, metadata, ...rest } = body as StoredObject
  if (kind !== resource.kind)
    throw badRequest(`the object provided is unrecognized (must be of type ${resource.kind})`)
  const { managedFields: _, ...ours } = metadata as Metadata & Fields
  return { ...rest, apiVersion: apiVersionOf(resource), kind, metadata: ours as Metadata }
}

function withMetadata(object: StoredObject, more: Fields): StoredObject {
  return { ...object, metadata: { ...object.metadata, ...more } }
}

function defined(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}

/** Maps that nothing is left in are not stored. */
function filled(fields: Fields): Fields {
  const isEmpty = (value: unknown) =>
    typeof value === 'object' && value !== null && Object.keys(value).length === 0
  return Object.fromEntries(Object.entries(defined(fields)).filter(([, value]) => !isEmpty(value)))
}

/** Text that is the same for the same content in any order. */
function canonical(value: unknown): string {
  return (
    JSON.stringify(value, (_, part) => {
      if (typeof part === 'bigint') return `${part}n`
      if (typeof part !== 'object' || part === null || Array.isArray(part)) return part
      return Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
    }) ?? ''
  )
}
